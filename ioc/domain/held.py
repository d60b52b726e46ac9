"""Alarms whose own messages are held back. Times are Unix milliseconds."""

from enum import StrEnum

import msgspec

from ioc.domain.alarm import Alarm


class Hold(StrEnum):
    """What holds an alarm's messages back."""

    WAITING = "waiting"
    """It waits for others that may have fallen with it."""
    INCIDENT = "incident"
    DEPENDENCY = "dependency"
    FLAPPING = "flapping"
    FLOOD = "flood"
    """A message about it waits for its channel's summary."""
    SILENCE = "silence"
    SHELVED = "shelved"
    HOURS = "hours"
    """Who is called about it works later."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An active alarm that causes no message of its own now."""

    alarm: Alarm
    hold: Hold
    by: str | None = None
    """The incident, the alarm of the parent that failed, the silence, the channel, or the person or team that it waits for."""
    until: int | None = None
    """When working hours begin that it waits for."""
