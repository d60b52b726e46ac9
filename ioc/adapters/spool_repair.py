"""Getting out of a damaged `spool.db` whatever can still be read; the damaged file is kept beside the new one.

SQLite's log makes torn transactions impossible; this is for what a failing disk or a cut file does.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import structlog

from ioc.adapters.spool_format import batch_checksum, unpack_times
from ioc.adapters.sqlite_carving import Row, carve

log = structlog.get_logger("ioc.spool")

_ID_GAP = 1_000_000
"""Added to the highest id found: ids are never used twice, also those of rows that are lost."""


def repair(path: Path, create: Callable[[Path], None]) -> None:
    """Moves the file aside and fills a new one, made by `create`, with every row whose checksum fits."""
    aside, fresh = _free_name(path), path.with_name(path.name + ".new")
    _move(path, aside)
    for part in _parts(fresh):
        part.unlink(missing_ok=True)
    create(fresh)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        target.execute("BEGIN")
        kept = sum(_keep(target, row) for row in carve(aside))
        target.execute("DELETE FROM sqlite_sequence WHERE name = 'batch'")
        target.execute("INSERT INTO sqlite_sequence (name, seq) SELECT 'batch', coalesce(max(id), 0) + ? FROM batch", (_ID_GAP,))
        target.execute("COMMIT")
    _move(fresh, path)
    log.error("spool_repaired", file=str(path), batches_kept=kept, damaged_file=str(aside))


def _keep(target: sqlite3.Connection, row: Row) -> int:
    """Puts a batch or a row of assigned times where it belongs; how many batches that are."""
    match row:
        case row_id, (None, str(source), int(at), int(size), int(checksum), bytes(points), bytes(ledger)):
            if batch_checksum(row_id, source, at, points, ledger) == checksum:
                values = (row_id, source, at, size, checksum, points, ledger)
                return target.execute("INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)", values).rowcount
        case row_id, (None, str(source), bytes(entries)) if unpack_times(entries):
            target.execute("INSERT OR IGNORE INTO assigned VALUES (?, ?, ?)", (row_id, source, entries))
        case _:
            pass
    return 0


def _free_name(path: Path) -> Path:
    numbered = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    return next(name for name in numbered if not name.exists())


def _parts(path: Path) -> list[Path]:
    """The file last: without it the others mean nothing."""
    return [path.with_name(path.name + suffix) for suffix in ("-shm", "-wal", "")]


def _move(path: Path, to: Path) -> None:
    for part, target in zip(_parts(path), _parts(to), strict=True):
        if part.exists():
            part.rename(target)
