"""Questions to `series.db`: run in one of the file's reading threads."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ioc.adapters.embedded_format import SLOT_MS, slot_of, unpack, unpack_all, unpack_latest, unpack_numbers, unpack_tags
from ioc.domain.columns import Columns, Key, Row, Tags
from ioc.domain.point import FieldValue, SeriesRow

_OF_SERIES = """
WITH RECURSIVE slots (slot) AS (SELECT :first UNION ALL SELECT slot + 1 FROM slots WHERE slot < :last)
SELECT point.slot, point.at, point.fields FROM slots CROSS JOIN point ON point.slot = slots.slot AND point.series = :series
"""
_OF_ALL = """
SELECT point.slot, point.at, point.fields FROM point JOIN series ON series.id = point.series
WHERE point.slot BETWEEN :first AND :last AND series.measurement = :measurement
"""
_IN_SLOT = """
SELECT group_concat(series), group_concat(at), CAST(group_concat(fields, '') AS BLOB)
FROM (SELECT series, at, fields FROM point WHERE slot = ? AND at >= ? AND at < ? ORDER BY series, at)
"""
"""A row for each point would take three times as long."""
_SPAN = "SELECT (SELECT slot FROM point ORDER BY slot LIMIT 1), (SELECT slot FROM point ORDER BY slot DESC LIMIT 1)"


def field_types(connection: sqlite3.Connection, measurement: str) -> dict[str, str]:
    """Field → type."""
    return dict(connection.execute("SELECT name, type FROM field WHERE measurement = ? ORDER BY name", (measurement,)))


def latest(connection: sqlite3.Connection, measurement: str, since: int) -> dict[str, dict[str, tuple[int, FieldValue]]]:
    """Device → field → (ts, value) of the newest point at or after `since`."""
    names = dict(connection.execute("SELECT id, name FROM field WHERE measurement = ?", (measurement,)))
    devices: dict[str, dict[str, tuple[int, FieldValue]]] = {}
    found = connection.execute(
        "SELECT series.device, latest.fields FROM latest JOIN series ON series.id = latest.series "
        "WHERE series.measurement = ? AND series.device != ''",
        (measurement,),
    )
    for device, fields in found:
        for number, (ts, value) in unpack_latest(fields).items():
            known = devices.setdefault(device, {}).get(names[number])
            if ts >= since and (known is None or ts > known[0]):
                devices[device][names[number]] = (ts, value)
    return {device: fields for device, fields in devices.items() if fields}


def series(  # noqa: PLR0917 - the port's order
    connection: sqlite3.Connection, measurement: str, tags: Mapping[str, str], field: str, start: int, end: int, every_ms: int | None
) -> list[SeriesRow]:
    """Rows of start ≤ ts < end, ascending; see `EmbeddedStore.series`."""
    number = connection.execute("SELECT id FROM field WHERE measurement = ? AND name = ?", (measurement, field)).fetchone()
    if number is None:
        return []
    values = [
        (ts, value)
        for one in _series_numbers(connection, measurement, tags)
        for ts, value in _values(connection, _OF_SERIES, {"series": one}, number[0], start, end)
    ]
    values.sort(key=_time)
    return _buckets(values, every_ms) if every_ms is not None else [SeriesRow(ts, value) for ts, value in values]


def count(connection: sqlite3.Connection, measurement: str, start: int, end: int, field: str) -> int:
    """Points of start ≤ ts < end that carry the field."""
    number = connection.execute("SELECT id FROM field WHERE measurement = ? AND name = ?", (measurement, field)).fetchone()
    if number is None:
        return 0
    return sum(1 for _ in _values(connection, _OF_ALL, {"measurement": measurement}, number[0], start, end))


class SeriesNames:
    """What the numbers of series mean; read once, for they are never given anew."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[str, Tags]] = {}

    def read(self, connection: sqlite3.Connection) -> Mapping[int, tuple[str, Tags]]:
        """Number → measurement and tags."""
        after = next(reversed(self._names), -1)
        found = connection.execute("SELECT id, measurement, tags FROM series WHERE id > ? ORDER BY id", (after,))
        self._names.update({number: (measurement, unpack_tags(tags)) for number, measurement, tags in found})
        return self._names


