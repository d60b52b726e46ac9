"""Questions to `series.db`: run in one of the file's reading threads."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from ioc.adapters.embedded_format import SLOT_MS, slot_of, unpack, unpack_latest, unpack_tags
from ioc.domain.point import FieldValue, Point, SeriesRow, in_time

_OF_SERIES = """
WITH RECURSIVE slots (slot) AS (SELECT :first UNION ALL SELECT slot + 1 FROM slots WHERE slot < :last)
SELECT point.slot, point.at, point.fields FROM slots CROSS JOIN point ON point.slot = slots.slot AND point.series = :series
"""
_OF_ALL = """
SELECT point.slot, point.at, point.fields FROM point JOIN series ON series.id = point.series
WHERE point.slot BETWEEN :first AND :last AND series.measurement = :measurement
"""
_IN_SLOTS = "SELECT slot, series, at, fields FROM point WHERE slot BETWEEN :first AND :last"
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


def points(connection: sqlite3.Connection, measurements: Sequence[str], start: int, end: int) -> list[Point]:
    """Every point of start ≤ ts < end, whole; see `EmbeddedStore.points`."""
    span = _slots(connection, start, end)
    if span is None:
        return []
    wanted = set(measurements)
    names = dict(connection.execute("SELECT id, name FROM field"))
    series = {
        number: (measurement, unpack_tags(tags))
        for number, measurement, tags in connection.execute("SELECT id, measurement, tags FROM series")
        if measurement in wanted
    }
    found = []
    for slot, number, at, fields in connection.execute(_IN_SLOTS, span):
        ts = slot * SLOT_MS + at
        if number in series and start <= ts < end:
            found.append(Point.of(*series[number], {names[field]: value for field, value in unpack(fields).items()}, ts))
    found.sort(key=in_time)
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
