"""Which alarms a silence takes, and when it holds."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.alarm import Alarm, Severity
from ioc.domain.calendar import Calendar
from ioc.domain.silence import Silence, Weekly, in_force, matches, next_turn

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SATURDAY_NIGHT = Weekly(days=(6,), start=22 * 60, end=5 * 60)
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
    assert [in_force(silence(rule="r"), now, ZONE) for now in (9, 10, 19, 20)] == [False, True, True, False]


def at(day: int, hour: int, minute: int = 0) -> int:
    """Unix ms in November 2025, of which the 22nd is a Saturday."""
    return round(datetime(2025, 11, day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


def test_weekly_hours_pass_midnight_and_come_back() -> None:
    """Saturday 22:00 to Sunday 05:00, by the site's clock; not on Sunday night."""
    every = msgspec.structs.replace(silence(rule="r"), since=at(1, 0), until=at(30, 0), weekly=SATURDAY_NIGHT)
    inside = [at(22, 22), at(23, 4, 59), at(15, 23)]
    outside = [at(22, 21, 59), at(23, 5), at(23, 23), at(29, 23) + 86_400_000]
    assert all(in_force(every, moment, ZONE) for moment in inside)
    assert not any(in_force(every, moment, ZONE) for moment in outside)
    assert next_turn(every, at(20, 12), ZONE) == at(22, 22)
    assert next_turn(every, at(22, 23), ZONE) == at(23, 5)
    assert next_turn(every, at(30, 0), ZONE) is None


FAIR = Calendar.model_validate(
    {"calendar": {"fair": {"name": {"vi": "Hội chợ", "en": "Fair"}, "days": ["2025-11-13", {"from": "2025-11-21", "to": "2025-11-23"}]}}}
)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(
    ("given_days", "inside", "outside"),
    [
        pytest.param(
            {"only_on": ("fair",)}, [at(13, 22), at(14, 4), at(21, 23), at(24, 4)], [at(14, 22), at(21, 4), at(24, 5)], id="only on"
        ),
        pytest.param({"except_on": ("fair",)}, [at(14, 22), at(21, 4), at(24, 22)], [at(13, 22), at(14, 4), at(24, 4)], id="except on"),
        pytest.param({"only_on": ("gone",)}, [], [at(day, 23) for day in range(1, 29)], id="only on days that nobody knows: never"),
        pytest.param({"except_on": ("gone",)}, [at(13, 22), at(22, 4)], [], id="except on days that nobody knows: always"),
        pytest.param(
            {"only_on": ("fair",), "days": (6,)}, [at(22, 22), at(23, 4)], [at(21, 22), at(23, 22), at(15, 22)], id="and a weekday"
        ),
    ],
)
def test_hours_are_bound_to_days_of_the_calendar(given_days: dict[str, Any], inside: list[int], outside: list[int]) -> None:
    """The day on which they begin counts: the night after the last day still belongs to it."""
    weekly = Weekly(**{"days": EVERY_DAY, "start": 22 * 60, "end": 5 * 60, **given_days})
    assert [moment for moment in inside if not weekly.contains(moment, ZONE, FAIR)] == []
    assert [moment for moment in outside if weekly.contains(moment, ZONE, FAIR)] == []


HOURS = st.builds(
    Weekly,
    days=st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    only_on=st.sampled_from([(), ("fair",)]),
    except_on=st.sampled_from([(), ("fair",)]),
)


@given(HOURS, st.integers(0, 20 * 1440), st.integers(0, 20 * 1440))
def test_nothing_changes_before_the_next_turn(weekly: Weekly, began: int, now: int) -> None:
    """Whatever hours a silence has, whatever days they are bound to, and whenever it is looked at."""
    first, minute = at(1, 0), 60_000
    one = msgspec.structs.replace(silence(rule="r"), since=first + began * minute, until=first + 25 * 1440 * minute, weekly=weekly)
    moment = first + now * minute
    turn = next_turn(one, moment, ZONE)
    assert turn is not None
    steps = range(moment, min(turn, moment + 8 * 1440 * minute), 7 * minute)
    assert len({in_force(one, step, ZONE, FAIR) for step in steps}) == 1
    assert turn <= max(moment, one.since) + timedelta(days=8) // timedelta(milliseconds=1)
