"""Silences: notifications held back for a stated time and reason. The alarms themselves stay visible."""

import msgspec

from ioc.domain.alarm import Alarm


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Holds back the notifications of alarms that match every given field; times Unix ms, `until` exclusive."""

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


def in_force(silence: Silence, now: int) -> bool:
    """Whether it holds anything back at that moment."""
    return silence.since <= now < silence.until
