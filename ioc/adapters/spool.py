"""The spool: batches that we have accepted and the store has not taken yet, one row each, oldest first."""

import sqlite3
import zlib
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
import structlog

from ioc.adapters.spool_file import SpoolFullError
from ioc.adapters.spool_format import batch_checksum, pack_points, unpack_points
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.point import Point

log = structlog.get_logger("ioc.spool")

_ROW_COST = 64
"""What a row takes beside its contents, in bytes, roughly."""
_LEVEL = 1
_PAGE = 16


class SpoolRow(msgspec.Struct, frozen=True):
    """A batch as it was given; `at` = when (Unix ms)."""

    id: int
    source: str
    at: int
    points: list[Point]
    ledger: bytes


class DamagedRow(msgspec.Struct, frozen=True):
    """A batch whose points can't be read any more; kept aside. `ledger` is as good as it was found."""

    id: int
    source: str
    at: int
    size: int
    detail: str
    ledger: bytes


class _Level(msgspec.Struct, frozen=True):
    rows: int = 0
    bytes: int = 0
    oldest_at: int | None = None


class Spool:
    """Bounded by `limit_bytes`. `rows`, `bytes_used` and `oldest_at` tell the level as of the last finished call.

    SpoolError whenever the file does not answer; `open` first.
    """

    def __init__(self, file: SqliteFile, *, limit_bytes: int, clock: Callable[[], int]) -> None:
        self._file = file
        self._limit = limit_bytes
        self._clock = clock
        self._level = _Level()
        self.put_aside = 0
        """Rows found unreadable since our start."""

    @property
    def rows(self) -> int:
        """Batches waiting."""
        return self._level.rows

    @property
    def bytes_used(self) -> int:
        """Their size on disk, without SQLite's own overhead."""
        return self._level.bytes

    @property
    def limit_bytes(self) -> int:
        """The most that may wait."""
        return self._limit

    @property
    def oldest_at(self) -> int | None:
        """When the oldest batch was spooled (Unix ms); None when empty."""
        return self._level.oldest_at

    async def open(self) -> None:
        """Reads the level."""
        self._level = await self._file.write(_level)

    async def append(self, source: str, points: Sequence[Point], ledger: bytes) -> int:
        """The row's id (never used twice), once it is on disk; SpoolFullError when there is no room for it."""
        at = self._clock()
        row, self._level = await self._file.write(lambda connection: self._append(connection, source, at, points, ledger))
        return row

    async def oldest(self, limit: int, *, points: int | None = None) -> list[SpoolRow]:
        """The first `limit` readable rows by id, and no more of them than hold `points` together, but at least one.

        Unreadable ones are put aside and reported by `damaged`, and stop nothing.
        """
        rows: list[SpoolRow] = []
        after, room = 0, points
        while len(rows) < limit and (room is None or room > 0):
            asked = limit - len(rows)
            found, ended = await self._page(after, asked, room)
            broken = [entry for entry in found if isinstance(entry, DamagedRow)]
            if broken:
                await self._put_aside(broken)
            rows += (entry for entry in found if isinstance(entry, SpoolRow))
            if ended or not found:
                break
            after = found[-1].id
            room = None if points is None else points - sum(len(row.points) for row in rows)
        return rows

    async def ids(self) -> list[int]:
        """Of all rows, readable or not, oldest first."""
        return await self._file.read(lambda connection: [row for (row,) in connection.execute("SELECT id FROM batch ORDER BY id")])

    async def since(self, row_id: int = 0) -> AsyncIterator[SpoolRow]:
        """All readable rows after `row_id`, oldest first, a few at a time: to rebuild latest values at the start."""
        while True:
            found, ended = await self._page(row_id, _PAGE, None)
            for entry in found:
                if isinstance(entry, SpoolRow):
                    yield entry
            if ended or not found:
                return
            row_id = found[-1].id

    async def remove(self, row_ids: Sequence[int]) -> None:
        """Forgets rows that the store has taken, in one transaction; once more does no harm."""
        self._level = await self._file.write(lambda connection: _remove(connection, row_ids))

    async def damaged(self) -> list[DamagedRow]:
        """What was found unreadable and put aside, by id."""
        return await self._file.read(_damaged)

    async def _page(self, after: int, limit: int, points: int | None) -> tuple[list[SpoolRow | DamagedRow], bool]:
        """Rows after an id, and whether they are as many as there are or as fit."""
        return await self._file.read(lambda connection: _read(connection, after, limit, points))

    async def _put_aside(self, broken: Sequence[DamagedRow]) -> None:
        self._level = await self._file.write(lambda connection: _put_aside(connection, broken))
        self.put_aside += len(broken)
        for row in broken:
            log.error("spool_row_damaged", row=row.id, source=row.source, bytes=row.size, detail=row.detail)

    def _append(self, connection: sqlite3.Connection, source: str, at: int, points: Sequence[Point], ledger: bytes) -> tuple[int, _Level]:
        packed = zlib.compress(pack_points(points), _LEVEL)
        size = len(packed) + len(ledger) + len(source) + _ROW_COST
        level = _level(connection)
        if level.bytes + size > self._limit:
            detail = f"the spool is full: {level.bytes} of {self._limit} bytes wait for the store, {size} more do not fit"
            raise SpoolFullError(detail)
        row = _next_id(connection)
        connection.execute(
            "INSERT INTO batch (id, source, at, size, checksum, points, ledger) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row, source, at, size, batch_checksum(row, source, at, packed, ledger), packed, ledger),
        )
        oldest_at = at if level.oldest_at is None else level.oldest_at
        return row, _Level(level.rows + 1, level.bytes + size, oldest_at)


