"""`spool.db`: batches that wait for the store, and the times that we assigned. One file, one thread, one open."""

from pathlib import Path

from ioc.adapters.spool_repair import repair
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.point import StoreUnavailableError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL, checksum INTEGER NOT NULL,
    points BLOB NOT NULL, ledger BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS batch_size ON batch (size);
CREATE TABLE IF NOT EXISTS damaged (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL, detail TEXT NOT NULL,
    points BLOB NOT NULL, ledger BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS assigned (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, entries BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS assigned_of_source ON assigned (source, id)
"""


class SpoolError(StoreUnavailableError):
    """spool.db can't be read or written: nothing may be acknowledged that would have to wait in it."""


class SpoolFullError(SpoolError):
    """The spool has reached its limit: stop acknowledging until the store has taken some of it."""


def spool_file(path: Path) -> SqliteFile:
    """The file, to be opened once and given to `Spool` and `AssignedTimes`; a damaged one is repaired on opening."""
    return SqliteFile(path, _SCHEMA, error=SpoolError, repair=repair)
