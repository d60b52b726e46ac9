"""Engines on state.db: how connections are set up, how transactions begin, and what their failures mean."""

from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ioc.domain.state import StateSchemaError, StateUnavailableError

BUSY_TIMEOUT_MS = 5000
READERS = 4
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON")

_FAILURES: tuple[tuple[str, type[Exception], str], ...] = (
    ("not a database", StateSchemaError, "not a database of ours; move it away, or set data_dir to another folder"),
    ("malformed", StateSchemaError, "the file is damaged; stop the program and restore the last backup"),
    ("full", StateUnavailableError, "the disk is full; free some space, then work goes on by itself"),
    ("locked", StateUnavailableError, f"another program keeps it locked for more than {BUSY_TIMEOUT_MS // 1000} s; close that program"),
    ("unable to open", StateUnavailableError, "can't be opened; check that its folder exists and that this user may write there"),
    ("readonly", StateUnavailableError, "can't be written; check its permissions and that the disk isn't mounted read-only"),
)
"""A part of the driver's words, what it means, and the sentence for people."""


def writing_engine(path: Path) -> Engine:
    """One connection; its transactions take the write lock when they begin, so that none fails half-way for it."""
    return _engine(path, begin="BEGIN IMMEDIATE", connections=1)


def reading_engine(path: Path) -> Engine:
    """A connection for each reading thread, none of which can write; each transaction sees one committed state."""
    return _engine(path, begin="BEGIN", connections=READERS, pragmas=("query_only = ON",))


def _engine(path: Path, *, begin: str, connections: int, pragmas: tuple[str, ...] = ()) -> Engine:
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by its own rules, and none for DDL: `_begin` does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS + pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def named(path: Path, error: DBAPIError) -> Exception:
    """StateUnavailableError or StateSchemaError, with a sentence, for an error of the driver."""
    words = str(error.orig)
    low = words.lower()
    for part, kind, sentence in _FAILURES:
        if part in low:
            return kind(f"{path}: {sentence}")
    return StateUnavailableError(f"{path}: {words}; check the disk")
