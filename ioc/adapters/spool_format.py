"""What a row of `spool.db` is checked by, so that garbled bytes are never taken for points or times."""

import struct
import zlib
from collections.abc import Sequence

_ENTRY = struct.Struct("<Qq")
_CHECKSUM = struct.Struct("<I")


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
