"""Points into the store, or into the spool while the store can't take them; the spool drains beside live traffic."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from ioc.domain.point import Point, PointRefusal, StoreUnavailableError

log = structlog.get_logger("ioc.writer")

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
        self.down_since: int | None = None
        self.spool_full_since: int | None = None
        self.last_error = ""

    async def put(self, source: str, points: Sequence[Point], note: Callable[[], bytes]) -> Written:
        """Returns when the points are durable, in the store or in the spool; waits while both are full or away."""
        while True:
            if self.down_since is None:
                try:
                    return Written(await self._write(points), None)
                except StoreUnavailableError as error:
                    self._fell(error)
            try:
                row = await self._spool.append(source, points, note())
            except StoreUnavailableError as error:
                if self.spool_full_since is None:
                    self.spool_full_since = self._clock()
                    log.warning("spool_refused", detail=error.detail)
                await asyncio.sleep(SPOOL_FULL_RETRY_S)
                continue
            self.spool_full_since = None
            self._unbooked.add(row)
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
            rows = await self._spool.oldest(1)
            if (not rows and self.down_since is None) or any(row.id in self._unbooked for row in rows):
                await self._drain.wait()
                continue
            try:
                refusals = await self._write(rows[0].points) if rows else await self._ping()
            except StoreUnavailableError as error:
                self._fell(error)
                await asyncio.sleep(max(pause, (error.retry_after_ms or 0) / 1000))
                pause = min(pause * 2, RETRY_MOST_S)
                continue
            pause = RETRY_FIRST_S
            self._rose()
            for row in rows:
                await drained(row, refusals)
                await self._spool.remove(row.id)

    async def _write(self, points: Sequence[Point]) -> list[PointRefusal]:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                return await self._store.write(points)
        except TimeoutError:
            detail = f"the store gave no answer within {WRITE_TIMEOUT_S:g} s"
            raise StoreUnavailableError(detail) from None

    async def probe(self) -> None:
        """Notices a store that went away while nothing was written."""
        if self.down_since is None:
            try:
                await self._ping()
            except StoreUnavailableError as error:
                self._fell(error)

    async def _ping(self) -> list[PointRefusal]:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._store.ping()
        except TimeoutError:
            detail = f"the store gave no answer within {WRITE_TIMEOUT_S:g} s"
            raise StoreUnavailableError(detail) from None
        return []

    def _fell(self, error: StoreUnavailableError) -> None:
        self.last_error = error.detail
        self._drain.set()
        if self.down_since is None:
            self.down_since = self._clock()
            log.warning("store_unavailable", detail=error.detail)

    def _rose(self) -> None:
        if self.down_since is not None:
            log.info("store_back", away_ms=self._clock() - self.down_since)
        self.down_since = None
        self.last_error = ""
