"""What comes before the groups: alarms that wait, belong to an outage, depend on a failed parent, or flap. Pure; times are Unix ms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alerts.dependencies import PREFIX as CHILD
from alerts.dependencies import Dependencies
from alerts.flapping import PREFIX as FLAP
from alerts.flapping import Flapping
from alerts.grouping import Reason, reason_of
from alerts.outage_desk import OutageDesk
from alerts.roll import Roll
from ioc.domain.alarm import ENDS, Alarm, NotificationGroup, Step, Transition
from ioc.domain.held import Held, Hold

_WAITS_ON = frozenset({Step.ASSIGNED, Step.COMMENTED, Step.ACKNOWLEDGED})
"""Entries after which an alarm waits on for others that fell with it."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An alarm for the groups: when it was raised, and a number that it has not been told under before."""

    alarm: Alarm
    at: int
    number: int
    flaps: int = 0
    """How often it came, if that is to be summed up; then it may be over."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An alarm whose own message was held back at a time, and by what: an incident, or a parent's alarm."""

    alarm: Alarm
    at: int
    reason: Reason
    by: str = ""


class Admission:
    """Takes what is raised in, and hands out what the routes' groups shall tell."""

    def __init__(self, outages: OutageDesk, dependencies: Dependencies, flapping: Flapping, roll: Roll) -> None:
        self._outages = outages
        self._dependencies = dependencies
        self._flapping = flapping
        self._roll = roll
        self._held: list[HeldBack] = []

    @property
    def next_look(self) -> int | None:
        """When `look` has to be called next, or None."""
        looks = (self._outages.next_look, self._dependencies.next_look, self._flapping.next_look)
        return min((at for at in looks if at is not None), default=None)

    def alarm(self, alarm: str) -> Alarm | None:
        """An alarm that is in no group."""
        return self._outages.alarm(alarm) or self._dependencies.alarm(alarm) or self._flapping.alarm(alarm)

    def raised(self, alarm: Alarm, at: int, seq: int) -> list[Admitted]:
        """An alarm is raised. A parent's takes its children out of whatever has not told of them."""
        admitted = self._enter(alarm, at, seq)
        if self._dependencies.fails(alarm, at):
            self._call_in(at)
        return admitted

    def changed(self, entry: Transition, alarm: Alarm) -> list[Admitted]:
        """A later journal entry, before the groups take it: an alarm that waited is told as usual, unless it waits on."""
        over = entry.step in ENDS
        if over:
            told = any(self._roll.groups[key].members[alarm.id].told for key in self._roll.keys_of.get(alarm.id, ()))
            self._flapping.over(alarm, entry.recorded, told=told)
        self._flapping.change(alarm, entry.recorded)
        self._dependencies.change(alarm, entry.recorded)
        alone = self._outages.heed(alarm, over=over, waits_on=entry.step in _WAITS_ON)
        return [] if alone is None else [Admitted(*alone)]

    def look(self, now: int) -> list[Admitted]:
        """What has waited for long enough."""
        admitted = []
        for alarm, seq in self._dependencies.look(now):
            admitted += self._enter(alarm, now, seq)
        admitted += [Admitted(*one) for one in self._outages.look(now)]
        for summed in self._flapping.look(now):
            if not (summed.alarm.active and self._outages.joins(summed.alarm, now)):
                admitted.append(Admitted(summed.alarm, now, summed.seq, summed.raises))
        return admitted

    def owns(self, alarm: str) -> bool:
        """Whether the alarm is held back by a parent or because it flaps."""
        return (self._dependencies.alarm(alarm) or self._flapping.alarm(alarm)) is not None

    def take_held(self) -> list[HeldBack]:
        """What was held back since the last call."""
        joined = [HeldBack(alarm, at, Reason.INCIDENT, outage.id) for alarm, outage, at in self._outages.take_joined()]
        held, self._held = [*self._held, *joined], []
        return held

    def held(self) -> Iterator[Held]:
        """What waits, or is held back by a parent or because it flaps."""
        for alarm in self._outages.waiting():
            yield Held(alarm=alarm, hold=Hold.WAITING)
        for alarm, parent in self._dependencies.held():
            yield Held(alarm=alarm, hold=Hold.DEPENDENCY, by=parent)
        for alarm in self._flapping.held():
            yield Held(alarm=alarm, hold=Hold.FLAPPING)

    def take_rows(self) -> list[NotificationGroup]:
        """The rows that changed since the last call, but for those of outages."""
        return [*self._outages.take_rows(), *self._dependencies.take_rows(), *self._flapping.take_rows()]

    def restore(self, rows: Iterable[NotificationGroup], known: dict[str, Alarm]) -> Sequence[NotificationGroup]:
        """Takes up its rows; the others. `known`: at least the active alarms."""
        others, children = [], []
        for row in rows:
            if row.key.startswith(CHILD):
                children.append(row)
            elif row.key.startswith(FLAP):
                self._flapping.restore(row, known)
            else:
                others.append(row)
        self._dependencies.restore(children, known)
        return others

    def _enter(self, alarm: Alarm, at: int, seq: int) -> list[Admitted]:
        if alarm.suppression is not None:
            self._held.append(HeldBack(alarm, at, reason_of(alarm.suppression), alarm.withheld_by))
            return []
        parent = self._dependencies.parent_of(alarm)
        if parent is not None:
            self._dependencies.hold(alarm, seq, parent)
            self._held.append(HeldBack(alarm, at, Reason.DEPENDENCY, parent))
        elif self._outages.joins(alarm, at):
            pass
        elif self._flapping.hold(alarm, seq, at):
            self._held.append(HeldBack(alarm, at, Reason.FLAPPING))
        elif not self._outages.waits(alarm, at, seq):
            return [Admitted(alarm, at, seq)]
        return []

    def _call_in(self, at: int) -> None:
        """A parent has failed: its children of whom nobody has been told are held back."""
        for alarm in [*self._outages.waiting(), *self._roll.alarms.values()]:
            parent = self._dependencies.parent_of(alarm)
            if parent is None or not alarm.active or self._told(alarm):
                continue
            seq = self._outages.withdraw(alarm, at)
            self._dependencies.hold(alarm, seq, parent)
            self._held.append(HeldBack(alarm, at, Reason.DEPENDENCY, parent))

    def _told(self, alarm: Alarm) -> bool:
        return any(self._roll.groups[key].members[alarm.id].told for key in self._roll.keys_of.get(alarm.id, ()))
