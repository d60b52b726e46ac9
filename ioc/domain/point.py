"""Points as the time-series store takes them, and how a store answers."""

import msgspec

FieldValue = float | int | str


class Point(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Identity = measurement + tags + ts (Unix ms): writing the same point twice merges its fields, never adds a second."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    """Sorted by tag name; no empty values."""
    fields: dict[str, FieldValue]
    """At least one; no None, NaN or infinity; int stays int (int64), float stays float."""
    ts: int


class PointRefusal(msgspec.Struct, frozen=True):
    """The store took a point not at all (`field` None), or all of it but one field."""

    index: int
    """Position in the sequence that was written."""
    field: str | None
    detail: str
    """The server's own words."""


class SeriesRow(msgspec.Struct, frozen=True, array_like=True):
    """One bucket of a queried series: `ts` is the bucket's start (ms); strings come as their last value."""

    ts: int
    value: FieldValue | None
    low: float | None = None
    high: float | None = None


class StoreUnavailableError(Exception):
    """The store can't be reached, is overloaded or failing: keep the points and try again.

    `retry_after_ms` is the server's own wish, or None.
    """

    def __init__(self, detail: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_ms = retry_after_ms


class StoreDeniedError(StoreUnavailableError):
    """The store refuses us by credentials, organisation or bucket (401, 403, 404): a person must act; keep everything."""
