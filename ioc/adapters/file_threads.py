"""The threads of one file: one that writes, some that read, and a bounded queue before each; nothing on the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from queue import PriorityQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class AbandonedError(Exception):
    """Nobody waits for the transaction any more: it is rolled back."""


class Ticket:
    """Settles between a transaction's thread and who waits for it: it is committed or it is given up, never both."""

    __slots__ = ("_settled",)

    def __init__(self) -> None:
        self._settled = threading.Lock()

    def claim(self) -> None:
        """Called in the thread before COMMIT; AbandonedError if it has been given up."""
        if not self._settled.acquire(blocking=False):
            raise AbandonedError

    def give_up(self) -> bool:
        """Whether it is not too late: it has not been claimed."""
        return self._settled.acquire(blocking=False)


Job = Callable[[Ticket], T]


class FileThreads:
    """Transactions run one after the other in one thread, reads beside them in others; neither waits for the other.

    `error` is raised, with nothing done, where too many wait, and for what took longer than `timeout_s`, waiting included, and
    was not being committed yet: a commit that has begun is waited for. A cancelled transaction is done or rolled back.
    """

    def __init__(self, path: Path, *, error: type[Exception], readers: int, waiting_most: int, timeout_s: float) -> None:
        self._path = path
        self._error = error
        self._readers = readers
        self._waiting_most = waiting_most
        self._timeout_s = timeout_s
        self._lanes: tuple[_Lane, _Lane] | None = None

    def start(self) -> None:
        """From now on there is work; nothing if they run already."""
        if self._lanes is None:
            name, most = self._path.name, self._waiting_most
            self._lanes = _Lane(f"{name}-writer", 1, most), _Lane(f"{name}-reader", self._readers, most)

    async def write(self, job: Job[T], *, urgent: bool = False, patient: bool = False) -> T:
        """What the job returns, run after those that came before; urgent ones pass the others, patient ones have no time-out."""
        return await self._run(self._running()[0], job, urgent=urgent, timeout_s=None if patient else self._timeout_s)

    async def read(self, job: Callable[[], T]) -> T:
        """What the job returns, run beside the transactions."""
        return await self._run(self._running()[1], lambda _: job(), urgent=False, timeout_s=self._timeout_s)

    async def close(self) -> None:
        """Waits for all that was begun or waits; nothing if they don't run."""
        lanes, self._lanes = self._lanes, None
        if lanes is None:
            return
        with contextlib.suppress(TimeoutError):  # a disk that hangs must not keep us from ending
            async with asyncio.timeout(self._timeout_s):
                for lane in reversed(lanes):
                    await asyncio.to_thread(lane.threads.shutdown)

    def _running(self) -> tuple["_Lane", "_Lane"]:
        if self._lanes is None:
            msg = f"{self._path} is not open"
            raise self._error(msg)
        return self._lanes

    async def _run(self, lane: "_Lane", job: Job[T], *, urgent: bool, timeout_s: float | None) -> T:
        if lane.is_full(urgent=urgent):
            msg = f"{self._path}: {self._waiting_most} transactions wait for the disk already"
            raise self._error(msg)
        queued = lane.queue(job, urgent=urgent)
        future = asyncio.wrap_future(queued.future)
        try:
            await asyncio.wait((future,), timeout=timeout_s)
            if not future.done():
                if queued.ticket.give_up():
                    msg = f"{self._path}: the disk did not answer within {timeout_s:g} s"
                    raise self._error(msg)
                await asyncio.wait((future,))
            return future.result()
        finally:
            queued.ticket.give_up()
            if not future.cancel():
                future.exception()  # asyncio complains of a failure that nobody looked at


@dataclass(order=True, slots=True)
class _Queued(Generic[T]):
    turn: int
    job: Job[T] = field(compare=False)
    ticket: Ticket = field(default_factory=Ticket, compare=False)
    future: "Future[T]" = field(default_factory=Future, compare=False)

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.job(self.ticket)
        except BaseException as error:  # noqa: BLE001  handed on to who waits, as executors do
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _Lane:
    """Threads and what waits for them.

    Turns are numbered as they come; an urgent one's is lower by all that may wait, so that it passes whatever came before it.
    An urgent one that comes later than that passes no more: however many there are, nothing starves.
    """

    def __init__(self, name: str, threads: int, waiting_most: int) -> None:
        self.threads = ThreadPoolExecutor(threads, name)
        self._most = waiting_most
        self._lead = 2 * waiting_most
        self._turns = count()
        self._waiting: PriorityQueue[_Queued[Any]] = PriorityQueue()

    def is_full(self, *, urgent: bool) -> bool:
        """Urgent ones have as much room again."""
        return self._waiting.qsize() >= self._most * (2 if urgent else 1)

    def queue(self, job: Job[T], *, urgent: bool) -> _Queued[T]:
        queued = _Queued(next(self._turns) - urgent * self._lead, job)
        self._waiting.put(queued)
        self.threads.submit(self._run_next)
        return queued

    def _run_next(self) -> None:
        """There is one for each call: which one is settled only now."""
        self._waiting.get_nowait().run()
