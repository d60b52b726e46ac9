"""Tells the alarm load once a day; a report that fell due while we were away is told late, and only the newest one."""

from collections.abc import Callable

from alerts.load_message import last_day, load_report, report_key
from alerts.load_plan import LoadReportPlan
from alerts.message import Wording
from ioc.adapters.state.store import StateDb
from ioc.app.load_desk import LoadDesk
from ioc.app.supervision import forever
from ioc.domain.alarm import Decisions

LOOK_EVERY_S = 15.0


class LoadReporter:
    """Puts each day's report into the outbox, where its key keeps it from being told twice."""

    def __init__(
        self,
        plan: LoadReportPlan,
        state: StateDb,
        *,
        site: str,
        wording: Wording,
        clock: Callable[[], int],
        queued: Callable[[], None],
    ) -> None:
        """`queued` is called once a report stands in the outbox."""
        self._plan = plan
        self._state = state
        self._desk = LoadDesk(state)
        self._site = site
        self._wording = wording
        self._clock = clock
        self._queued = queued
        self._began = clock()
        self._done: str | None = None
        """The key of the report that needs no further look."""

    async def run(self) -> None:
        """Looks for ever whether a report is due."""
        await forever("load report", self.turn, lambda: LOOK_EVERY_S)

    async def turn(self) -> None:
        """Queues the newest report that is due, unless it has been; days before our first message have none."""
        now = self._clock()
        day = last_day(self._plan, now, self._wording.zone)
        key = report_key(self._site, day)
        if key == self._done:
            return
        if await self._is_missing(key) and await self._was_there(day.end):
            load = await self._desk.load(day.start, day.end, self._plan.operators)
            await self._state.commit(Decisions(outbox=load_report(load, self._plan, key=key, now=now, wording=self._wording)))
            self._queued()
        self._done = key

    async def _is_missing(self, key: str) -> bool:
        return any([await self._state.message(key, channel) is None for channel in self._plan.channels])

    async def _was_there(self, by: int) -> bool:
        if self._began <= by:
            return True
        first = await self._state.first_booked_minute()
        return first is not None and first < by
