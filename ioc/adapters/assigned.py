"""Durable memory of the times that we assigned, so that a redelivery after a crash takes the same time."""

import sqlite3
import struct
from collections.abc import Sequence

from ioc.adapters.sqlite_file import SqliteFile

KEPT = 100_000
"""Entries remembered for each source: several times the most deliveries that may be unacknowledged."""
_ENTRY = struct.Struct("<Qq")
_PRUNE_EVERY = 256
"""Rows written between two prunings."""


class AssignedTimes:
    """(fingerprint, ts) by source, in `spool.db`; SpoolError when the file does not answer."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._since_pruning = 0

    async def record(self, source: str, entries: Sequence[tuple[int, int]]) -> None:
        """Fingerprints (unsigned 64 bits) with the times given (Unix ms): on disk on return."""
        if entries:
            packed = b"".join([_ENTRY.pack(fingerprint, ts) for fingerprint, ts in entries])
            await self._file.write(lambda connection: self._record(connection, source, packed))

    async def load(self, source: str) -> list[tuple[int, int]]:
        """The last 100,000 entries of a source, newest last."""
        return await self._file.read(lambda connection: _load(connection, source))

    def _record(self, connection: sqlite3.Connection, source: str, packed: bytes) -> None:
        connection.execute("INSERT INTO assigned (source, entries) VALUES (?, ?)", (source, packed))
        self._since_pruning += 1
        if self._since_pruning >= _PRUNE_EVERY:
            self._since_pruning = 0
            _prune(connection, source)


def _load(connection: sqlite3.Connection, source: str) -> list[tuple[int, int]]:
    rows: list[bytes] = []
    entries = 0
    for (packed,) in connection.execute("SELECT entries FROM assigned WHERE source = ? ORDER BY id DESC", (source,)):
        rows.append(packed[: len(packed) // _ENTRY.size * _ENTRY.size])
        entries += len(packed) // _ENTRY.size
        if entries >= KEPT:
            break
    return [(fingerprint, ts) for packed in reversed(rows) for fingerprint, ts in _ENTRY.iter_unpack(packed)][-KEPT:]


def _prune(connection: sqlite3.Connection, source: str) -> None:
    entries = 0
    sizes = connection.execute("SELECT id, length(entries) FROM assigned WHERE source = ? ORDER BY id DESC", (source,))
    for row, size in sizes:
        entries += size // _ENTRY.size
        if entries >= KEPT:
            connection.execute("DELETE FROM assigned WHERE source = ? AND id < ?", (source, row))
            return
