"""What the quarantine takes in: whole messages that could not be stored, and copies of partial ones."""

import msgspec

from ioc.domain.sample import Refusal


class QuarantineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery's refusal, with the complete payload."""

    topic: bytes
    payload: bytes
    family: str
    device: str | None
    at: int
    """Arrival (Unix ms)."""
    refusal: Refusal
    partial: bool
    """A copy: the rest of the message was stored."""
    fields: tuple[str, ...] = ()
    """Of a copy: the fields that were not stored."""
    stored_at: int | None = None
    """Of a copy: the time under which the rest was stored (Unix ms)."""
    redelivered: bool = False
    fingerprint: int = 0
    """With `redelivered`: what was counted before isn't counted again."""


class QuarantineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Quarantined messages of which every given field holds; times Unix ms of `last_seen`."""

    device: str | None = None
    family: str | None = None
    """As the ledger counts it: `unknown` for what belongs to none."""
    reason: str | None = None
    start: int | None = None
    """Inclusive."""
    end: int | None = None
    """Exclusive."""
    partial: bool | None = None
    """Copies of messages of which the rest was stored, or whole messages; None = both."""
    replayed: bool | None = False
    """Those stored after all, or those that wait; None = both."""
    units: frozenset[str] | None = None
    """Messages of the devices of these units only."""


class QuarantineGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over a device, a reason, or both; the one that was not asked for is None."""

    device: str | None
    """Empty = the topic tells no device."""
    reason: str | None
    entries: int
    """Different payloads kept."""
    messages: int
    """Whole messages."""
    copies: int
    """Partial messages."""
    replayed: int
    """Of the entries: stored after all, and kept as long as there is room."""
    bytes: int
