"""Instants as the API and the webhook write them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The beginning of Unix time."""
_MS = timedelta(milliseconds=1)
LAST_MS = 9_223_286_400_000
"""12 April 2262 and later can't be told in the stores' nanoseconds."""


def can_be_told(ms: int) -> bool:
    """Whether a store can hold this time, and a text tell it."""
    return 0 <= ms < LAST_MS


def to_rfc3339(ms: int) -> str:
    """Unix ms as RFC 3339 in UTC with milliseconds: `2025-07-01T00:00:00.000Z`."""
    return (EPOCH + ms * _MS).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_unix_ms(instant: datetime) -> int:
    """Unix ms of an instant that knows its offset."""
    return (instant - EPOCH) // _MS
