"""Silences: notifications held back for a stated time and reason. The alarms themselves stay visible."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

import msgspec

from ioc.domain.alarm import Alarm
from ioc.domain.calendar import NO_DAYS, Calendar

DAY_MINUTES = 24 * 60


def clock_text(minutes: int) -> str:
    """Minutes since midnight as files and documents write them: `22:00`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


class SilenceKind(StrEnum):
    """What people call it; both hold back alike."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    """Planned work on what it covers."""


class Weekly(msgspec.Struct, frozen=True, kw_only=True):
    """Hours that come back every week, in the site's zone: maintenance on Saturday nights, a market day."""

    days: tuple[int, ...]
    """On which they begin: 1 = Monday to 7 = Sunday."""
    start: int
    """Minutes since midnight."""
    end: int
    """Exclusive; not after `start` = on the next day."""
    only_on: tuple[str, ...] = ()
    """Names of the calendar: they begin on these days only; empty = on any."""
    except_on: tuple[str, ...] = ()
    """Names of the calendar: they don't begin on these days."""

    def contains(self, at: int, zone: tzinfo, calendar: Calendar = NO_DAYS) -> bool:
        """Whether a moment (Unix ms) lies inside."""
        local = datetime.fromtimestamp(at / 1000, zone)
        minute, today = local.hour * 60 + local.minute, local.date()
        if self.start < self.end:
            return self.start <= minute < self.end and self._begins(today, calendar)
        if minute >= self.start and self._begins(today, calendar):
            return True
        return minute < self.end and self._begins(today - timedelta(days=1), calendar)

    def _begins(self, day: date, calendar: Calendar) -> bool:
        return (
            day.isoweekday() in self.days
            and (not self.only_on or calendar.has(day, self.only_on))
            and not calendar.has(day, self.except_on)
        )

    def turns(self, after: int, zone: tzinfo) -> Iterator[int]:
        """When the hours begin and end in the week after a moment (Unix ms), whatever the calendar says, in no order."""
        midnight = datetime.fromtimestamp(after / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        length = (self.end - self.start - 1) % DAY_MINUTES + 1
        for day in range(-1, 8):
            begins = midnight + timedelta(days=day, minutes=self.start)
            if begins.isoweekday() in self.days:
                yield from (round(turn.timestamp() * 1000) for turn in (begins, begins + timedelta(minutes=length)))


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Holds back the notifications of alarms that match every given field; times Unix ms, `until` exclusive.

    With `weekly` it does so in these hours only.
    """

    id: str
    rule: str | None = None
    severity: str | None = None
    family: str | None = None
    device: str | None = None
    unit: str | None = None
    since: int
    until: int
    reason: str
    by: str
    created_at: int
    weekly: Weekly | None = None
    kind: SilenceKind = SilenceKind.SILENCE


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm whose first message a silence held back, as it stands now."""

    alarm: Alarm
    at: int
    """When it was held back first, Unix ms."""


def matches(silence: Silence, alarm: Alarm) -> bool:
    """Whether the alarm has the asked value in every asked field, whenever that is; a silence that asks for nothing takes nothing."""
    pairs = (
        (silence.rule, alarm.rule),
        (silence.severity, alarm.severity),
        (silence.family, alarm.family),
        (silence.device, alarm.device),
        (silence.unit, alarm.unit),
    )
    asked = [wanted == value for wanted, value in pairs if wanted is not None]
    return bool(asked) and all(asked)


def in_force(silence: Silence, now: int, zone: tzinfo, calendar: Calendar = NO_DAYS) -> bool:
    """Whether it holds anything back at that moment."""
    return silence.since <= now < silence.until and (silence.weekly is None or silence.weekly.contains(now, zone, calendar))


def ended(silence: Silence, now: int) -> Silence:
    """The silence with its end at `now`, unless it ended before."""
    return msgspec.structs.replace(silence, since=min(silence.since, now), until=min(silence.until, now))


def next_turn(silence: Silence, now: int, zone: tzinfo) -> int | None:
    """When it begins or ceases to hold something back next (Unix ms), or might; None = never again."""
    turns = [silence.since, silence.until]
    if silence.weekly is not None:
        turns += (turn for turn in silence.weekly.turns(max(now, silence.since), zone) if turn < silence.until)
    return min((turn for turn in turns if turn > now), default=None)
