"""Who of a team is on duty at a moment: members, rotation and overrides. Pure; times are Unix ms.

Hand-overs are moments of the site's wall clock, turned into instants one by one: where a clock is set, one shift is longer or shorter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from alerts.duty_plan import Override, Rotation, Team

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Shift:
    """People on duty in start ≤ t < end; None = without beginning or end."""

    start: int | None
    end: int | None
    people: tuple[str, ...]
    """Empty = nobody is."""
    override: bool = False
    """Whether an override says so."""


def shift_at(team: Team, at: int, zone: tzinfo) -> Shift:
    """The shift that a moment lies in. Shifts follow each other without gap or overlap."""
    spans = [(_instant(one.from_, zone), _instant(one.to, zone), one) for one in team.overrides]
    for start, end, override in spans:
        if start <= at < end:
            return Shift(start, end, _people(override), override=True)
    begins_at, ends_at, people = _of_rotation(team, at, zone)
    before = [until for _, until, _ in spans if until <= at]
    after = [begins for begins, _, _ in spans if begins > at]
    return Shift(
        max((one for one in (begins_at, *before) if one is not None), default=None),
        min((one for one in (ends_at, *after) if one is not None), default=None),
        people,
    )


def shifts(team: Team, start: int, end: int, zone: tzinfo) -> Iterator[Shift]:
    """All shifts that a span touches, in order."""
    at: int | None = start
    while at is not None and at < end:
        shift = shift_at(team, at, zone)
        yield shift
        at = shift.end


def _of_rotation(team: Team, at: int, zone: tzinfo) -> tuple[int | None, int | None, tuple[str, ...]]:
    rotation = team.rotation
    if rotation is None:
        return None, None, tuple(dict.fromkeys(team.members))
    number = _last_hand_over(rotation, at, zone)
    following = _hand_over(rotation, max(number + 1, 0), zone)
    if number < 0:
        return None, following, ()
    return _hand_over(rotation, number, zone), following, (team.order[number % len(team.order)],)


def _last_hand_over(rotation: Rotation, at: int, zone: tzinfo) -> int:
    """The number of the last hand-over at or before a moment; negative = before the first one."""
    day = datetime.fromtimestamp(at / 1000, zone).date()
    number = _first_number(rotation, day + timedelta(days=1)) + len(rotation.hand_over) - 1
    while number >= 0 and _hand_over(rotation, number, zone) > at:
        number -= 1
    return number


def _first_number(rotation: Rotation, day: date) -> int:
    """The number of a day's first hand-over, or of the week's that it lies in."""
    days = (day - rotation.start).days
    return days // _WEEK if rotation.every == "week" else days * len(rotation.hand_over)


def _hand_over(rotation: Rotation, number: int, zone: tzinfo) -> int:
    """When the hand-over of that number (0 = the first) is; one at a time that the clock leaves out is not after the next one's."""
    turn, position = divmod(number, len(rotation.hand_over))
    day = rotation.start + timedelta(days=turn * (_WEEK if rotation.every == "week" else 1))
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  of the zone's wall clock
    return min(_instant(midnight + timedelta(minutes=minutes), zone) for minutes in rotation.hand_over[position:])


def _instant(moment: datetime, zone: tzinfo) -> int:
    return round(moment.replace(tzinfo=zone).timestamp() * 1000)


def _people(override: Override) -> tuple[str, ...]:
    return tuple(dict.fromkeys(override.people))
