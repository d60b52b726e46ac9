"""Rolling up: closed minutes one after another, and hours into which something was stored late, once more."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import NoReturn, Protocol

import structlog

from ioc.adapters.state.rollup_rows import Marked
from ioc.app.supervision import forever
from ioc.domain.family import Family
from ioc.domain.point import StoreUnavailableError
from ioc.domain.rollup import HOUR_MS, MINUTE_MS, DeviceMinute, Frontier

log = structlog.get_logger("ioc.rollups")

GRACE_MS = 120_000
"""A minute is read so long after its end; what comes later makes its hour due again."""
DEVICES_AT_ONCE = 50
"""Devices whose due hour is read at once."""
BUSY_S, IDLE_S, FAILED_S = 0.05, 1.0, 15.0


class RollupStore(Protocol):
    """The store as rolling up needs it; StoreUnavailableError when it can't."""

    async def prepare_rollups(self, retention_ms: int) -> None:
        """There is a place for them, which keeps them so long."""

    def summarise(
        self, measurement: str, metrics: Sequence[str], start: int, end: int, *, devices: Sequence[str] = ()
    ) -> AsyncIterator[list[DeviceMinute]]:
        """The minutes of start ≤ ts < end as the points tell them, some devices at once."""

    async def write_rollups(self, measurement: str, minutes: Sequence[DeviceMinute]) -> None:
        """Replaces what stands there."""


class Book(Protocol):
    """Where it is noted how far rolling up has come."""

    async def position(self) -> int | None:
        """The first minute that is not rolled up."""

    async def advance(self, minute: int) -> None:
        """The minutes before this one are."""

    async def due(self, limit: int) -> list[Marked]:
        """Hours to be rolled up again, oldest first."""

    async def waiting(self) -> int:
        """How many there are."""

    async def done(self, hours: Sequence[Marked]) -> None:
        """They are."""


class Rollups:
    """One server's rollups; `begin` before the first point is stored, then `run`."""

    def __init__(
        self,
        store: RollupStore,
        book: Book,
        families: Mapping[str, Family],
        *,
        frontier: Frontier,
        retention_ms: int,
        raw_retention_ms: int,
        away: Callable[[], bool],
        clock: Callable[[], int],
    ) -> None:
        """`away`: whether the store does not answer at present."""
        self._store = store
        self._book = book
        self._metrics = {name: tuple(metric.name for metric in family.metrics) for name, family in families.items()}
        self._frontier = frontier
        self._retention_ms = retention_ms
        self._raw_retention_ms = raw_retention_ms
        self._away = away
        self._clock = clock
        self._prepared = False
        self._position = 0
        self._pause_s = IDLE_S
        self.waiting = 0
        """Hours of devices that are due again."""
        self.minutes = 0
        self.failures = 0
        self.fault = ""
        """Why nothing can be rolled up at present; empty = it can."""

    async def begin(self) -> None:
        """Goes on where the last run stopped; the very first begins with the present minute."""
        now = self._clock()
        position = await self._book.position()
        self._position = now - now % MINUTE_MS if position is None else max(position, self._oldest())
        if position is None:
            await self._book.advance(self._position)
        self._frontier.until = self._position
        self.waiting = await self._book.waiting()

    @property
    def lag_ms(self) -> int:
        """How long ago the last minute that is rolled up ended."""
        return max(0, self._clock() - self._position)

    async def run(self) -> NoReturn:
        """Until cancelled."""
        await forever("rollups", self.turn, lambda: self._pause_s)

    async def turn(self) -> None:
        """At most one minute and one slice of what is due: live points never wait long for either."""
        self._pause_s = IDLE_S
        if self._away():
            return
        try:
            if not self._prepared:
                await self._store.prepare_rollups(self._retention_ms)
                self._prepared = True
            closed = await self._close_minute()
            redone = await self._redo()
        except StoreUnavailableError as error:
            self.failures += 1
            self._pause_s = FAILED_S
            if self.fault != error.detail:
                log.warning("rollups_fail", detail=error.detail)
            self.fault = error.detail
            return
        self.fault = ""
        self._pause_s = BUSY_S if closed or redone else IDLE_S

    async def _close_minute(self) -> bool:
        start = self._position
        end = start + MINUTE_MS
        if self._clock() < end + GRACE_MS:
            return False
        self._frontier.until = end
        for family, metrics in self._metrics.items():
            await self._roll_up(family, metrics, start, end)
        await self._book.advance(end)
        self._position = end
        self.minutes += 1
        return True

    async def _redo(self) -> bool:
        found = await self._book.due(DEVICES_AT_ONCE)
        self.waiting = len(found) if len(found) < DEVICES_AT_ONCE else await self._book.waiting()
        if not found:
            return False
        family, hour = found[0][0].family, found[0][0].hour
        these = [one for one in found if (one[0].family, one[0].hour) == (family, hour)]
        start, end = max(hour, self._oldest()), min(hour + HOUR_MS, self._frontier.until)
        if family in self._metrics and start < end:
            devices = [one.device for one, _ in these]
            await self._roll_up(family, self._metrics[family], start, end, devices)
        await self._book.done(these)
        return True

    async def _roll_up(self, family: str, metrics: Sequence[str], start: int, end: int, devices: Sequence[str] = ()) -> None:
        async for minutes in self._store.summarise(family, metrics, start, end, devices=devices):
            await self._store.write_rollups(family, minutes)

    def _oldest(self) -> int:
        """The first minute whose points are all there still: what has partly expired must not be rolled up again."""
        return (self._clock() - self._raw_retention_ms) // MINUTE_MS * MINUTE_MS + 2 * MINUTE_MS
