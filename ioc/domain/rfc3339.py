"""Instants as the API and the webhook write them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_rfc3339(ms: int) -> str:
    """Unix ms as RFC 3339 in UTC with milliseconds: `2025-07-01T00:00:00.000Z`."""
    return (_EPOCH + ms * _MS).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_unix_ms(instant: datetime) -> int:
    """Unix ms of an instant that knows its offset."""
    return (instant - _EPOCH) // _MS