def _next_id(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'batch'").fetchone()
    return int(found[0]) + 1 if found else 1


def _level(connection: sqlite3.Connection) -> _Level:
    rows, size = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM batch").fetchone()
    oldest = connection.execute("SELECT at FROM batch ORDER BY id LIMIT 1").fetchone()
    return _Level(rows, size, oldest[0] if oldest else None)


def _read(connection: sqlite3.Connection, after: int, limit: int, points: int | None) -> tuple[list[SpoolRow | DamagedRow], bool]:
    asked = "SELECT id, source, at, size, checksum, points, ledger FROM batch WHERE id > ? ORDER BY id LIMIT ?"
    rows: list[SpoolRow | DamagedRow] = []
    held = 0
    for columns in connection.execute(asked, (after, limit)):
        row = _row(*columns)
        if isinstance(row, SpoolRow):
            held += len(row.points)
            if points is not None and held > points and rows:
                return rows, True
        rows.append(row)
    return rows, len(rows) < limit


def _row(  # noqa: PLR0917 - a row's columns
    row: int, source: str, at: int, size: int, checksum: int, packed: bytes, ledger: bytes
) -> SpoolRow | DamagedRow:
    try:
        if batch_checksum(row, source, at, packed, ledger) != checksum:
            return DamagedRow(row, source, at, size, "the checksum does not fit", ledger)
        return SpoolRow(row, source, at, unpack_points(zlib.decompress(packed)), ledger)
    except (zlib.error, msgspec.MsgspecError, TypeError) as error:
        return DamagedRow(row, source, at, size, str(error), ledger)


def _remove(connection: sqlite3.Connection, ids: Sequence[int]) -> _Level:
    connection.executemany("DELETE FROM batch WHERE id = ?", ((row,) for row in ids))
    return _level(connection)


def _put_aside(connection: sqlite3.Connection, broken: Sequence[DamagedRow]) -> _Level:
    connection.executemany(
        "INSERT OR IGNORE INTO damaged SELECT id, source, at, size, ?, points, ledger FROM batch WHERE id = ?",
        ((row.detail, row.id) for row in broken),
    )
    return _remove(connection, [row.id for row in broken])


def _damaged(connection: sqlite3.Connection) -> list[DamagedRow]:
    return [DamagedRow(*columns) for columns in connection.execute("SELECT id, source, at, size, detail, ledger FROM damaged ORDER BY id")]
