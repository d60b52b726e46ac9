"""Stored points in bulk: many at once, with as little as possible made of each."""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

import msgspec

from ioc.domain.point import FieldValue, Point

Tags = tuple[tuple[str, str], ...]
Key = int | str
"""Under which a row holds a field: the store's own number or name of it, the same in all that one store hands out."""
Row = Mapping[Key, FieldValue]


class Columns(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Points of one measurement in a span: series by series, in each by time."""

    measurement: str
    series: Sequence[tuple[Tags, int]]
    """Its tags, sorted by name, and how many of the points are its own: none twice."""
    times: Sequence[int]
    """Unix ms."""
    rows: Sequence[Row]
    """The fields that each point has."""
    keys: Mapping[str, Key]
    """Field → its key."""

    def column(self, field: str) -> Sequence[FieldValue | None]:
        """A field's value in each point, None where it has none."""
        key = self.keys.get(field)
        if key is None:
            return [None] * len(self.rows)
        try:
            return [*map(itemgetter(key), self.rows)]  # half the time, where every point has it
        except KeyError:
            return [row.get(key) for row in self.rows]

    def points(self) -> Iterator[Point]:
        """Each by itself."""
        names = {key: name for name, key in self.keys.items()}
        told = zip(self.times, self.rows, strict=True)
        for tags, count in self.series:
            for _ in range(count):
                ts, row = next(told)
                yield Point.of(self.measurement, tags, {names[key]: value for key, value in row.items()}, ts)
