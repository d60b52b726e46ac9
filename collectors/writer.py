"""Points into the store, or into the spool while the store can't take them."""

import asyncio
import itertools
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

WRITE_TIMEOUT_S = 5.0
SPOOL_FULL_RETRY_S = 0.5


class Store(Protocol):
    """The time-series store as the writer needs it."""

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        """Returns when all but the refused are durable; StoreUnavailableError otherwise."""

    async def ping(self) -> None:
        """StoreUnavailableError when it does not answer."""


class Spool(Protocol):
    """Durable waiting room of batches."""

    async def append(self, source: str, points: Sequence[Point], ledger: bytes) -> int:
        """The row's id once it is on disk; SpoolFullError (a StoreUnavailableError) when there is no room."""


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
        self._unbooked: set[int] = set()
        self._numbers = itertools.count()
        self._refused: set[int] = set()
        """Batches that wait because neither store nor spool took them."""
        self._live: dict[int, float] = {}
        """Live writes under way and when they began, oldest first."""
        self.turn = asyncio.Event()
        """Set when there may be something to drain, or a store to be found again."""
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
        number = next(self._numbers)
        try:
            while (written := await self._put_once(source, points, note)) is None:
                self._refused.add(number)
                await asyncio.sleep(SPOOL_FULL_RETRY_S)
        finally:
            self._refused.discard(number)
        self.spool_has_room()
        return written

    async def _put_once(self, source: str, points: Sequence[Point], note: Callable[[], bytes]) -> Written | None:
        """Into the store, or into the spool; None = neither takes them."""
        if self.down_since is None:
            with suppress(StoreUnavailableError):
                return Written(await self._write_live(points), None)
        try:
            row = await self._spool.append(source, points, note())
        except StoreUnavailableError as error:
            self._spool_refuses(error)
            return None
        self._unbooked.add(row)
        return Written([], row)

    def release(self, row: int) -> None:
        """The ledger counts this spool row now: it may be drained."""
        self._unbooked.discard(row)
        self.turn.set()

    def is_released(self, row: int) -> bool:
        """Whether a spool row may be drained."""
        return row not in self._unbooked

    async def write_spooled(self, points: Sequence[Point], *, timeout_s: float) -> list[PointRefusal]:
        """Refusals, once the store has taken the rest. A failure tells nothing of live points while these are taken."""
        refusals = await self._ask(lambda: self._store.write(points), timeout_s, proves_absence=False)
        self._rose()
        return refusals

    async def find_again(self) -> None:
        """Returns once a store that was away answers; StoreUnavailableError while it does not."""
        await self._ask(self._store.ping, WRITE_TIMEOUT_S)
        self._rose()

    async def probe(self) -> None:
        """Notices a store that went away while nothing was written."""
        if self.down_since is None:
            with suppress(StoreUnavailableError):
                await self._ask(self._store.ping, WRITE_TIMEOUT_S)

    @property
    def live_wait_s(self) -> float:
        """How long the oldest live write has been under way; 0 = none is."""
        began = next(iter(self._live.values()), None)
        return 0.0 if began is None else asyncio.get_running_loop().time() - began

    def spool_has_room(self) -> None:
        """The spool has taken something, or need not take anything; it stays full for as long as a larger batch waits."""
        self.spool_tried = True
        if self._refused:
            return
        self.spool_full_since = None
        self.spool_error = ""

    async def _write_live(self, points: Sequence[Point]) -> list[PointRefusal]:
        number = next(self._numbers)
        self._live[number] = asyncio.get_running_loop().time()
        try:
            return await self._ask(lambda: self._store.write(points), WRITE_TIMEOUT_S)
        finally:
            del self._live[number]

    async def _ask(self, question: Callable[[], Awaitable[T]], timeout_s: float, *, proves_absence: bool = True) -> T:
        """The store's answer; it counts as away since the moment it was asked, if there is none and that proves it."""
        asked = self._clock()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await question()
        except StoreUnavailableError as error:
            fault = error
        except TimeoutError:
            fault = StoreUnavailableError(f"the store gave no answer within {timeout_s:g} s")
        except Exception as error:
            log.exception("store_fault")
            fault = StoreUnavailableError(f"an error of our own while asking the store: {error!r}")
        else:
            self.answered = True
            return answer
        log.warning("store_unavailable", detail=fault.detail)
        if proves_absence or self.down_since is not None:
            self._fell(fault, asked)
        raise fault

    def _fell(self, error: StoreUnavailableError, asked: int) -> None:
        self.last_error = error.detail
        self.turn.set()
        if self.down_since is None:
            self.down_since = asked

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


async def put_own(writer: Writer, points: Sequence[Point]) -> list[PointRefusal]:
    """Points that no delivery stands behind: durable on return, like any other; a spool row of theirs waits for no booking."""
    written = await writer.put(OWN, points, lambda: note_spooled(()))
    if written.spooled_as is not None:
        writer.release(written.spooled_as)
    return written.refusals
