"""Rows out of the pages of a damaged SQLite file, without its header, tables of contents or trees.

Every leaf page of a table that can be found is read for itself (https://www.sqlite.org/fileformat2.html); what else is
damaged does not matter to it. Rows that were deleted but not overwritten come back too, and garbled ones as they are:
the caller must be able to tell by a checksum, and must not mind old rows.
"""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PAGE = 4_096
_LEAF = 0x0D
_WAL_HEADER, _FRAME_HEADER = 32, 24
_MOST_LOCAL, _LEAST_LOCAL = PAGE - 35, (PAGE - 12) * 32 // 255 - 23
_PAYLOAD_MOST = 1 << 28
_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""Bytes of the serial types 0–9: NULL, six integers, a float, the constants 0 and 1."""
_FLOAT, _ONE, _BLOBS = 7, 9, 12

Row = tuple[int, tuple[object, ...]]
"""Row id and columns; the column that is the row id is None."""


def carve(path: Path) -> Iterator[Row]:
    """All rows of all leaf pages, of the file and of the log beside it."""
    with contextlib.ExitStack() as stack:
        pages = _Pages(stack, path)
        for number in range(1, pages.count + 1):
            page = pages.read(number)
            if len(page) == PAGE and page[100 if number == 1 else 0] == _LEAF:
                yield from _rows(page, 100 if number == 1 else 0, pages)


class _Pages:
    """Pages by number, newest version first: committed ones of the log, else those of the file."""

    def __init__(self, stack: contextlib.ExitStack, path: Path) -> None:
        self._file = stack.enter_context(path.open("rb"))
        self._in_log: dict[int, int] = {}
        log = path.with_name(path.name + "-wal")
        self._log: BinaryIO | None = stack.enter_context(log.open("rb")) if log.exists() else None
        if self._log is not None:
            self._in_log = _committed(self._log)
        self.count = max(-(-path.stat().st_size // PAGE), *self._in_log, 0)

    def read(self, number: int) -> bytes:
        """A page; shorter where the file ends in it."""
        at = self._in_log.get(number)
        if at is not None and self._log is not None:
            self._log.seek(at)
            return self._log.read(PAGE)
        self._file.seek((number - 1) * PAGE)
        return self._file.read(PAGE)


def _committed(log: BinaryIO) -> dict[int, int]:
    """Page → where its newest committed version stands in the log."""
    header = log.read(_WAL_HEADER)
    salt = header[16:24]
    seen: dict[int, int] = {}
    committed: dict[int, int] = {}
    while len(frame := log.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == salt:
        number, commit = struct.unpack(">II", frame[:8])
        seen[number] = log.tell()
        if len(log.read(PAGE)) < PAGE:
            break
        if commit:
            committed |= seen
            seen = {}
    return committed


def _rows(page: bytes, header: int, pages: _Pages) -> Iterator[Row]:
    (cells,) = struct.unpack_from(">H", page, header + 3)
    for cell in range(min(cells, (PAGE - header - 8) // 2)):
        with contextlib.suppress(ValueError, IndexError, struct.error, UnicodeDecodeError):
            (at,) = struct.unpack_from(">H", page, header + 8 + 2 * cell)
            yield _row(page, at, pages)


def _row(page: bytes, at: int, pages: _Pages) -> Row:
    size, at = _varint(page, at)
    row_id, at = _varint(page, at)
    if size > _PAYLOAD_MOST or row_id >= 1 << 63:
        msg = "no row"
        raise ValueError(msg)
    return row_id, _columns(_payload(page, at, size, pages))


def _payload(page: bytes, at: int, size: int, pages: _Pages) -> bytes:
    if size <= _MOST_LOCAL:
        return page[at : at + size]
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE - 4)
    local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
    payload = bytearray(page[at : at + local])
    (following,) = struct.unpack_from(">I", page, at + local)
    while len(payload) < size:
        overflow = pages.read(following) if 0 < following <= pages.count else b""
        if len(overflow) < min(PAGE, 4 + size - len(payload)):
            msg = "the row's end is missing"
            raise ValueError(msg)
        payload += overflow[4 : 4 + size - len(payload)]
        (following,) = struct.unpack_from(">I", overflow)
    return bytes(payload)


def _columns(payload: bytes) -> tuple[object, ...]:
    end, at = _varint(payload, 0)
    body = end
    columns: list[object] = []
    while at < end:
        kind, at = _varint(payload, at)
        width = _WIDTHS[kind] if kind < len(_WIDTHS) else (kind - _BLOBS) // 2
        columns.append(_value(kind, payload[body : body + width]))
        body += width
    return tuple(columns)


def _value(kind: int, content: bytes) -> object:
    if kind >= _BLOBS:
        return content if kind % 2 == 0 else content.decode()
    if kind == _FLOAT:
        return struct.unpack(">d", content)[0]
    if kind in {0, _ONE - 1, _ONE}:
        return None if kind == 0 else kind - (_ONE - 1)
    return int.from_bytes(content, "big", signed=True)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(9):
        byte = content[at + step]
        if step == 8:  # noqa: PLR2004 - the ninth byte holds eight bits
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the last one has no flag
            return value, at + step + 1
    return value, at + 9
