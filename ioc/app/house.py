"""What happens by the clock: the pulse once a second, and the points that we write about ourselves."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from alerts.desk import Desk
from alerts.inputs import ClockStep, OwnCondition
from collectors.writer import Writer, put_own
from ioc.adapters.state.store import StateDb
from ioc.app.auditor import Auditor
from ioc.app.supervision import forever
from ioc.domain.fleet import FleetViews
from ioc.domain.own_points import availability_point, ledger_point, unit_status_points
from ioc.domain.point import Point
from ioc.domain.views import UnitView

PULSE_S = 1.0
PROBE_S = 3.0
MINUTE_S = 60.0
MINUTE_MS = 60_000
AVAILABILITY_EVERY_MS = 5 * MINUTE_MS
LEDGER_BACK_MS = 5 * MINUTE_MS
"""Rows of minutes so recent may still change with any batch."""
MINUTES_AT_ONCE = 60
HISTORY_KEPT_MS = 400 * 86_400_000
"""A year with some days before it: older minutes of the ledger go (some 200 MB at three families), and what ended before."""
FORGET_EVERY_S = 3_600.0
EVICTION_OVER_MS = 10 * MINUTE_MS
"""Once the full quarantine has dropped nothing for so long, it is no longer an alarm."""
FILLING_FROM, FILLING_UNTIL = 0.8, 0.7
"""From this part of its bound on the quarantine's level is an alarm, until it is below the other one."""
STORE_GRACE_MS = 3_000
"""The store may be away this long before its failure is an alarm."""
SLICE = 2_000
"""Points of our own written at once."""
WAITING = 100
"""Slices that may wait for a store that is slow."""


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
        evicted: Callable[[], int],
        filling: Callable[[], tuple[int, int]],
        auditor: Auditor,
        drift: Callable[[int], OwnCondition],
        rules: Callable[[int], OwnCondition],
        was_down: Callable[[int], OwnCondition],
        clock: Callable[[], int],
        steps: Callable[[], Sequence[ClockStep]],
        refreshed: Callable[[], None],
    ) -> None:
        """`evicted`: copies that the full quarantine has dropped so far; `filling`: bytes that wait in it, and its bound.

        `drift`, `rules`, `was_down`: our own conditions `ioc_schema_drift`, `ioc_rules_not_loaded` and `ioc_was_down`.
        `steps`: how our clock was set since it was last asked.
        """
        self._desk = desk
        self._writer = writer
        self._state = state
        self._views = views
        self._units = units
        self._evictions = Evictions(evicted)
        self._filling = Filling(filling)
        self._auditor = auditor
        self._drift = drift
        self._rules = rules
        self._was_down = was_down
        self._clock = clock
        self._steps = steps
        self._refreshed = refreshed
        self._waiting: asyncio.Queue[Sequence[Point]] = asyncio.Queue(WAITING)
        self._deaf: frozenset[str] = frozenset()
        self._spoken_at: int | None = None
        self._rebooked: set[int] = set()
        self.left_out = 0

    async def pulse(self) -> None:
        """Own conditions, blindness, due messages: once a second."""
        await forever("pulse", self._beat, lambda: PULSE_S)

    async def probe(self) -> None:
        """Notices a silent store within seconds."""
        await forever("probe", self._writer.probe, lambda: PROBE_S)

    async def minutely(self) -> None:
        """unit_status and the ledger every minute, availability every five."""
        await forever("minutely", self._speak, lambda: MINUTE_S - self._clock() % MINUTE_MS / 1000)

    async def audit(self) -> None:
        """The store beside the ledger, a few hours a minute."""
        await forever("audit", self._auditor.turn, lambda: MINUTE_S)

    async def forget(self) -> None:
        """Keeps ledger, journal and outbox within a bound; the ledger's sums since the beginning stay."""
        await forever("forget", lambda: self._state.forget(self._clock() - HISTORY_KEPT_MS), lambda: FORGET_EVERY_S)

    def rebooked(self, minutes: Iterable[int]) -> None:
        """The ledger's rows of these minutes changed long after: what was spooled has been stored."""
        self._rebooked.update(minutes)

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
            points = await self._waiting.get()
            await put_own(self._writer, points)
            self._waiting.task_done()

    async def settled(self) -> None:
        """Returns once all own points are in the store or the spool."""
        await self._waiting.join()

    async def _beat(self) -> None:
        self.write(await self._desk.pulse([*self._steps(), *self._own_conditions()]))
        deaf = self._desk.presence.deaf
        if deaf != self._deaf:
            self._deaf = deaf
            self.write(self._availability_points(self._clock()))
        self._refreshed()

    async def _speak(self) -> None:
        now = self._clock()
        self.write(unit_status_points(self._units(), now))
        if self._spoken_at is None or not 0 <= now - self._spoken_at < AVAILABILITY_EVERY_MS:
            self._spoken_at = now - now % MINUTE_MS
            self.write(self._availability_points(now))
        self.write(await self._ledger_points(now))

    def _own_conditions(self) -> list[OwnCondition]:
        """Those that we know of: an alarm from before our start stands until its end is proven."""
        now = self._clock()
        down, full = self._writer.down_since, self._writer.spool_full_since
        asked = (self._evictions.condition, self._drift, self._rules, self._was_down)
        conditions = [*(condition(now) for condition in asked), *self._auditor.conditions(now)]
        if (filling := self._filling.condition(now)) is not None:
            conditions.append(filling)
        lasts = down is not None and now - down >= STORE_GRACE_MS
        if lasts or self._writer.answered:
            conditions.append(OwnCondition("ioc_store_down", now, down if lasts else None, self._writer.last_error))
        if self._writer.spool_tried:
            conditions.append(OwnCondition("ioc_spool_full", now, full, self._writer.spool_error))
        return conditions

    async def _ledger_points(self, now: int) -> list[Point]:
        """The last minutes' rows, and those that have changed since the last turn."""
        recent = now - now % MINUTE_MS - LEDGER_BACK_MS
        rows = await self._state.ledger_minutes(recent)
        old = sorted(minute for minute in self._rebooked if minute < recent)
        for start in range(0, len(old), MINUTES_AT_ONCE):
            some = old[start : start + MINUTES_AT_ONCE]
            wanted = set(some)
            found = await self._state.ledger_minutes(some[0], before=some[-1] + 1)
            rows += [row for row in found if row[2] in wanted]
            self._rebooked -= wanted
        return [ledger_point(family, collector, minute, terms) for family, collector, minute, terms in rows]

    def _availability_points(self, now: int) -> list[Point]:
        cause = self._desk.presence.cause
        return [
            availability_point(device.device, device.unit, state=state, cause=cause(device.device), at=now)
            for device, state in self._views.lives()
        ]


