"""Alarms that are held back, as the API and the command line show them."""

import msgspec

from ioc.domain.alarm_document import Instant
from ioc.domain.held import Held, Hold
from ioc.domain.rfc3339 import to_rfc3339


class HeldDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An active alarm that causes no message of its own now.

    `by` is the incident, the parent's alarm, the silence, the channel, the order, what suppresses it by design, or who it waits for.
    """

    alarm: str
    rule: str
    device: str | None
    unit: str | None
    since: Instant
    hold: Hold
    by: str | None
    until: Instant | None
    """When working hours begin that it waits for."""


def held_document(held: Held) -> HeldDocument:
    """The document of an alarm that is held back."""
    alarm = held.alarm
    return HeldDocument(
        alarm=alarm.id,
        rule=alarm.rule,
        device=alarm.device,
        unit=alarm.unit,
        since=to_rfc3339(alarm.since),
        hold=held.hold,
        by=held.by,
        until=None if held.until is None else to_rfc3339(held.until),
    )
