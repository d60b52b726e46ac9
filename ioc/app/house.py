"""What happens by the clock: the pulse once a second, and the points that we write about ourselves."""

import asyncio
from collections.abc import Callable, Sequence

from alerts.desk import Desk
from alerts.inputs import OwnCondition
from collectors.writer import Writer
from ioc.adapters.state.store import StateDb
from ioc.domain.fleet import FleetViews
from ioc.domain.liveness_change import Cause, Liveness
from ioc.domain.own_points import availability_point, ledger_point, unit_status_points
from ioc.domain.point import Point
from ioc.domain.views import UnitView

PULSE_S = 1.0
PROBE_S = 3.0
MINUTE_S = 60.0
AVAILABILITY_EVERY_MIN = 5
STORE_GRACE_MS = 3_000
"""The store may be away this long before its failure is an alarm."""
SLICE = 2_000
"""Points of our own written at once."""
WAITING = 100
"""Slices that may wait for a store that is slow."""
OWN = ""
"""The source of points that no MQTT source brought."""


class House:
    """Periodic work of one server; each task is a child of the caller's TaskGroup."""

    def __init__(
        self,
        *,
        desk: Desk,
        writer: Writer,
        state: StateDb,
        views: FleetViews,
        units: Callable[[], Sequence[UnitView]],
        clock: Callable[[], int],
        refreshed: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._writer = writer
        self._state = state
        self._views = views
        self._units = units
        self._clock = clock
        self._refreshed = refreshed
        self._waiting: asyncio.Queue[Sequence[Point]] = asyncio.Queue(WAITING)
        self.left_out = 0

    async def pulse(self) -> None:
        """Own conditions, blindness, due messages: once a second."""
        while True:
            points = await self._desk.pulse(self._own_conditions())
            self.write(points)
            self._refreshed()
            await asyncio.sleep(PULSE_S)

    async def probe(self) -> None:
        """Notices a silent store within seconds."""
        while True:
            await self._writer.probe()
            await asyncio.sleep(PROBE_S)

    async def minutely(self) -> None:
        """unit_status and the ledger every minute, availability every five."""
        minute = 0
        while True:
            now = self._clock()
            self.write(unit_status_points(self._units(), now))
            self.write(await self._ledger_points(now))
            if minute % AVAILABILITY_EVERY_MIN == 0:
                self.write(self._availability_points(now))
            minute += 1
            await asyncio.sleep(MINUTE_S)

    def write(self, points: Sequence[Point]) -> None:
        """Our own points, in slices; what finds the queue full is counted in `left_out`."""
        for start in range(0, len(points), SLICE):
            try:
                self._waiting.put_nowait(points[start : start + SLICE])
            except asyncio.QueueFull:
                self.left_out += 1

    async def store(self) -> None:
        """Gives our own points to the store, or to the spool while it is away."""
        while True:
            written = await self._writer.put(OWN, await self._waiting.get(), _no_note)
            if written.spooled_as is not None:
                self._writer.release(written.spooled_as)

    def _own_conditions(self) -> list[OwnCondition]:
        now = self._clock()
        down, full = self._writer.down_since, self._writer.spool_full_since
        lasts = down is not None and now - down >= STORE_GRACE_MS
        return [
            OwnCondition("ioc_store_down", now, down if lasts else None, self._writer.last_error),
            OwnCondition("ioc_spool_full", now, full, self._writer.last_error),
        ]

    async def _ledger_points(self, now: int) -> list[Point]:
        since = now - now % 60_000 - 5 * 60_000
        rows = await self._state.ledger_minutes(since)
        return [ledger_point(family, collector, minute, terms) for family, collector, minute, terms in rows]

    def _availability_points(self, now: int) -> list[Point]:
        return [
            availability_point(view.id, view.unit, state=view.state, cause=self._cause(view.state), at=now)
            for view in self._views.all(now)
            if view.approved
        ]

    def _cause(self, state: Liveness) -> Cause:
        if self._desk.blind:
            return Cause.BLIND
        return Cause.ARRIVAL if state is Liveness.ONLINE else Cause.SILENCE


def _no_note() -> bytes:
    return b"\x90"
