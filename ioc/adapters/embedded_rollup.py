"""One-minute rollups in `series.db`: read from its points, kept in a table of their own."""

import sqlite3
from collections.abc import Sequence

import msgspec

from ioc.adapters.embedded_format import SLOT_MS, slot_of, unpack
from ioc.domain.point import FieldValue
from ioc.domain.rollup import HOUR_MS, MINUTE_MS, DeviceMinute, Rolled, roll

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[int, Rolled]).decode
_POINTS = "SELECT slot, series, at, fields FROM point WHERE slot BETWEEN ? AND ? AND slot * ? + at >= ? AND slot * ? + at < ?"
_PUT = "INSERT OR REPLACE INTO rollup (hour, series, minute, fields) VALUES (?, ?, ?, ?)"
_OF_SERIES = """
WITH RECURSIVE hours (hour) AS (SELECT :first UNION ALL SELECT hour + 1 FROM hours WHERE hour < :last)
SELECT rollup.minute, rollup.fields FROM hours CROSS JOIN rollup ON rollup.hour = hours.hour AND rollup.series = :series
"""
_SPAN = "SELECT (SELECT hour FROM rollup ORDER BY hour LIMIT 1), (SELECT hour FROM rollup ORDER BY hour DESC LIMIT 1)"
_EXPIRE = """
DELETE FROM rollup WHERE (hour, series, minute) IN (SELECT hour, series, minute FROM rollup WHERE hour < ? ORDER BY hour LIMIT 5000)
"""


def summarise(  # noqa: PLR0917 - the port's order
    connection: sqlite3.Connection, measurement: str, metrics: Sequence[str], start: int, end: int, devices: Sequence[str]
) -> list[DeviceMinute]:
    """See `EmbeddedStore.summarise`."""
    wanted = set(metrics)
    names = {number: name for name, number in _fields(connection, measurement).items() if name in wanted}
    series = {number: device for device, number in _series(connection, measurement).items() if not devices or device in devices}
    values: dict[tuple[str, int], dict[str, list[FieldValue]]] = {}
    bounds = (slot_of(start), slot_of(end - 1), SLOT_MS, start, SLOT_MS, end)
    for slot, number, at, fields in connection.execute(_POINTS, bounds):  # by slot, series and time
        device = series.get(number)
        if device is None:
            continue
        minute = (slot * SLOT_MS + at) // MINUTE_MS * MINUTE_MS
        found = values.setdefault((device, minute), {})
        for field, value in unpack(fields).items():
            if field in names:
                found.setdefault(names[field], []).append(value)
    return [
        DeviceMinute(device, minute, {name: roll(one) for name, one in found.items()})
        for (device, minute), found in values.items()
        if found
    ]


def put(connection: sqlite3.Connection, measurement: str, minutes: Sequence[DeviceMinute], oldest: int) -> None:
    """Replaces what stands there; some of what begins before `oldest` (Unix ms) goes away."""
    fields, series = _fields(connection, measurement), _series(connection, measurement)
    rows = [
        (one.minute // HOUR_MS, series[one.device], one.minute, _pack({fields[name]: rolled for name, rolled in one.metrics.items()}))
        for one in minutes
    ]
    connection.executemany(_PUT, sorted(rows))
    connection.execute(_EXPIRE, (oldest // HOUR_MS,))


def read(  # noqa: PLR0917 - the port's order
    connection: sqlite3.Connection, measurement: str, device: str, metric: str, start: int, end: int
) -> list[tuple[int, Rolled]]:
    """See `EmbeddedStore.rollups`."""
    field, series = _fields(connection, measurement).get(metric), _series(connection, measurement).get(device)
    first, last = connection.execute(_SPAN).fetchone()
    if field is None or series is None or first is None or start >= end:
        return []
    span = {"first": max(first, start // HOUR_MS), "last": min(last, (end - 1) // HOUR_MS), "series": series}
    if span["first"] > span["last"]:
        return []
    found = ((minute, _unpack(fields).get(field)) for minute, fields in connection.execute(_OF_SERIES, span) if start <= minute < end)
    return [(minute, rolled) for minute, rolled in found if rolled is not None]


def _fields(connection: sqlite3.Connection, measurement: str) -> dict[str, int]:
    return dict(connection.execute("SELECT name, id FROM field WHERE measurement = ?", (measurement,)))


def _series(connection: sqlite3.Connection, measurement: str) -> dict[str, int]:
    return dict(connection.execute("SELECT device, id FROM series WHERE measurement = ? AND device != ''", (measurement,)))
