"""Points as InfluxDB line protocol: one point, one line, whatever text the values hold.

A point that can't be written so raises ValueError: InfluxDB would answer it with 400, drop it, or take it for two.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from ioc.adapters.storable import check_field, check_series, check_time, check_value
from ioc.domain.point import FieldValue, Point

_CACHED = 100_000
_TEXT_CACHED = 64
"""Texts up to so many characters are remembered quoted: states, carriers and versions come again and again."""
_UNWRITTEN = ValueError("not written")
_IN_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_IN_MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ "})
_IN_STRING = str.maketrans({"\\": r"\\", '"': r"\""})


class LineEncoder:
    """Encodes points; remembers each series' and each field's escaped key, so that a line costs its values only."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, tuple[tuple[str, str], ...]], bytes] = {}
        self._keys: dict[str, bytes] = {}
        self._texts: dict[str, bytes] = {}

    def lines(self, points: Sequence[Point]) -> list[bytes | ValueError]:
        """For each point its line without a newline, or why it can't be written. Points of the same names are written column by column."""
        written: list[bytes | ValueError] = [_UNWRITTEN] * len(points)
        same: dict[int, list[int]] = {}
        for index, point in enumerate(points):  # mostly one tuple is shared: its address is cheaper to compare than what it holds
            same.setdefault(id(point.names), []).append(index)
        alike: dict[tuple[str, ...], list[int]] = {}
        for indexes in same.values():
            alike.setdefault(points[indexes[0]].names, []).extend(indexes)
        for indexes in alike.values():
            some = [points[index] for index in indexes]
            try:
                table: Sequence[bytes | ValueError] = self._table(some)
            except ValueError:
                table = [self._line_or_reason(point) for point in some]
            for index, line in zip(indexes, table, strict=True):
                written[index] = line
        return written

    def line(self, point: Point) -> bytes:
        """One line without its newline; ValueError says what can't be written."""
        fields = [self._key(name) + self._value(name, value) for name, value in point.fields.items()]
        if not fields:
            msg = "the point has no field"
            raise ValueError(msg)
        check_time(point.ts)
        return b"%b %b %d" % (self._series_key(point), b",".join(fields), point.ts)

    def _line_or_reason(self, point: Point) -> bytes | ValueError:
        try:
            return self.line(point)
        except ValueError as error:
            return error

    def _table(self, points: Sequence[Point]) -> Sequence[bytes]:
        """Lines of points with the same names; ValueError where one can't be written, or they must be written one by one."""
        whole: list[list[bytes]] = []
        partial: list[list[bytes]] = []
        template = []
        for name, column in zip(points[0].names, zip(*[point.values for point in points], strict=True), strict=True):
            missing = column.count(None)
            if missing == len(column):
                continue
            present = [value for value in column if value is not None] if missing else column
            (kind,) = set(map(type, present))  # ValueError for several types
            texts = self._column(name, kind, present)
            key, end = self._key(name), b"i" if kind is int else b""
            if missing:
                rest = iter(texts)
                partial.append([b"" if value is None else b",%b%b%b" % (key, next(rest), end) for value in column])
            else:
                whole.append(texts)
                template.append(key.replace(b"%", b"%%") + b"%b" + end)
        if not whole:
            raise ValueError
        check_time(min(point.ts for point in points))
        check_time(max(point.ts for point in points))
        form = b"%b " + b",".join(template) + b"%b" * len(partial) + b" %d"
        rows = zip([self._series_key(point) for point in points], *whole, *partial, [point.ts for point in points], strict=True)
        return [form % row for row in rows]

    def _column(self, name: str, kind: type, values: Sequence[Any]) -> list[bytes]:
        """A column's values, without an integer's `i`; numbers all at once: 0.1 instead of 0.3 µs each."""
        if kind is str:
            known = self._texts
            return [known.get(value) or self._value(name, value) for value in values]
        if kind is int:
            check_value(name, min(values))
            check_value(name, max(values))
        elif kind is not float:
            raise ValueError
        texts: list[bytes] = msgspec.json.encode(values)[1:-1].split(b",")
        if kind is float and b"null" in texts:  # infinite, or none
            raise ValueError
        return texts

    def _series_key(self, point: Point) -> bytes:
        identity = (point.measurement, point.tags)
        series = self._series.get(identity)
        if series is None:
            series = series_key(*identity).encode()
            _make_room(self._series)
            self._series[identity] = series
        return series

    def _key(self, name: str) -> bytes:
        key = self._keys.get(name)
        if key is None:
            key = field_key(name).encode() + b"="
            _make_room(self._keys)
            self._keys[name] = key
        return key

    def _value(self, name: str, value: FieldValue) -> bytes:
        written = field_value(name, value).encode()
        if type(value) is str and len(value) <= _TEXT_CACHED:
            _make_room(self._texts)
            self._texts[value] = written
        return written


def series_key(measurement: str, tags: tuple[tuple[str, str], ...]) -> str:
    """Measurement and tags, escaped; a tag without a value is left out."""
    check_series(measurement, tags)
    named = (f",{name.translate(_IN_TAG)}={value.translate(_IN_TAG)}" for name, value in tags if value)
    return measurement.translate(_IN_MEASUREMENT) + "".join(named)


def field_key(name: str) -> str:
    """A field's name, escaped."""
    check_field(name)
    return name.translate(_IN_TAG)


def field_value(name: str, value: FieldValue) -> str:
    """A value typed by its Python type: float, `…i` for int (bool as 0/1), quoted text for str."""
    check_value(name, value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, int):
        return f"{int(value)}i"
    return f'"{str.translate(value, _IN_STRING)}"'


def _make_room(cache: dict[Any, bytes]) -> None:
    if len(cache) >= _CACHED:
        cache.clear()
