"""Points as the time-series store takes them, and how a store answers."""

from collections.abc import Mapping
from typing import Self

import msgspec

FieldValue = float | int | str


class Point(msgspec.Struct, frozen=True, gc=False, eq=False):
    """Identity = measurement + tags + ts (Unix ms): writing the same point twice merges its fields, never adds a second."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    """Sorted by tag name; no empty values."""
    names: tuple[str, ...]
    """Of its fields; points of one kind share the tuple."""
    values: tuple[FieldValue | None, ...]
    """By `names`, None = the point has no such field; no NaN or infinity; int stays int (int64), float stays float."""
    ts: int

    @classmethod
    def of(cls, measurement: str, tags: tuple[tuple[str, str], ...], fields: Mapping[str, FieldValue], ts: int) -> Self:
        """A point of a kind of its own."""
        return cls(measurement, tags, tuple(fields), tuple(fields.values()), ts)

    @property
    def fields(self) -> dict[str, FieldValue]:
        """The fields that it has, in their order."""
        return {name: value for name, value in zip(self.names, self.values, strict=True) if value is not None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash((self.measurement, self.tags, self.ts))

    def _said(self) -> tuple[object, ...]:
        return self.measurement, self.tags, self.ts, self.fields


def in_time(point: Point) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    """Sorts points of several measurements: by time, then by what they are of."""
    return point.ts, point.measurement, point.tags


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
