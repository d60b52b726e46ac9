"""Schema drift: what a group of devices tells otherwise than before, as a rule after a firmware update."""

from enum import StrEnum
from hashlib import blake2b

import msgspec

NATIVE = "native"
"""The dialect of payloads that come as the contract says."""


class DriftKind(StrEnum):
    """How a field changed."""

    NEW = "new"
    LOST = "lost"
    RETYPED = "retyped"


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one group of devices (family, dialect, firmware); more devices change the counts, not the event. Times Unix ms."""

    id: str
    family: str
    dialect: str
    firmware: str
    """Empty = the devices tell none."""
    before: str | None
    """The firmware with which it is compared; None = the same one, earlier."""
    field: str
    kind: DriftKind
    old_type: str | None
    """JSON type: number, string, boolean, array, object; None for a new field."""
    new_type: str | None
    """None for a lost field."""
    devices: int
    messages: int
    """Of those that were looked at: only some of each device's are."""
    first_seen: int
    last_seen: int
    samples: tuple[str, ...]
    """Beginnings of up to three payloads, of different devices."""
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None


def drift_id(family: str, dialect: str, firmware: str, field: str, kind: DriftKind) -> str:
    """Derived from what it is about."""
    digest = blake2b(digest_size=8)
    for part in (family, dialect, firmware, field, kind):
        digest.update(part.encode(errors="replace") + b"\0")
    return digest.hexdigest()
