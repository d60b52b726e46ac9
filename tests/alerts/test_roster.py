"""Who of a team is on duty, and who works when."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.duty_plan import Hours, Team
from alerts.roster import shift_at, shifts
from alerts.working_hours import works, works_from

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
"""A zone whose clock is set twice a year: 2026-03-29 02:00 to 03:00, 2026-10-25 03:00 to 02:00."""
ZONES = st.sampled_from([HANOI, BERLIN])
HOUR = 3_600_000
DAY = 24 * HOUR


def instant(text: str, zone: ZoneInfo = HANOI) -> int:
    """Unix ms of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def team(**values: Any) -> Team:
    """Three people."""
    return Team.model_validate({"members": ["an", "binh", "chi"], **values})


def on_duty(of: Team, text: str, zone: ZoneInfo = HANOI) -> tuple[str, ...]:
    """Who is, at a local time."""
    return shift_at(of, instant(text, zone), zone).people


DAILY = {"start": "2026-01-05", "every": "day", "hand_over": "07:30"}
TWO_SHIFTS = {"start": "2026-01-05", "every": "day", "hand_over": ["07:00", "19:00"]}
WEEKLY = {"start": "2026-01-05", "every": "week", "hand_over": "08:00", "order": ["chi", "an"]}


@pytest.mark.parametrize(
    ("rotation", "at", "who"),
    [
        (None, "1999-12-31 23:59", ("an", "binh", "chi")),
        (DAILY, "2026-01-05 07:29", ()),
        (DAILY, "2026-01-05 07:30", ("an",)),
        (DAILY, "2026-01-06 07:29", ("an",)),
        (DAILY, "2026-01-06 07:30", ("binh",)),
        (DAILY, "2026-01-08 12:00", ("an",)),
        (TWO_SHIFTS, "2026-01-05 18:59", ("an",)),
        (TWO_SHIFTS, "2026-01-05 19:00", ("binh",)),
        (TWO_SHIFTS, "2026-01-06 03:00", ("binh",)),
        (TWO_SHIFTS, "2026-01-06 07:00", ("chi",)),
        (WEEKLY, "2026-01-12 07:59", ("chi",)),
        (WEEKLY, "2026-01-12 08:00", ("an",)),
        (WEEKLY, "2026-01-19 08:00", ("chi",)),
    ],
)
def test_rotation_hands_over_at_its_times(rotation: dict[str, Any] | None, at: str, who: tuple[str, ...]) -> None:
    """Before its start nobody is on duty; without one all members are."""
    assert on_duty(team(rotation=rotation), at) == who


def test_override_holds_for_its_time_and_leaves_the_turns_as_they_are() -> None:
    """Who was swapped out is on duty again at the next turn; nobody is a possible answer."""
    swapped = team(
        rotation=DAILY,
        overrides=[
            {"from": "2026-01-06 12:00", "to": "2026-01-07 12:00", "people": "chi"},
            {"from": "2026-02-16 00:00", "to": "2026-02-17 00:00", "people": []},
        ],
    )
    assert on_duty(swapped, "2026-01-06 11:59") == ("binh",)
    assert on_duty(swapped, "2026-01-07 11:59") == ("chi",)
    assert on_duty(swapped, "2026-01-07 12:00") == ("chi",)  # her own turn, since 07:30
    assert on_duty(swapped, "2026-01-08 08:00") == ("an",)
    assert on_duty(swapped, "2026-02-16 10:00") == ()
    shift = shift_at(swapped, instant("2026-01-06 08:00"), HANOI)
    assert (shift.start, shift.end, shift.override) == (instant("2026-01-06 07:30"), instant("2026-01-06 12:00"), False)


def test_overrides_of_one_team_may_not_overlap() -> None:
    """Else the order of lines would decide who is woken."""
    with pytest.raises(ValidationError, match="two overrides hold at 2026-01-06 12:00"):
        team(
            overrides=[
                {"from": "2026-01-06 12:00", "to": "2026-01-07 12:00", "people": "chi"},
                {"from": "2026-01-05 12:00", "to": "2026-01-06 12:01", "people": "an"},
            ]
        )


MINUTES = st.integers(0, 1439)
LOCAL = st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 5)) | st.datetimes(datetime(2026, 10, 15), datetime(2026, 11, 5))  # noqa: DTZ001