def columns(connection: sqlite3.Connection, names: SeriesNames, measurements: Sequence[str], start: int, end: int) -> list[Columns]:
    """Every point of start ≤ ts < end; see `EmbeddedStore.columns`."""
    span = _slots(connection, start, end)
    if span is None:
        return []
    slots = [_gathered(connection, slot, start, end, names) for slot in range(span["first"], span["last"] + 1)]
    keys: dict[str, dict[str, Key]] = {one: {} for one in measurements}
    for number, measurement, name in connection.execute("SELECT id, measurement, name FROM field"):
        keys.setdefault(measurement, {})[name] = number
    return [
        Columns(measurement=measurement, series=one.series, times=one.times, rows=one.rows, keys=keys[measurement])
        for slot in slots
        for measurement, one in slot.items()
        if measurement in measurements
    ]


class _Gathered:
    """Points of one measurement in a slot."""

    __slots__ = ("rows", "series", "times")

    def __init__(self) -> None:
        self.series: list[tuple[Tags, int]] = []
        self.times: list[int] = []
        self.rows: list[Row] = []


def _gathered(connection: sqlite3.Connection, slot: int, start: int, end: int, names: SeriesNames) -> dict[str, _Gathered]:
    """Measurement → its points in a slot."""
    begin = slot * SLOT_MS
    numbers, ats, packed = connection.execute(_IN_SLOT, (slot, start - begin, end - begin)).fetchone()
    if numbers is None:
        return {}
    series, times = unpack_numbers(f"[{numbers}]"), [begin + at for at in unpack_numbers(f"[{ats}]")]
    rows = unpack_all(packed, len(series))
    known = names.read(connection)  # after the points: theirs are among them
    found: dict[str, _Gathered] = {}
    first = last = 0
    for measurement, some in groupby(Counter(series).items(), key=lambda one: known[one[0]][0]):
        gathered = found.setdefault(measurement, _Gathered())
        for number, count in some:
            gathered.series.append((known[number][1], count))
            last += count
        gathered.times += times[first:last]
        gathered.rows += rows[first:last]
        first = last
    return found


def _slots(connection: sqlite3.Connection, start: int, end: int) -> dict[str, int] | None:
    """The first and last slot to look into; None = there is nothing."""
    first, last = connection.execute(_SPAN).fetchone()
    if first is None or start >= end:
        return None
    span = {"first": max(first, slot_of(start)), "last": min(last, slot_of(end - 1))}
    return span if span["first"] <= span["last"] else None


def _series_numbers(connection: sqlite3.Connection, measurement: str, tags: Mapping[str, str]) -> list[int]:
    asked = "SELECT id, tags FROM series WHERE measurement = ?"
    wanted = set(tags.items())
    if "device" in tags:
        found = connection.execute(asked + " AND device = ?", (measurement, tags["device"]))
    else:
        found = connection.execute(asked, (measurement,))
    return [number for number, stored in found if wanted <= set(unpack_tags(stored))]


def _values(  # noqa: PLR0917 - what to ask, of what, and when
    connection: sqlite3.Connection, sql: str, of: Mapping[str, str | int], field: int, start: int, end: int
) -> Iterator[tuple[int, FieldValue]]:
    span = _slots(connection, start, end)
    if span is None:
        return
    for slot, at, fields in connection.execute(sql, {**of, **span}):
        ts = slot * SLOT_MS + at
        if start <= ts < end:
            value = unpack(fields).get(field)
            if value is not None:
                yield ts, value


def _time(value: tuple[int, FieldValue]) -> int:
    return value[0]


def _buckets(values: Sequence[tuple[int, FieldValue]], every_ms: int) -> list[SeriesRow]:
    rows: list[SeriesRow] = []
    begin = 0
    while begin < len(values):
        bucket = values[begin][0] // every_ms * every_ms
        end = begin
        while end < len(values) and values[end][0] < bucket + every_ms:
            end += 1
        rows.append(_bucket(bucket, [value for _, value in values[begin:end]]))
        begin = end
    return rows


def _bucket(ts: int, values: Sequence[FieldValue]) -> SeriesRow:
    numbers = [float(value) for value in values if not isinstance(value, str)]
    if not numbers:
        return SeriesRow(ts, values[-1])
    return SeriesRow(ts, sum(numbers) / len(numbers), min(numbers), max(numbers))
