"""One SQLite file behind threads of its own: durable transactions in order, reads beside them, nothing on the event loop."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from ioc.adapters.file_threads import FileThreads, Ticket
from ioc.domain.point import StoreUnavailableError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_WAITING_MOST = 64
_READERS = 2
_MARK = 0x494F4300
"""The letters IOC; with the format's number in the last byte it is the application id of our files."""
_TABLES = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
_BUSY_MS = 5_000
_ADVICE = {
    "disk is full": "free space on the disk, or give the file's folder more of it",
    "disk I/O error": "the disk fails or is full; look at the kernel's log",
    "readonly database": "make the file and its folder writable for this user",
    "unable to open": "make the folder exist and be writable for this user",
    "malformed": "the file is damaged; move it away, a new one is begun at the next start",
    "not a database": "the file is damaged or something else; move it away, a new one is begun at the next start",
    "locked": "another process writes to the file; end it",
}


class SqliteFile:
    """WAL and synchronous=FULL: what a transaction wrote survives loss of power once `write` returns.

    Every failure is `error` (a StoreUnavailableError) with the file, SQLite's words and what to do. A transaction for
    which nobody waits any more (timeout, cancellation) is rolled back; `rolled_back` is then called in its thread.
    With `repair` the file is checked when it is opened, and a damaged one is given to it with a maker of new files.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        *,
        version: int = 1,
        error: type[StoreUnavailableError] = StoreUnavailableError,
        functions: tuple[tuple[str, int, Callable[..., bytes]], ...] = (),
        rolled_back: Callable[[], None] = lambda: None,
        repair: Callable[[Path, Callable[[Path], None]], None] | None = None,
        timeout_s: float = 30.0,
        checkpoint_pages: int = 1_000,
    ) -> None:
        self.path = path
        self._schema = schema
        self._version = version
        self._error = error
        self._functions = functions
        self._rolled_back = rolled_back
        self._repair = repair
        self._checkpoint_pages = checkpoint_pages
        self._threads = FileThreads(path, error=error, readers=_READERS, waiting_most=_WAITING_MOST, timeout_s=timeout_s)
        self._connection: sqlite3.Connection | None = None
        self._reading = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Creates the file where there is none, and its tables; to check and repair one of gigabytes takes minutes."""
        self._threads.start()
        await self._named(self._threads.write(lambda _: self._open_writer(), patient=True))

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, run in one transaction that is on disk when this returns."""
        return await self._named(self._threads.write(lambda ticket: self._transaction(work, ticket)))

    async def read(self, work: Work[T]) -> T:
        """What `work` returns; sees all transactions that were finished before."""
        return await self._named(self._threads.read(lambda: work(self._reader())))

    async def close(self) -> None:
        """Waits for what is running, merges the log into the file and closes it."""
        await self._threads.close()
        while self._opened:
            self._opened.pop().close()
        self._connection = None
        self._reading = threading.local()

    async def _named(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except (sqlite3.Error, OSError) as error:
            detail = f"{self.path}: {error}{_advice(str(error))}"
            raise self._error(detail) from error

    def _transaction(self, work: Work[T], ticket: Ticket) -> T:
        connection = self._connection
        if connection is None:
            msg = "unable to open the file earlier"
            raise sqlite3.OperationalError(msg)
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            ticket.claim()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._rolled_back()
            raise
        return result

    def _open_writer(self) -> None:
        if self._connection is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._prepared(self.path, check=self._repair is not None)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if self._repair is None or not _is_damage(error, self.path):
                raise
            self._repair(self.path, lambda path: self._prepared(path).close())
            self._connection = self._prepared(self.path)
        self._opened.append(self._connection)

    def _prepared(self, path: Path, *, check: bool = False) -> sqlite3.Connection:
        connection = self._connect(path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={self._checkpoint_pages}")
            connection.execute("PRAGMA journal_size_limit=67108864")
            _refuse_newer(connection, self._version)
            if check:
                _refuse_damage(connection, self._schema, self._version)
            mark = f"PRAGMA application_id={_MARK + self._version}"
            connection.executescript(f"BEGIN IMMEDIATE; {self._schema}; PRAGMA user_version={self._version}; {mark}; COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._reading, "connection", None)
        if connection is None:
            connection = self._connect(self.path)
            connection.execute("PRAGMA query_only=ON")
            self._opened.append(connection)
            self._reading.connection = connection
        return connection

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        connection.text_factory = _text
        for name, arguments, function in self._functions:
            connection.create_function(name, arguments, function, deterministic=True)
        return connection


def _refuse_newer(connection: sqlite3.Connection, known: int) -> None:
    version, mark = _written_by(connection)
    if mark == version > known:
        msg = f"written by a newer version of this program (format {version}, this one knows {known})"
        raise sqlite3.DatabaseError(msg)


def _written_by(connection: sqlite3.Connection) -> tuple[int, int]:
    """The format's number, which stands in the header twice: where the two differ, it is damaged."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    return version, mark - _MARK


def _refuse_damage(connection: sqlite3.Connection, schema: str, version: int) -> None:
    """Reads the whole file, some seconds for a gigabyte."""
    was, mark = _written_by(connection)
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found == "ok" and was != mark and (was or mark != -_MARK):
        found = f"format {was} or {mark}"
    if found != "ok":
        msg = f"malformed: {found}"
        raise sqlite3.DatabaseError(msg)
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        model.executescript(schema)
        wanted = model.execute(_TABLES).fetchall()
    if was == version and connection.execute(_TABLES).fetchall() != wanted:
        msg = "malformed: the table of contents is not as it was written"
        raise sqlite3.DatabaseError(msg)


def _is_damage(error: Exception, path: Path) -> bool:
    """Damage to the header may also look like a file for reading only."""
    words = str(error)
    if isinstance(error, UnicodeDecodeError):  # SQLite quotes garbled names in its message
        return True
    if "readonly" in words:
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return any(sign in words for sign in ("malformed", "not a database", "unsupported file format"))


def _text(stored: bytes) -> str:
    """A garbled name must not make the rows beside it unreadable."""
    return stored.decode(errors="replace")


def _advice(words: str) -> str:
    return next((f": {advice}" for sign, advice in _ADVICE.items() if sign in words), "")
