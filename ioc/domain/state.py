"""What the state database gives back: the state to start from, queued messages, filters, and how it fails."""

from typing import Literal

import msgspec

from ioc.domain.alarm import Alarm, NotificationGroup, OutboxMessage, RuleState, Severity
from ioc.domain.registry import Device, Unit
from ioc.domain.service import ServiceOrder


class StateUnavailableError(Exception):
    """The state database can't be read or written now (disk full, locked, I/O error): nothing was changed, try again."""


class StateSchemaError(Exception):
    """The state database was written by a newer program, or isn't ours: a person must act."""


class FencedError(Exception):
    """Another engine has taken over since our epoch: stop at once, nothing was written."""


class CursorError(ValueError):
    """A paging cursor that names no item of the list."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """All that an engine needs to go on where the last one stopped, read in one transaction."""

    alarms: tuple[Alarm, ...]
    """Active, or cleared but not acknowledged; oldest first."""
    rule_states: tuple[RuleState, ...]
    groups: tuple[NotificationGroup, ...]
    seq: int
    """Number of the last journal entry; 0 = none yet."""
    position: int
    """The journal's number up to which notification has read."""
    heard_until: int | None = None
    """Send time of the last canary that had come back (Unix ms)."""
    orders: tuple[ServiceOrder, ...] = ()
    """Devices and units that nobody has given back to service."""
    devices: tuple[Device, ...]
    units: tuple[Unit, ...]
    booked: dict[str, tuple[bytes, ...]]
    """Fingerprints by source, as booked: one blob a batch, newest last."""
    spooled: frozenset[int]
    """Ids of spool rows that the ledger counts as spooled."""

    def fingerprints(self, source: str) -> list[bytes]:
        """Blobs of 8 bytes a delivery, newest last: the last 100,000 booked deliveries of the source, and a few more."""
        return list(self.booked.get(source, ()))


class PendingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox message that has not ended yet: `attempts` made so far, next one due at `next_at`."""

    message: OutboxMessage
    attempts: int
    next_at: int


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox message as lists show it: `done_at` set and `delivered` False means given up or handed to another channel."""

    message: OutboxMessage
    attempts: int
    next_at: int | None
    done_at: int | None
    delivered: bool


class AlarmFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of alarms is narrowed to; None = any."""

    state: Literal["active", "cleared"] | None = None
    rule: str | None = None
    severity: Severity | None = None
    family: str | None = None
    device: str | None = None
    unit: str | None = None
    acknowledged: bool | None = None
    assigned_to: str | None = None
    units: frozenset[str] | None = None
    """Alarms of these units only; the empty set lists none."""
