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
    GATHERING = "gathering"
    """Its group's next message will tell of it: `group_wait` or `group_interval` is not over."""
    UNMATCHED = "unmatched"
    """No route of the notify file takes it."""
    SUPPRESSED = "suppressed"
    """By design: its rule says that something else explains it."""
    OUT_OF_SERVICE = "out_of_service"
    HOURS = "hours"
    """Who is called about it works later."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An active alarm that causes no message of its own now."""

    alarm: Alarm
    hold: Hold
    by: str | None = None
    """The incident, the parent's alarm, the silence, the channel, the order, what suppresses it by design, or who it waits for."""
    until: int | None = None
    """When working hours begin that it waits for."""
