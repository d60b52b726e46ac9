"""The spool into the store, oldest first, beside live traffic.

One request at a time. Before each one live writes have precedence: while one has been under way for a quarter of a second the
drain waits, up to two seconds. A request holds up to 5,000 points of as many rows as fit; fewer while the store is slow.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NoReturn, Protocol

import msgspec
import structlog

from collectors.writer import Writer
from ioc.domain.point import Point, PointRefusal, StoreUnavailableError

log = structlog.get_logger("ioc.drain")

POINTS_MOST = 5_000
POINTS_LEAST = 100
ROWS_MOST = 500
TIMEOUT_S = 30.0
"""A batch with a point that must be searched takes many requests."""
FAST_S, SLOW_S = 0.5, 1.0
"""A request that takes less lets the next one grow, one that takes longer makes it smaller."""
GIVE_WAY_FROM_S = 0.25
GIVE_WAY_MOST_S = 2.0
_LOOK_AGAIN_S = 0.02
RETRY_FIRST_S = 0.5
RETRY_MOST_S = 15.0
_JITTER = 0.2
"""Up to so much longer than it must be is every pause."""
RATE_OVER_S = 10.0


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


class DrainedSpool(Protocol):
    """The spool as the drain sees it."""

    put_aside: int
    """Rows found unreadable since our start."""

    async def oldest(self, limit: int, *, points: int) -> Sequence[SpoolRow]:
        """The oldest rows, no more than hold `points` together, but at least one where there is any."""

    async def remove(self, row_ids: Sequence[int]) -> None:
        """Forgets rows that the store has taken, all or none."""


class TakenRow(msgspec.Struct, frozen=True):
    """A row that the store has taken; `refusals` by index into its own points."""

    row: SpoolRow
    refusals: list[PointRefusal]


class Books(Protocol):
    """Where a row's end is written down."""

    async def drained(self, rows: Sequence[TakenRow]) -> None:
        """Books all of them in one transaction; returns when it is on disk."""

    async def lost(self) -> None:
        """Books the rows that the ledger counts and the spool does not have any more."""


class Drain:
    """Gives spooled rows to the store; `points` and `rows` count what it has taken, `jitter` gives numbers from 0 to 1."""

    def __init__(self, writer: Writer, spool: DrainedSpool, books: Books, *, jitter: Callable[[], float]) -> None:
        self._writer = writer
        self._spool = spool
        self._books = books
        self._jitter = jitter
        self._size = POINTS_MOST
        self._upto: int | None = None
        """The last row of a request that failed: the same points are sent again, so that equal answers can be told."""
        self._booked: frozenset[int] = frozenset()
        """Rows that the store has taken and the ledger counts as stored: to be forgotten, never to be booked again."""
        self._aside = -1
        self._recent: deque[tuple[float, int]] = deque()
        self.points = 0
        self.rows = 0
        self.last_error = ""
        """Why the last attempt failed; empty = it did not."""

    @property
    def rate(self) -> float:
        """Points a second over the last ten."""
        now = asyncio.get_running_loop().time()
        while self._recent and now - self._recent[0][0] > RATE_OVER_S:
            self._recent.popleft()
        return sum(points for _, points in self._recent) / RATE_OVER_S

    async def run(self) -> NoReturn:
        """For ever."""
        pause = RETRY_FIRST_S
        while True:
            self._writer.turn.clear()
            try:
                done = await self._turn()
            except StoreUnavailableError as error:
                self.last_error = error.detail
                await asyncio.sleep(max(pause, (error.retry_after_ms or 0) / 1000) * (1 + _JITTER * self._jitter()))
                pause = min(pause * 2, RETRY_MOST_S)
                continue
            pause = RETRY_FIRST_S
            self.last_error = ""
            if not done:
                await self._writer.turn.wait()

    async def _turn(self) -> bool:
        """Gives the oldest rows to the store; False = there is nothing to do for now."""
        found = await self._read()
        if self._spool.put_aside != self._aside:
            self._aside = self._spool.put_aside
            await self._books.lost()
        rows = list(takewhile(lambda row: self._writer.is_released(row.id), found))
        if rows:
            await self._give(rows)
            return True
        if found or self._writer.down_since is None:
            return False
        await self._writer.find_again()
        return True

    async def _read(self) -> Sequence[SpoolRow]:
        try:
            found = await self._spool.oldest(ROWS_MOST, points=self._size)
        except StoreUnavailableError as error:
            log.warning("spool_unreadable", detail=error.detail)
            raise
        if self._upto is None:
            return found
        return [row for row in found if row.id <= self._upto] or found

    async def _give(self, rows: Sequence[SpoolRow]) -> None:
        new = [row for row in rows if row.id not in self._booked]
        if new:
            await self._give_way()
            refusals = await self._write(new)
            await self._books.drained(_by_row(new, refusals))
            self._booked |= {row.id for row in new}
            self._count(new)
        try:
            await self._spool.remove([row.id for row in rows])
        except StoreUnavailableError as error:
            log.warning("spool_not_writable", detail=error.detail)
            raise
        self._booked = frozenset()
        self._writer.spool_has_room()

    async def _write(self, rows: Sequence[SpoolRow]) -> list[PointRefusal]:
        now = asyncio.get_running_loop().time
        began = now()
        self._upto = rows[-1].id
        try:
            refusals = await self._writer.write_spooled([point for row in rows for point in row.points], timeout_s=TIMEOUT_S)
            self._upto = None
        finally:
            took = now() - began
            if took > SLOW_S:
                self._size = max(POINTS_LEAST, self._size // 2)
                self._upto = None
            elif took < FAST_S and self._upto is None:
                self._size = min(POINTS_MOST, self._size * 2)
        return refusals

    async def _give_way(self) -> None:
        """A live write that waits goes first; but not for ever."""
        now = asyncio.get_running_loop().time
        until = now() + GIVE_WAY_MOST_S
        while self._writer.live_wait_s > GIVE_WAY_FROM_S and now() < until:  # noqa: ASYNC110  another begins when one ends
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _count(self, rows: Sequence[SpoolRow]) -> None:
        points = sum(len(row.points) for row in rows)
        self.points += points
        self.rows += len(rows)
        self._recent.append((asyncio.get_running_loop().time(), points))


def _by_row(rows: Sequence[SpoolRow], refusals: Sequence[PointRefusal]) -> list[TakenRow]:
    """Refusals of one write of all rows' points, by row."""
    taken = [TakenRow(row, []) for row in rows]
    ends, end = [], 0
    for row in rows:
        end += len(row.points)
        ends.append(end)
    for refusal in refusals:
        number = next(number for number, end in enumerate(ends) if refusal.index < end)
        begin = ends[number] - len(rows[number].points)
        taken[number].refusals.append(PointRefusal(refusal.index - begin, refusal.field, refusal.detail))
    return taken
