"""Durable memory of the times that we assigned, so that a redelivery after a crash takes the same time."""

import sqlite3
from collections.abc import Sequence

from ioc.adapters.spool_format import count_times, pack_times, unpack_times
from ioc.adapters.sqlite_file import SqliteFile

KEPT = 100_000
"""Entries remembered for each source: several times the most deliveries that may be unacknowledged."""
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
            packed = pack_times(entries)
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
    rows: list[list[tuple[int, int]]] = []
    entries = 0
    for (packed,) in connection.execute("SELECT entries FROM assigned WHERE source = ? ORDER BY id DESC", (source,)):
        rows.append(unpack_times(packed))
        entries += len(rows[-1])
        if entries >= KEPT:
            break
    return [entry for row in reversed(rows) for entry in row][-KEPT:]


def _prune(connection: sqlite3.Connection, source: str) -> None:
    entries = 0
    sizes = connection.execute("SELECT id, length(entries) FROM assigned WHERE source = ? ORDER BY id DESC", (source,))
    for row, size in sizes:
        entries += count_times(size)
        if entries >= KEPT:
            connection.execute("DELETE FROM assigned WHERE source = ? AND id < ?", (source, row))
            return