@st.composite
def rotas(draw: st.DrawFn) -> Team:
    """A team with any rotation, and overrides around the days on which clocks are set."""
    every = draw(st.sampled_from(["day", "week"]))
    times = draw(st.lists(MINUTES, min_size=1, max_size=1 if every == "week" else 4, unique=True))
    turns = sorted(draw(st.lists(LOCAL.map(lambda one: one.replace(second=0, microsecond=0)), max_size=6, unique=True)))
    pairs = list(zip(turns[::2], turns[1::2], strict=False))
    return team(
        rotation={
            "start": draw(st.dates(date(2026, 1, 1), date(2026, 11, 1))),
            "every": every,
            "hand_over": sorted(times),
        },
        overrides=[{"from": one, "to": other, "people": draw(st.sampled_from([["an"], ["chi", "an"], []]))} for one, other in pairs],
    )


@settings(max_examples=150, deadline=None)
@given(rota=rotas(), begin=LOCAL, zone=ZONES, hours=st.integers(1, 24 * 12))
def test_shifts_cover_every_instant_exactly_once(rota: Team, begin: datetime, zone: ZoneInfo, hours: int) -> None:
    """Whatever the rotation, the overrides and the zone: shifts touch, none is empty, and each moment asks the same shift."""
    start = round(begin.replace(tzinfo=zone).timestamp() * 1000)
    end = start + hours * HOUR
    found = list(shifts(rota, start, end, zone))
    assert found[0].start is None or found[0].start <= start
    assert found[-1].end is None or found[-1].end >= end
    for one, following in pairwise(found):
        assert one.end == following.start
    for one in found:
        assert one.end is None or one.start is None or one.start < one.end
        for at in (one.start, None if one.end is None else one.end - 1):
            if at is not None:
                assert shift_at(rota, at, zone) == one


@settings(max_examples=100, deadline=None)
@given(rota=rotas(), at=LOCAL, zone=ZONES)
def test_person_on_duty_is_the_one_that_counting_hand_overs_finds(rota: Team, at: datetime, zone: ZoneInfo) -> None:
    """The slow way: go through all days since the start, and count the hand-overs that have come."""
    assert rota.rotation is not None
    now = at.replace(tzinfo=zone, second=0, microsecond=0)
    held = [(one.from_.replace(tzinfo=zone).timestamp(), one.to.replace(tzinfo=zone).timestamp(), one) for one in rota.overrides]
    over = [one for begins, ends, one in held if begins <= now.timestamp() < ends]
    count, day = 0, datetime(rota.rotation.start.year, rota.rotation.start.month, rota.rotation.start.day, tzinfo=zone)
    while day.date() <= now.date():
        count += sum((day + timedelta(minutes=minutes)).timestamp() <= now.timestamp() for minutes in rota.rotation.hand_over)
        day += timedelta(days=7 if rota.rotation.every == "week" else 1)
    expected = over[0].people if over else (rota.order[(count - 1) % 3],) if count else ()
    assert shift_at(rota, round(now.timestamp() * 1000), zone).people == expected


OFFICE = (Hours.model_validate({"from": "07:30", "to": "17:00"}),)
NIGHTS = (Hours.model_validate({"days": ["sun", "sat"], "from": "22:00", "to": "06:00"}),)


@pytest.mark.parametrize(
    ("hours", "at", "opens"),
    [
        ((), "2026-03-07 03:00", "2026-03-07 03:00"),
        (OFFICE, "2026-03-06 16:59", "2026-03-06 16:59"),
        (OFFICE, "2026-03-06 17:00", "2026-03-09 07:30"),
        (OFFICE, "2026-03-05 02:13", "2026-03-05 07:30"),
        (NIGHTS, "2026-03-09 05:59", "2026-03-09 05:59"),
        (NIGHTS, "2026-03-09 06:00", "2026-03-14 22:00"),
        ((*OFFICE, *NIGHTS), "2026-03-06 17:00", "2026-03-07 22:00"),
    ],
)
def test_working_hours_say_when_somebody_works_next(hours: tuple[Hours, ...], at: str, opens: str) -> None:
    """From Friday evening it is Monday morning."""
    assert works_from(hours, instant(at), HANOI) == instant(opens)
    assert works(hours, instant(at), HANOI) is (at == opens)
