"""Points into the store, or into the spool while the store can't take them; the spool drains beside live traffic."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec
import structlog

from collectors.accounting import note_spooled
from ioc.domain.point import Point, PointRefusal, StoreUnavailableError

log = structlog.get_logger("ioc.writer")

OWN = ""
"""The source of points that no MQTT source brought."""

T = TypeVar("T")

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 15.0
WRITE_TIMEOUT_S = 5.0
SPOOL_FULL_RETRY_S = 0.5


class Store(Protocol):
    """The time-series store as the writer needs it."""

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        """Returns when all but the refused are durable; StoreUnavailableError otherwise."""

    async def ping(self) -> None:
        """StoreUnavailableError when it does not answer."""


class SpoolRow(Protocol):
    """One spooled batch."""

    @property
    def id(self) -> int:
        """Rows are drained in order of their ids."""

    @property
    def source(self) -> str:
        """Client id of the source, empty for our own points."""

    @property
    def points(self) -> Sequence[Point]:
        """As they were given."""

    @property
    def ledger(self) -> bytes:
        """The note that came with them."""


class Spool(Protocol):
    """Durable waiting room of batches."""

    async def append(self, source: str, points: Sequence[Point], ledger: bytes) -> int:
        """The row's id once it is on disk; SpoolFullError (a StoreUnavailableError) when there is no room."""

    async def oldest(self, limit: int) -> Sequence[SpoolRow]:
        """The oldest rows."""

    async def remove(self, row_id: int) -> None:
        """Forgets a row that the store has taken."""


class Written(msgspec.Struct, frozen=True):
    """What became of a batch of points."""

    refusals: list[PointRefusal]
    spooled_as: int | None


class Writer:
    """One door to the store. `down_since` (Unix ms) tells since when it does not answer; None = it works."""

    def __init__(self, store: Store, spool: Spool, *, clock: Callable[[], int]) -> None:
        self._store = store
        self._spool = spool
        self._clock = clock
        self._drain = asyncio.Event()
        self._unbooked: set[int] = set()
        self._drained: int | None = None
        """The row that the store has taken, and the ledger counts as stored, last: to be forgotten, never to be booked again."""
        self.answered = False
        """Whether the store has answered since our start."""
        self.down_since: int | None = None
        self.last_error = ""
        self.spool_tried = False
        """Whether the spool has taken or refused anything since our start, or was not needed."""
        self.spool_full_since: int | None = None
        """Since when the spool takes nothing while the store is away; None = it does, or needn't."""
        self.spool_error = ""

    async def put(self, source: str, points: Sequence[Point], note: Callable[[], bytes]) -> Written:
        """Returns when the points are durable, in the store or in the spool; waits while both are full or away."""
        while True:
            if self.down_since is None:
                try:
                    written = Written(await self._write(points), None)
                except StoreUnavailableError:
                    pass
                else:
                    self._spool_has_room()
                    return written
            try:
                row = await self._spool.append(source, points, note())
            except StoreUnavailableError as error:
                self._spool_refuses(error)
                await asyncio.sleep(SPOOL_FULL_RETRY_S)
                continue
            self._unbooked.add(row)
            self._spool_has_room()
            return Written([], row)

    def release(self, row: int) -> None:
        """The ledger counts this spool row now: it may be drained."""
        self._unbooked.discard(row)
        self._drain.set()

    async def drain(self, drained: Callable[[SpoolRow, list[PointRefusal]], Awaitable[None]]) -> None:
        """Runs for ever: gives spooled rows to the store, oldest first; `drained` books a row before it is forgotten."""
        pause = RETRY_FIRST_S
        while True:
            self._drain.clear()
            try:
                done = await self._drain_one(drained)
            except StoreUnavailableError as error:
                await asyncio.sleep(max(pause, (error.retry_after_ms or 0) / 1000))
                pause = min(pause * 2, RETRY_MOST_S)
                continue
            pause = RETRY_FIRST_S
            if not done:
                await self._drain.wait()

    async def probe(self) -> None:
        """Notices a store that went away while nothing was written."""
        if self.down_since is None:
            with suppress(StoreUnavailableError):
                await self._ping()

    async def _drain_one(self, drained: Callable[[SpoolRow, list[PointRefusal]], Awaitable[None]]) -> bool:
        """Gives the oldest row to the store; False = there is nothing to do for now."""
        rows = await self._read_spool()
        if (not rows and self.down_since is None) or any(row.id in self._unbooked for row in rows):
            return False
        if not rows:
            await self._ping()
            self._rose()
            return True
        row = rows[0]
        if row.id != self._drained:
            refusals = await self._write(row.points)
            self._rose()
            await drained(row, refusals)
            self._drained = row.id
        await self._forget(row)
        return True

    async def _forget(self, row: SpoolRow) -> None:
        try:
            await self._spool.remove(row.id)
        except StoreUnavailableError as error:
            log.warning("spool_not_writable", detail=error.detail)
            raise
        self._spool_has_room()

    async def _read_spool(self) -> Sequence[SpoolRow]:
        try:
            return await self._spool.oldest(1)
        except StoreUnavailableError as error:
            log.warning("spool_unreadable", detail=error.detail)
            raise

    async def _write(self, points: Sequence[Point]) -> list[PointRefusal]:
        return await self._ask(lambda: self._store.write(points))

    async def _ping(self) -> list[PointRefusal]:
        await self._ask(self._store.ping)
        return []

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The store's answer; it counts as away since the moment it was asked, if there is none."""
        asked = self._clock()
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                answer = await question()
        except StoreUnavailableError as error:
            fault = error
        except TimeoutError:
            fault = StoreUnavailableError(f"the store gave no answer within {WRITE_TIMEOUT_S:g} s")
        except Exception as error:
            log.exception("store_fault")
            fault = StoreUnavailableError(f"an error of our own while asking the store: {error!r}")
        else:
            self.answered = True
            return answer
        self._fell(fault, asked)
        raise fault

    def _fell(self, error: StoreUnavailableError, asked: int) -> None:
        self.last_error = error.detail
        self._drain.set()
        if self.down_since is None:
            self.down_since = asked
        log.warning("store_unavailable", detail=error.detail)

    def _rose(self) -> None:
        if self.down_since is not None:
            log.info("store_back", away_ms=self._clock() - self.down_since)
        self.down_since = None
        self.last_error = ""

    def _spool_refuses(self, error: StoreUnavailableError) -> None:
        self.spool_tried = True
        self.spool_error = error.detail
        if self.spool_full_since is None:
            self.spool_full_since = self._clock()
        log.warning("spool_refuses", detail=error.detail)

    def _spool_has_room(self) -> None:
        self.spool_tried = True
        self.spool_full_since = None
        self.spool_error = ""


async def put_own(writer: Writer, points: Sequence[Point]) -> list[PointRefusal]:
    """Points that no delivery stands behind: durable on return, like any other; a spool row of theirs waits for no booking."""
    written = await writer.put(OWN, points, lambda: note_spooled(()))
    if written.spooled_as is not None:
        writer.release(written.spooled_as)
    return written.refusals
