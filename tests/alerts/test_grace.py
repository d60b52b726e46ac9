"""The grace after a spell in which we could not hear, by each device's own cadence."""

import pytest

from ioc.domain.hearing import CANARY_EVERY_MS, Hearing
from ioc.domain.liveness import LivenessBook

START = 1_700_000_000_000
CADENCE = 300_000
SILENCE, GRACE = 3 * CADENCE, CADENCE * 3 // 2


def listen(hearing: Hearing, start: int, end: int) -> None:
    """Canaries every 5 s."""
    for at in range(start, end + 1, CANARY_EVERY_MS):
        hearing.canary_back(sent_at=at, arrival=at + 20)


def heard_long_ago() -> tuple[Hearing, LivenessBook, int]:
    """A device that was heard nearly its whole silence ago; our clock."""
    hearing = Hearing(START)
    book = LivenessBook(hearing)
    book.track("d1", "speaker", SILENCE, grace_ms=GRACE)
    listen(hearing, START, START + 5_000)
    book.arrival("d1", START + 5_000)
    now = START + SILENCE
    listen(hearing, START + 10_000, now)
    assert book.tick(now) == []
    return hearing, book, now


@pytest.mark.parametrize("spell", ["lost", "deaf", "slow", "set"])
def test_lets_a_device_speak_after_a_spell(spell: str) -> None:
    """It may have spoken while nobody could hear it: it is judged after one and a half cadences of listening, not after fifteen seconds."""
    hearing, book, now = heard_long_ago()
    if spell == "lost":
        hearing.disconnected()
    elif spell == "slow":
        hearing.canary_back(sent_at=now + 5_000, arrival=now + 25_000)
    elif spell == "set":
        hearing.clock_stepped(7_000)
    again = now + (60_000 if spell in {"lost", "deaf"} else 30_000 if spell == "slow" else 7_000)
    listen(hearing, again, again + GRACE)
    assert book.tick(again + GRACE) == []
    listen(hearing, again + GRACE + 5_000, again + GRACE + 10_000)
    assert [change.device for change in book.tick(again + GRACE + 10_000)] == ["d1"]


def test_judges_without_a_spell_at_the_declared_silence() -> None:
    """The grace is no longer silence."""
    hearing, book, now = heard_long_ago()
    listen(hearing, now + 5_000, now + 15_000)
    assert [change.device for change in book.tick(now + 15_000)] == ["d1"]


def test_lets_a_device_speak_that_was_never_heard() -> None:
    """Its first message may have come just then."""
    hearing = Hearing(START)
    book = LivenessBook(hearing)
    book.track("d1", "speaker", SILENCE, grace_ms=GRACE)
    book.never_seen("d1", START)
    listen(hearing, START, START + SILENCE)
    hearing.disconnected()
    again = START + SILENCE + 60_000
    listen(hearing, again, again + GRACE)
    assert book.tick(again + GRACE) == []
    listen(hearing, again + GRACE + 5_000, again + GRACE + 10_000)
    assert [change.device for change in book.tick(again + GRACE + 10_000)] == ["d1"]
