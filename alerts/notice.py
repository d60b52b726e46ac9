"""What notification adds to a batch's decisions. Times are Unix ms."""

import msgspec

from alerts.grouping import Reason
from ioc.domain.alarm import NotificationGroup, OutboxMessage
from ioc.domain.incident import Incident, IncidentMember


class Untold(msgspec.Struct, frozen=True):
    """An alarm that causes no message (or, with several routes, none from one of them), and why."""

    alarm: str
    rule: str
    at: int
    reason: Reason
    silence: str = ""
    """The silence that holds it back."""
    by: str = ""
    """The incident whose messages tell of it instead, the alarm of the parent that has failed, the channel, or who it waits for."""
    until: int | None = None
    """When working hours begin that it waits for."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What notification adds to a batch's decisions; to be committed with the journal entries that it has read."""

    groups: tuple[NotificationGroup, ...] = ()
    outbox: tuple[OutboxMessage, ...] = ()
    incidents: tuple[Incident, ...] = ()
    members: tuple[IncidentMember, ...] = ()
    """Only those that came, went or were released."""
    dissolved: tuple[str, ...] = ()
    """Incidents that turned out to be none before anybody was told of them."""
    position: int
    untold: tuple[Untold, ...] = ()
