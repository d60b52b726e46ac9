"""state.db as threads and engines: each transaction is one function, run as a whole in a thread of the file's own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from ioc.adapters.file_threads import FileThreads, Ticket
from ioc.adapters.state.engine import READERS, named, reading_engine, writing_engine
from ioc.domain.state import StateUnavailableError

T = TypeVar("T")
Work = Callable[[Connection], T]

_WAITING_MOST = 512
"""Transactions, and as many reads: what people and pages ask for waits beside what we write."""
_TIMEOUT_S = 30.0


class StateFile:
    """The open file; failures of the driver as StateUnavailableError or StateSchemaError with a sentence, broken constraints as they are.

    After a transaction that was rolled back `rolled_back` is called, in the writing thread.
    """

    def __init__(self, path: Path, rolled_back: Callable[[], None]) -> None:
        self.path = path
        self._rolled_back = rolled_back
        self._writer = writing_engine(path)
        self._reader = reading_engine(path)
        self._threads = FileThreads(path, error=StateUnavailableError, readers=READERS, waiting_most=_WAITING_MOST, timeout_s=_TIMEOUT_S)
        self._threads.start()

    async def write(self, work: Work[T], *, urgent: bool = False, patient: bool = False) -> T:
        """What `work` returns, committed and on the disk; urgent ones pass the others that wait, patient ones have no time-out."""
        return await self._named(self._threads.write(lambda ticket: self._transaction(work, ticket), urgent=urgent, patient=patient))

    async def read(self, work: Work[T]) -> T:
        """What `work` returns; it sees one state, with all transactions that were finished before."""
        return await self._named(self._threads.read(lambda: self._reading(work)))

    async def close(self) -> None:
        """Waits for what was begun or waits, and closes all connections."""
        await self._threads.close()
        await asyncio.to_thread(self._reader.dispose)
        await asyncio.to_thread(self._writer.dispose)

    def _transaction(self, work: Work[T], ticket: Ticket) -> T:
        try:
            with self._writer.connect() as connection, connection.begin() as transaction:
                result = work(connection)
                ticket.claim()
                transaction.commit()
        except BaseException:
            self._rolled_back()
            raise
        return result

    def _reading(self, work: Work[T]) -> T:
        with self._reader.connect() as connection, connection.begin():
            return work(connection)

    async def _named(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise named(self.path, error) from error
