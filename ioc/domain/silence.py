"""Silences: notifications held back for a stated time and reason. The alarms themselves stay visible."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

import msgspec

from ioc.domain.alarm import Alarm

DAY_MINUTES = 24 * 60


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

    def contains(self, at: int, zone: tzinfo) -> bool:
        """Whether a moment (Unix ms) lies inside."""
        local = datetime.fromtimestamp(at / 1000, zone)
        minute, today = local.hour * 60 + local.minute, local.isoweekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        yesterday = (today - 2) % 7 + 1
        return (today in self.days and minute >= self.start) or (yesterday in self.days and minute < self.end)

    def turns(self, after: int, zone: tzinfo) -> Iterator[int]:
        """When the hours begin and end in the week after a moment (Unix ms), in no order."""
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


def in_force(silence: Silence, now: int, zone: tzinfo) -> bool:
    """Whether it holds anything back at that moment."""
    return silence.since <= now < silence.until and (silence.weekly is None or silence.weekly.contains(now, zone))


def ended(silence: Silence, now: int) -> Silence:
    """The silence with its end at `now`, unless it ended before."""
    return msgspec.structs.replace(silence, since=min(silence.since, now), until=min(silence.until, now))


def next_turn(silence: Silence, now: int, zone: tzinfo) -> int | None:
    """When it begins or ceases to hold something back next (Unix ms), or might; None = never again."""
    turns = [silence.since, silence.until]
    if silence.weekly is not None:
        turns += (turn for turn in silence.weekly.turns(max(now, silence.since), zone) if turn < silence.until)
    return min((turn for turn in turns if turn > now), default=None)
