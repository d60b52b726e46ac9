"""What is on record about one alarm, from its condition to the people who were told. Times are Unix milliseconds."""

import msgspec

from ioc.domain.alarm import Alarm, Attempt, Transition, Unsent
from ioc.domain.state import OutboxEntry


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """A message to one channel, with every attempt to deliver it, oldest first."""

    entry: OutboxEntry
    attempts: tuple[Attempt, ...]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm from end to end."""

    alarm: Alarm
    journal: tuple[Transition, ...]
    unsent: tuple[Unsent, ...]
    """When its own message was held back or left out, and why."""
    incident: str | None
    """The mass outage that it belongs or belonged to."""
    sendings: tuple[Sending, ...]
    """Messages that name it, oldest first."""
