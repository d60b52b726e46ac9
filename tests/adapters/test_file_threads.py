"""The threads of a file: who goes first, how many wait, and what becomes of that for which nobody waits any more."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.adapters.file_threads import AbandonedError, FileThreads, Ticket

MOST = 4


class RefusedError(Exception):
    """As the file's own error."""


class Gate:
    """A transaction that has begun once `begun` is set, and goes on when it is opened."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.abandoned: bool | None = None

    def __call__(self, ticket: Ticket) -> str:
        """Waits, then tries to commit."""
        self.begun.set()
        self.opened.wait()
        try:
            ticket.claim()
        except AbandonedError:
            self.abandoned = True
            raise
        self.abandoned = False
        return "committed"

    async def hold(self, threads: FileThreads) -> "asyncio.Task[str]":
        """The write that waits before this gate; it runs already."""
        task = asyncio.create_task(threads.write(self))
        await asyncio.to_thread(self.begun.wait)
        return task


def some_threads(most: int = MOST, timeout_s: float = 60.0) -> FileThreads:
    threads = FileThreads(Path("x.db"), error=RefusedError, readers=2, waiting_most=most, timeout_s=timeout_s)
    threads.start()
    return threads


@pytest.fixture
async def threads() -> AsyncIterator[FileThreads]:
    """Started, with room for four."""
    started = some_threads()
    yield started
    await started.close()


def queue(threads: FileThreads, number: int, order: list[int], *, urgent: bool) -> "asyncio.Task[None]":
    return asyncio.create_task(threads.write(lambda _: order.append(number), urgent=urgent))


@given(st.lists(st.booleans(), max_size=24))
def test_urgent_ones_go_first_and_equals_in_the_order_they_came(kinds: list[bool]) -> None:
    """Whatever waits behind the transaction that runs: the urgent, then the others, each first come first served."""

    async def run() -> list[int]:
        threads, gate, order = some_threads(most=24), Gate(), list[int]()
        held = await gate.hold(threads)
        waiting = [queue(threads, number, order, urgent=urgent) for number, urgent in enumerate(kinds)]
        await asyncio.sleep(0)
        assert order == []
        gate.opened.set()
        await asyncio.gather(held, *waiting)
        await threads.close()
        return order

    assert asyncio.run(run()) == sorted(range(len(kinds)), key=lambda number: (not kinds[number], number))


async def test_endless_urgent_ones_starve_nobody(threads: FileThreads) -> None:
    """Where another urgent one waits at every moment, the others still have their turn after a bounded number of them."""
    loop, gate, order, tasks = asyncio.get_running_loop(), Gate(), list[str](), set[asyncio.Task[None]]()

    async def another() -> None:
        tasks.add(asyncio.create_task(threads.write(urgent, urgent=True)))
        await asyncio.sleep(0)

    def urgent(_: Ticket) -> None:
        order.append("urgent")
        if "other" not in order:  # the next one waits before this one ends
            asyncio.run_coroutine_threadsafe(another(), loop).result()

    held = await gate.hold(threads)
    other = asyncio.create_task(threads.write(lambda _: order.append("other")))
    await asyncio.sleep(0)
    await another()
    gate.opened.set()
    await asyncio.gather(held, other)
    assert order.index("other") <= 2 * MOST
    await asyncio.gather(*tasks)


async def test_no_more_wait_than_there_is_room_for(threads: FileThreads) -> None:
    """Others leave room for the urgent, and nobody's waiting keeps readers out."""
    gate, order = Gate(), list[int]()
    held = await gate.hold(threads)
    waiting = [queue(threads, number, order, urgent=False) for number in range(MOST)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match=r"x\.db: 4 transactions wait for the disk already"):
        await threads.write(lambda _: None)
    waiting += [queue(threads, number, order, urgent=True) for number in range(MOST, 2 * MOST)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="wait for the disk already"):
        await threads.write(lambda _: None, urgent=True)
    assert await threads.read(lambda: "read") == "read"
    gate.opened.set()
    await asyncio.gather(held, *waiting)
    assert sorted(order) == list(range(2 * MOST))


async def test_cancelled_before_its_turn_it_does_not_run(threads: FileThreads) -> None:
    """Those behind it go on."""
    gate, order = Gate(), list[int]()
    held = await gate.hold(threads)
    waiting = [queue(threads, number, order, urgent=False) for number in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.wait(waiting[1:2])
    gate.opened.set()
    await asyncio.gather(held, waiting[0], waiting[2])
    assert order == [0, 2]


async def test_cancelled_in_its_turn_it_may_not_commit(threads: FileThreads) -> None:
    """Its thread is told, and takes the next one afterwards."""
    gate = Gate()
    held = await gate.hold(threads)
    held.cancel()
    await asyncio.wait((held,))
    gate.opened.set()
    assert await threads.write(lambda _: "next") == "next"
    assert gate.abandoned is True


async def test_slow_one_is_given_up_before_its_commit() -> None:
    """Who is told of a failure does it again: it must not have been done."""
    threads, gate = some_threads(timeout_s=0.01), Gate()
    with pytest.raises(RefusedError, match=r"x\.db: the disk did not answer within 0\.01 s"):
        await threads.write(gate)
    gate.opened.set()
    await threads.close()
    assert gate.abandoned is not False


async def test_commit_that_has_begun_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: nobody could say whether it was done."""
    claimed, asked = threading.Event(), threading.Event()
    give_up = Ticket.give_up

    def commit(ticket: Ticket) -> str:
        ticket.claim()
        claimed.set()
        asked.wait()
        return "committed"

    def late(ticket: Ticket) -> bool:
        asked.set()
        return give_up(ticket)

    monkeypatch.setattr(Ticket, "give_up", late)
    threads = some_threads(timeout_s=0.01)
    task = asyncio.create_task(threads.write(commit))
    await asyncio.sleep(0)
    claimed.wait()
    assert await task == "committed"
    await threads.close()


async def test_patient_one_takes_its_time() -> None:
    """A migration is not given up."""
    threads, gate = some_threads(timeout_s=0.0), Gate()
    task = asyncio.create_task(threads.write(gate, patient=True))
    await asyncio.to_thread(gate.begun.wait)
    gate.opened.set()
    assert await task == "committed"
    await threads.close()


async def test_closing_waits_for_what_waits(threads: FileThreads) -> None:
    """Then there is no work any more, until they are started again."""
    gate, order = Gate(), list[int]()
    held = await gate.hold(threads)
    waiting = queue(threads, 1, order, urgent=False)
    await asyncio.sleep(0)
    closing = asyncio.create_task(threads.close())
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match=r"x\.db is not open"):
        await threads.write(lambda _: None)
    gate.opened.set()
    await asyncio.gather(held, waiting, closing)
    assert order == [1]
    threads.start()
    assert await threads.write(lambda _: "again") == "again"
