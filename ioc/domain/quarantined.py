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
    redelivered: bool = False
    fingerprint: int = 0
    """With `redelivered`: what was counted before isn't counted again."""
