"""Which alarms a silence takes, and when it holds."""

import pytest

from ioc.domain.alarm import Alarm, Severity
from ioc.domain.silence import Silence, in_force, matches

LOUDSPEAKER = Alarm(id="1", rule="offline", severity=Severity.CRITICAL, family="speaker", device="d1", unit="u1", since=0)
OURSELVES = Alarm(id="2", rule="ioc_blind", severity=Severity.CRITICAL, since=0)


def silence(**matchers: str) -> Silence:
    """From 10 to 20."""
    return Silence(id="s", since=10, until=20, reason="bảo trì", by="an", created_at=0, **matchers)


@pytest.mark.parametrize(
    ("matchers", "loudspeaker", "ourselves"),
    [
        ({"rule": "offline"}, True, False),
        ({"rule": "ioc_blind"}, False, True),
        ({"severity": "critical"}, True, True),
        ({"severity": "major"}, False, False),
        ({"family": "speaker"}, True, False),
        ({"device": "d1"}, True, False),
        ({"device": "d2"}, False, False),
        ({"unit": "u1"}, True, False),
        ({"unit": "u2", "device": "d1"}, False, False),
        ({"unit": "u1", "device": "d1", "rule": "offline", "severity": "critical", "family": "speaker"}, True, False),
        ({}, False, False),
    ],
)
def test_silence_takes_alarm_when_every_given_field_matches(matchers: dict[str, str], *, loudspeaker: bool, ourselves: bool) -> None:
    """Our own alarms have rule and severity only; a silence that names nothing takes nothing."""
    assert (matches(silence(**matchers), LOUDSPEAKER), matches(silence(**matchers), OURSELVES)) == (loudspeaker, ourselves)


def test_silence_holds_from_its_start_until_before_its_end() -> None:
    """`until` is exclusive."""
    assert [in_force(silence(rule="r"), now) for now in (9, 10, 19, 20)] == [False, True, True, False]
