"""Points into `series.db`: runs in the file's own thread, inside its transaction."""

import sqlite3
from collections.abc import Iterable, Sequence

from ioc.adapters.embedded_format import SLOT_MS, Fields, Latest, keep_newest, pack, slot_of, type_name
from ioc.adapters.storable import check_field, check_series, check_time, check_value
from ioc.domain.point import Point, PointRefusal

_SERIES_CACHED = 200_000
_INSERT_POINT = """
INSERT INTO point (slot, series, at, fields) VALUES (?, ?, ?, ?)
ON CONFLICT (slot, series, at) DO UPDATE SET fields = merge_fields(fields, excluded.fields)
"""
_INSERT_LATEST = """
INSERT INTO latest (series, fields) VALUES (?, ?)
ON CONFLICT (series) DO UPDATE SET fields = merge_latest(fields, excluded.fields)
"""

_Tags = tuple[tuple[str, str], ...]


class PointWriter:
    """Knows the numbers of series and fields; `forget` after a transaction that was rolled back."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, _Tags], int] = {}
        self._fields: dict[str, dict[str, tuple[int, str]]] = {}

    def forget(self) -> None:
        """Numbers given in a transaction that failed don't exist."""
        self._series.clear()
        self._fields.clear()

    def write(self, connection: sqlite3.Connection, points: Sequence[Point], oldest: int | None) -> list[PointRefusal]:
        """Refusals by index; points before `oldest` (Unix ms) are beyond retention."""
        refusals: list[PointRefusal] = []
        rows: list[tuple[int, int, int, bytes]] = []
        latest: dict[int, Latest] = {}
        for index, point in enumerate(points):
            try:
                fields, refused = self._take(connection, point, oldest)
                series = self._series_number(connection, point)
                packed = pack(fields)
            except ValueError as error:
                refusals.append(PointRefusal(index, None, str(error)))
                continue
            refusals += (PointRefusal(index, name, detail) for name, detail in refused)
            ts = point.ts
            slot = slot_of(ts)
            rows.append((slot, series, ts - slot * SLOT_MS, packed))
            newest = {field: (ts, value) for field, value in fields.items()}
            if series in latest:
                keep_newest(latest[series], newest)
            else:
                latest[series] = newest
        rows.sort(key=_place)
        connection.executemany(_INSERT_POINT, rows)
        connection.executemany(_INSERT_LATEST, ((series, pack(latest[series])) for series in sorted(latest)))
        return refusals

    def _take(self, connection: sqlite3.Connection, point: Point, oldest: int | None) -> tuple[Fields, list[tuple[str, str]]]:
        """The fields that can be kept, and (name, why) of the others; ValueError when nothing can be."""
        check_time(point.ts)
        if oldest is not None and point.ts < oldest:
            msg = f"time {point.ts} ms lies outside the retention, which begins at {oldest}"
            raise ValueError(msg)
        known = self._fields.get(point.measurement)
        if known is None:
            known = self._fields[point.measurement] = _read_fields(connection, point.measurement)
        fields: Fields = {}
        refused: list[tuple[str, str]] = []
        for name, value in point.fields.items():
            kind = "float" if type(value) is float else type_name(value)
            number, stored_as = known.get(name) or _add_field(connection, known, point.measurement, name, kind)
            if kind != stored_as:
                refused.append((name, f"field {name!r} of {point.measurement!r} is {kind}, already exists as {stored_as}"))
                continue
            check_value(name, value)
            fields[number] = value
        if not fields:
            raise ValueError(refused[0][1] if refused else "the point has no field")
        return fields, refused

    def _series_number(self, connection: sqlite3.Connection, point: Point) -> int:
        key = (point.measurement, point.tags)
        number = self._series.get(key)
        if number is None:
            check_series(point.measurement, point.tags)
            if len(self._series) >= _SERIES_CACHED:
                self._series.clear()
            number = self._series[key] = _add_series(connection, point.measurement, point.tags)
        return number


def _place(row: tuple[int, int, int, bytes]) -> tuple[int, int]:
    return row[0], row[1]


def _read_fields(connection: sqlite3.Connection, measurement: str) -> dict[str, tuple[int, str]]:
    rows: Iterable[tuple[str, int, str]] = connection.execute("SELECT name, id, type FROM field WHERE measurement = ?", (measurement,))
    return {name: (number, kind) for name, number, kind in rows}


def _add_field(
    connection: sqlite3.Connection, known: dict[str, tuple[int, str]], measurement: str, name: str, kind: str
) -> tuple[int, str]:
    check_field(name)
    added = connection.execute("INSERT INTO field (measurement, name, type) VALUES (?, ?, ?)", (measurement, name, kind))
    known[name] = (int(added.lastrowid or 0), kind)
    return known[name]


def _add_series(connection: sqlite3.Connection, measurement: str, tags: _Tags) -> int:
    tags = tuple((name, value) for name, value in tags if value)
    identity = (measurement, dict(tags).get("device", ""), pack(tags))
    connection.execute("INSERT INTO series (measurement, device, tags) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", identity)
    found = connection.execute("SELECT id FROM series WHERE measurement = ? AND device = ? AND tags = ?", identity)
    return int(found.fetchone()[0])
