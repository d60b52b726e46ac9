"""Whatever a channel does for half an hour, and however often we die meanwhile: every message arrives, in time, under its own key."""

import pytest

from harm.failing_channel import AFTER_MS, ATTEMPT_MS, MODES, live_through


@pytest.mark.parametrize("crashes", [0, 20])
@pytest.mark.parametrize("mode", MODES)
def test_no_message_is_missed_whatever_its_channel_does(mode: str, crashes: int) -> None:
    """The second channel has it in time; a crash or a lost answer brings one message twice at most, with the same key."""
    told = live_through(mode, seed=crashes, crashes=crashes)
    assert (told.missed, told.twice, told.other_keys) == (0, 0, 0)
    assert told.messages > 250
    assert told.latest_ms <= AFTER_MS + (3 if crashes else 1) * ATTEMPT_MS
    assert told.first_works_again
