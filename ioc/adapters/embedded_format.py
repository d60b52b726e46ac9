"""How `series.db` holds points: compact rows, clustered by time and then by series.

A row is one point; its fields are a msgpack map of field number → value. Rows lie in slots of five minutes, inside a
slot by series: a batch of live points then touches a few hundred neighbouring pages, whatever the number of devices,
a series is read with one look-up a slot, and what is too old goes away from the front.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ioc.domain.columns import Row
from ioc.domain.point import FieldValue

SLOT_MS = 300_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, device TEXT NOT NULL, tags BLOB NOT NULL, UNIQUE (measurement, device, tags)
);
CREATE TABLE IF NOT EXISTS field (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, UNIQUE (measurement, name)
);
CREATE TABLE IF NOT EXISTS point (
    slot INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL, fields BLOB NOT NULL, PRIMARY KEY (slot, series, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest (series INTEGER PRIMARY KEY, fields BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rollup (
    hour INTEGER NOT NULL, series INTEGER NOT NULL, minute INTEGER NOT NULL, fields BLOB NOT NULL, PRIMARY KEY (hour, series, minute)
) WITHOUT ROWID
"""

Fields = dict[int, float | int | str]
"""Field number → value."""
Latest = dict[int, tuple[int, float | int | str]]
"""Field number → (ts, value) of the newest point that carries the field."""

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Fields).decode
unpack_latest = msgspec.msgpack.Decoder(Latest).decode
unpack_numbers = msgspec.json.Decoder(list[int]).decode
unpack_tags = msgspec.msgpack.Decoder(tuple[tuple[str, str], ...]).decode

_unpack_list: Callable[[bytes], Any] = msgspec.msgpack.Decoder(list[Fields]).decode
_LIST = b"\xdd"
"""In msgpack before the number of a list's items, four bytes long."""


def unpack_all(packed: bytes, count: int) -> list[Row]:
    """The fields of so many points, packed one after the other."""
    rows: list[Row] = _unpack_list(_LIST + count.to_bytes(4, "big") + packed)
    return rows


def slot_of(ts: int) -> int:
    """The slot that holds a time (Unix ms)."""
    return ts // SLOT_MS


def merge_fields(stored: bytes, written: bytes) -> bytes:
    """A point written again: fields merge, the later value holds."""
    return pack(unpack(stored) | unpack(written))


def merge_latest(stored: bytes, written: bytes) -> bytes:
    """The newer of both for each field; of the same time, the one written later."""
    merged = unpack_latest(stored)
    keep_newest(merged, unpack_latest(written))
    return pack(merged)


def keep_newest(merged: Latest, written: Latest) -> None:
    """Puts into `merged` what is not older there."""
    for field, (ts, value) in written.items():
        known = merged.get(field)
        if known is None or ts >= known[0]:
            merged[field] = (ts, value)


def type_name(value: FieldValue) -> str:
    """A field's type by its value's Python type."""
    if isinstance(value, float):
        return "float"
    return "integer" if isinstance(value, int) else "string"
