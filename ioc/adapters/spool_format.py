"""How points lie in a row of `spool.db`, and what a row is checked by, so that garbled bytes are never taken for points or times."""

import struct
import zlib
from collections.abc import Sequence

import msgspec

from ioc.domain.point import FieldValue, Point

_ENTRY = struct.Struct("<Qq")
_CHECKSUM = struct.Struct("<I")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, tuple[tuple[str, str], ...], dict[str, FieldValue], int]]).decode


def pack_points(points: Sequence[Point]) -> bytes:
    """Each with the fields that it has."""
    return _encode([(point.measurement, point.tags, point.fields, point.ts) for point in points])


def unpack_points(packed: bytes) -> list[Point]:
    """What `pack_points` wrote; msgspec.DecodeError for anything else. Points with the same fields share their names again."""
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    points = []
    for measurement, tags, fields, ts in _decode(packed):
        names = tuple(fields)
        points.append(Point(measurement, tags, shared.setdefault(names, names), tuple(fields.values()), ts))
    return points


def batch_checksum(row_id: int, source: str, at: int, points: bytes, ledger: bytes) -> int:
    """Over all that a batch's row holds, its id too."""
    return zlib.crc32(ledger, zlib.crc32(points, zlib.crc32(f"{row_id} {at} {source}".encode())))


def pack_times(entries: Sequence[tuple[int, int]]) -> bytes:
    """(fingerprint, ts) pairs with a checksum before them."""
    packed = b"".join([_ENTRY.pack(fingerprint, ts) for fingerprint, ts in entries])
    return _CHECKSUM.pack(zlib.crc32(packed)) + packed


def unpack_times(checked: object) -> list[tuple[int, int]]:
    """The pairs; none where the checksum does not fit."""
    if not isinstance(checked, bytes) or (len(checked) - _CHECKSUM.size) % _ENTRY.size:
        return []
    packed = checked[_CHECKSUM.size :]
    if checked[: _CHECKSUM.size] != _CHECKSUM.pack(zlib.crc32(packed)):
        return []
    return list(_ENTRY.iter_unpack(packed))


def count_times(size: int) -> int:
    """How many pairs so many bytes hold."""
    return max(0, size - _CHECKSUM.size) // _ENTRY.size
