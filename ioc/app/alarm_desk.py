"""What people do to alarms, through the desk."""

from collections.abc import Callable, Iterable, Sequence

from alerts.desk import Desk
from alerts.engine import Engine, Outcome
from alerts.lifecycle import Act, StepRefusedError
from ioc.adapters.state.store import StateDb
from ioc.api.ports import ConflictError
from ioc.domain.alarm import Alarm, Step
from ioc.domain.own_points import alarm_points
from ioc.domain.point import Point


class AlarmActs:
    """Each act is committed when the call returns. LookupError: no such alarm; ConflictError: it does not fit its state.

    `write` takes the points that tell of it.
    """

    def __init__(self, desk: Desk, state: StateDb, write: Callable[[Sequence[Point]], None]) -> None:
        self._desk = desk
        self._state = state
        self._write = write

    async def acknowledge(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Somebody has seen it; asking again changes nothing."""
        return await self._act(alarm, Act(step=Step.ACKNOWLEDGED, by=by, comment=comment or ""))

    async def acknowledge_all(self, alarms: Sequence[Alarm], *, by: str, comment: str) -> None:
        """Somebody has seen all of them: one transaction; those acknowledged already stay as they are."""
        act = Act(step=Step.ACKNOWLEDGED, by=by, comment=comment)
        outcome = await self._desk.change(lambda engine, now: _together(engine.act(alarm, act, now) for alarm in alarms))
        self._write(alarm_points(outcome.transitions, {one.id: one for one in outcome.alarms}))

    async def reset(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Takes a latched alarm off the list."""
        return await self._act(alarm, Act(step=Step.RESET, by=by, comment=comment or ""))

    async def assign(self, alarm: str, *, by: str, to: str) -> Alarm:
        """Gives it to somebody."""
        return await self._act(alarm, Act(step=Step.ASSIGNED, by=by, to=to))

    async def comment(self, alarm: str, *, by: str, comment: str) -> Alarm:
        """Adds a remark."""
        return await self._act(alarm, Act(step=Step.COMMENTED, by=by, comment=comment))

    async def shelve(self, alarm: str, *, by: str, until: int, reason: str) -> Alarm:
        """Takes it off the list until a time."""
        return await self._act(alarm, Act(step=Step.SHELVED, by=by, until=until, comment=reason))

    async def unshelve(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Puts it back on the list."""
        return await self._act(alarm, Act(step=Step.UNSHELVED, by=by, comment=comment or ""))

    async def _act(self, alarm: str, act: Act) -> Alarm:
        stored = await self._state.alarm(alarm)
        if stored is None:
            raise LookupError(alarm)
        try:
            outcome = await self._desk.change(_decide(stored, act))
        except StepRefusedError as error:
            raise ConflictError(str(error)) from None
        changed = {one.id: one for one in outcome.alarms}
        self._write(alarm_points(outcome.transitions, changed))
        return changed.get(alarm) or await self._state.alarm(alarm) or stored


def _decide(alarm: Alarm, act: Act) -> Callable[[Engine, int], Outcome]:
    return lambda engine, now: engine.act(alarm, act, now)


def _together(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcomes of several acts, each on another alarm, as one."""
    found = list(outcomes)
    return Outcome(
        transitions=tuple(entry for one in found for entry in one.transitions),
        alarms=tuple(alarm for one in found for alarm in one.alarms),
        rule_states=tuple(row for one in found for row in one.rule_states),
    )