class Evictions:
    """Our own condition `ioc_quarantine_full`: it lasts until nothing has been dropped for a while."""

    def __init__(self, evicted: Callable[[], int]) -> None:
        self._evicted = evicted
        self._known = evicted()
        self._since: int | None = None
        self._last = 0

    def condition(self, now: int) -> OwnCondition:
        """Whether the quarantine drops what is old; to be asked regularly."""
        evicted = self._evicted()
        if evicted != self._known:
            self._known, self._last = evicted, now
            self._since = self._since or now
        elif self._since is not None and not 0 <= now - self._last < EVICTION_OVER_MS:
            self._since = None
        return OwnCondition("ioc_quarantine_full", now, self._since, f"{evicted} copies dropped since the start")


class Filling:
    """Our own condition `ioc_quarantine_filling`; what has been stored after all makes room by itself, so it is not counted."""

    def __init__(self, level: Callable[[], tuple[int, int]]) -> None:
        self._level = level
        self._since: int | None = None

    def condition(self, now: int) -> OwnCondition | None:
        """Whether the quarantine fills up; None between the two levels, where an alarm from before a restart stands."""
        waiting, limit = self._level()
        part = waiting / limit
        if part >= FILLING_FROM:
            self._since = self._since or now
        elif part < FILLING_UNTIL:
            self._since = None
        elif self._since is None:
            return None
        return OwnCondition("ioc_quarantine_filling", now, self._since, f"{part:.0%} of {limit / 1e6:.0f} MB")
