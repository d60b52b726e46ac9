"""Whoever stops waiting for a transaction, at whatever moment, leaves it done or undone and the file free."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from ioc.adapters.state import StateDb
from ioc.domain.alarm import Alarm, Decisions, OutboxMessage, Severity
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms
from ioc.domain.state import StateUnavailableError

Write = Callable[[StateDb], Coroutine[None, None, None]]
DECISIONS = Decisions(
    alarms=(Alarm(id="a", rule="r", severity=Severity.MAJOR, since=1),),
    outbox=(OutboxMessage(key="k", channel="ops", event="raised", at=1, body=b"{}"),),
    position=1,
)


def booking(number: int) -> Booking:
    """One delivery, with its fingerprint."""
    row = LedgerRow("speaker", 0, LedgerTerms(received=1, stored=1))
    return Booking(source="ioc-1", rows=(row,), fingerprints=number.to_bytes(8, "big"))


class Statements:
    """Cancels a write while a certain one of its statements is about to run."""

    def __init__(self, state: StateDb) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = 0
        self._writing: asyncio.Task[None] | None = None
        event.listen(state._file._writer, "before_cursor_execute", self._about_to_run)

    async def cancelled_at(self, number: int, work: Coroutine[None, None, None]) -> bool:
        """Whether it was; False = it has fewer statements, and is done."""
        self._left, self._writing = number, asyncio.create_task(work)
        await asyncio.wait((self._writing,))
        return self._writing.cancelled()

    def _about_to_run(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0 and self._writing is not None:
            ended = threading.Event()
            self._writing.add_done_callback(lambda _: ended.set())
            self._loop.call_soon_threadsafe(self._writing.cancel)
            ended.wait()


def take_lock(path: Path) -> None:
    """As another program that does not wait for it: OperationalError unless the file is free."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("write", [lambda state: state.commit(DECISIONS), lambda state: state.book(booking(1))], ids=["commit", "book"])
async def test_cancelled_at_any_statement_nothing_has_happened(state: StateDb, path: Path, write: Write) -> None:
    """And the next write goes through as if it were the first."""
    statements, before = Statements(state), await state.load()
    number = 1
    while await statements.cancelled_at(number, write(state)):
        number += 1
        await state.drift.put({})
        assert await state.load() == before
        take_lock(path)
    assert number > 3
    assert await state.load() != before


@pytest.mark.parametrize("seed", range(4))
async def test_cancelled_at_random_beside_others_the_books_agree(state: StateDb, path: Path, seed: int) -> None:
    """What was done is done as a whole, with its fingerprint, and all that nobody cancelled is."""
    dice = random.Random(seed)
    done = 0

    async def book(number: int) -> None:
        nonlocal done
        task = asyncio.create_task(state.book(booking(number)))
        if dice.random() < 0.5:
            for _ in range(dice.randrange(200)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait((task,))
        done += not task.cancelled()

    async def keep_booking(lane: int) -> None:
        for number in range(lane, 120, 6):
            await book(number)

    await asyncio.gather(*(keep_booking(lane) for lane in range(6)))
    await state.book(booking(1_000))
    prints = (await state.load()).fingerprints("ioc-1")
    assert (await state.ledger())["speaker"].received == len(prints) == len(set(prints)) >= done + 1
    take_lock(path)


async def test_decisions_pass_the_bookings_that_wait(state: StateDb) -> None:
    """They wait for the transaction that runs, and for nothing else."""
    begun, opened = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        begun.set()
        opened.wait()

    held = asyncio.create_task(state._write(hold))
    await asyncio.to_thread(begun.wait)
    ended: list[str] = []
    writes = {f"booking {number}": state.book(booking(number)) for number in range(5)} | {"decisions": state.commit(DECISIONS)}
    tasks = []
    for name, write in writes.items():
        tasks.append(asyncio.create_task(write, name=name))
        tasks[-1].add_done_callback(lambda task: ended.append(task.get_name()))
    await asyncio.sleep(0)
    opened.set()
    await asyncio.gather(held, *tasks)
    assert ended == ["decisions", *(f"booking {number}" for number in range(5))]


async def test_closed_database_says_so(path: Path) -> None:
    """And does not hang."""
    async with await StateDb.open(path) as state:
        await state.take_epoch()
    with pytest.raises(StateUnavailableError, match="is not open"):
        await state.commit(DECISIONS)
