"""Mass outages between the journal and the groups: who waits, who belongs to which outage, and what its messages are. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import msgspec

from alerts import escalating
from alerts.calling import Called, Calling, people_of
from alerts.directory import Reach
from alerts.duty_plan import EscalationStep
from alerts.escalation_clock import step_of
from alerts.explaining import Explanation
from alerts.grouping import Group, Telling
from alerts.incident_message import Told, messages
from alerts.incidents import WAITING, Fallen, Incidents, Standing
from alerts.outage import PREFIX, Outage
from alerts.policy import Policy, RoutePlan, digest
from alerts.roll import Roll
from alerts.silencing import Silencing
from ioc.domain.alarm import Alarm, NotificationGroup, OutboxMessage
from ioc.domain.incident import Incident, IncidentMember

Raised = tuple[Alarm, int, int]
"""An alarm, when it was raised, and a number that it has not been told under before (as a rule that of the journal entry)."""


class OutageDesk:
    """Takes alarms of fallen devices in, and hands back those that no outage explains."""

    def __init__(self, incidents: Incidents, roll: Roll, *, policy: Policy, silencing: Silencing, calling: Calling) -> None:
        self._incidents = incidents
        self._roll = roll
        self._policy = policy
        self._silencing = silencing
        self._calling = calling
        self._alarms: dict[str, Alarm] = {}
        """Those that fell lately."""
        self._touched: dict[str, None] = {}
        """Alarms that fell lately whose row has to be written again."""
        self._changed: dict[str, Incident] = {}
        self._moved: dict[tuple[str, str], IncidentMember] = {}
        self._dissolved: dict[str, None] = {}
        self._joined: list[tuple[Alarm, Outage, int]] = []

    @property
    def next_look(self) -> int | None:
        """When `look` has to be called next, or None."""
        return self._incidents.next_look

    def owns(self, key: str) -> bool:
        """Whether the group is an outage."""
        return key in self._incidents.open

    def incident(self, key: str) -> str | None:
        """The id of the incident of a group's key, if it is one."""
        outage = self._incidents.open.get(key)
        return None if outage is None else outage.id

    def alarm(self, alarm: str) -> Alarm | None:
        """An alarm that fell lately."""
        return self._alarms.get(alarm)

    def due_at(self, key: str) -> int | None:
        """When an outage speaks next, to whomever."""
        outage = self._incidents.open[key]
        dues = (outage.due_at(self._incidents.plan), escalating.due_at(outage.group, self._steps(outage), together=True))
        return min((due for due in dues if due is not None), default=None)

    def joins(self, alarm: Alarm, at: int) -> bool:
        """Whether an alarm that was raised belongs to an outage that goes on; then it is a member from now on."""
        outage = self._incidents.explaining(alarm)
        if outage is not None:
            self._join(outage, alarm, at)
        return outage is not None

    def waits(self, alarm: Alarm, at: int, seq: int) -> bool:
        """Whether an alarm that was raised waits for others; else it has to be told as usual."""
        if not self._incidents.concerns(alarm):
            return False
        waits = not self._silencing.covering(alarm)
        self._incidents.watch(alarm, seq, at, waits=waits)
        self._alarms[alarm.id] = alarm
        self._touched[alarm.id] = None
        return waits

    def waiting(self) -> list[Alarm]:
        """Alarms that wait for others."""
        return [self._alarms[alarm] for alarm, one in self._incidents.fallen.items() if one.waits]

    def withdraw(self, alarm: Alarm, at: int) -> int:
        """Takes an alarm out of all that would tell of it; a number that it has not been told under before."""
        fallen = self._incidents.fallen.get(alarm.id)
        if fallen is not None:
            self._forget(alarm.id)
        keys, _ = self._roll.withdraw(alarm.id, at)
        for key in keys:
            self._roll.touched[key] = None
            outage = self._incidents.open.get(key)
            if outage is not None:
                self._lose(outage, alarm.device or "", at)
        return at if fallen is None else fallen.seq

    def heed(self, alarm: Alarm, *, over: bool, waits_on: bool) -> Raised | None:
        """A later journal entry: an alarm that waited is told as usual now, unless it `waits_on`; one that is `over` is forgotten."""
        fallen = self._incidents.fallen.get(alarm.id)
        if fallen is None:
            return None
        self._alarms[alarm.id] = alarm
        released = fallen.waits and not waits_on
        if over:
            self._forget(alarm.id)
        elif released:
            self._incidents.tell(alarm.id)
            self._touched[alarm.id] = None
        return (alarm, fallen.at, fallen.seq) if released else None

    def end(self, key: str, alarm: Alarm, at: int) -> None:
        """An alarm of a member is over."""
        outage = self._incidents.open.get(key)
        device = None if outage is None else outage.end(alarm, at)
        if outage is not None and device is not None:
            self._note(outage, device)

    def look(self, now: int) -> list[Raised]:
        """Finds what the fallen have in common; the alarms that have waited for long enough and belong to nothing.

        Judged as of the time when the first of them had waited, however much later we come to it: we may have been away.
        """
        told: list[Raised] = []
        if (due := self._incidents.first_waited(now)) is not None:
            standing = cache(self._incidents.standing)
            while (found := self._incidents.found(self._pool(due), standing)) is not None:
                self._open(found)
            told = list(self._alone(now, due, standing))
        for alarm in self._incidents.forget(now):
            del self._alarms[alarm]
            self._touched[alarm] = None
        return told

    def flush(self, key: str, now: int) -> tuple[list[OutboxMessage], list[Raised]]:
        """The messages that an outage has due, and the alarms that belong to it no longer and have to be told as usual.

        Before it speaks for the first time all that fell meanwhile is looked at again: something else may explain more.
        """
        outage = self._incidents.open[key]
        due = outage.due_at(self._incidents.plan)
        if due is None or due > now:
            return self._escalate(outage, now), []
        if not outage.group.step and self._dissolves(outage):
            return [], self.look(now)
        released = self._left(outage)
        hidden = sum(member.hidden for member in outage.group.members.values())
        before = list(outage.group.members)
        telling = outage.group.tell(now)
        if released:
            telling = msgspec.structs.replace(telling, event="cleared")
        reach = self._reach(telling, now)
        told = Told(outage=outage, whole=telling, hidden=hidden, released=bool(released))
        outbox = list(messages(told, self._roll.alarms, self._calling.recipients(reach), at=now))
        self._called(outage, telling, reach, now)
        escalating.join_leader(outage.group, telling.added)
        for gone in before:
            if gone not in outage.group.members:
                self._roll.leave(gone, key)
        return outbox, list(self._release(outage, released, now))

    def _reach(self, telling: Telling, now: int) -> Reach:
        """Who is reached by the routes of each alarm. A mass outage waits for no working hours."""
        taken: dict[str, tuple[RoutePlan, dict[str, None]]] = {}
        for one in telling.named:
            for plan in self._policy.plans_for(self._roll.alarms[one]):
                taken.setdefault(plan.id, (plan, {}))[1][one] = None
        found = Reach()
        for plan, alarms in taken.values():
            found.add(self._calling.reach(plan.route, telling.about(alarms), self._roll.alarms, now, always=True))
        return found

    def _called(self, outage: Outage, telling: Telling, reach: Reach, now: int) -> None:
        Called(named=telling.named, people=people_of(reach)).note(outage.group, now)

    def _escalate(self, outage: Outage, now: int) -> list[OutboxMessage]:
        """The message of the step that is due, about all members of whom nobody has taken note."""
        steps = self._steps(outage)
        telling = escalating.take_step_together(outage.group, steps, now)
        if telling is None:
            return []
        step = step_of(steps, telling.escalation - 1)
        reach = self._calling.reach(step, telling, self._roll.alarms, now, always=True)
        hidden = sum(member.hidden for member in outage.group.members.values())
        lead = self._calling.overdue(outage.group, telling, step.after)
        told = Told(outage=outage, whole=telling, hidden=hidden, released=False, lead=lead)
        escalating.stepped(outage.group, telling, (), now)
        self._called(outage, telling, reach, now)
        return list(messages(told, self._roll.alarms, self._calling.recipients(reach), at=now))

    def _steps(self, outage: Outage) -> Sequence[EscalationStep]:
        """The escalation of the first route that has one and takes a member of whom nobody has taken note."""
        waiting = [self._roll.alarms[one] for one, member in outage.group.members.items() if member.told and member.nags]
        if not waiting or not any(plan.route.escalation for plan in self._policy.plans):
            return ()
        taking = {plan.id for alarm in waiting for plan in self._policy.plans_for(alarm)}
        return next((plan.route.escalation for plan in self._policy.plans if plan.id in taking and plan.route.escalation), ())

    def settle(self, key: str) -> None:
        """An outage without members is over."""
        outage = self._incidents.open.get(key)
        if outage is not None and not outage.group.members:
            del self._incidents.open[key]
            self._changed[outage.id] = outage.incident(until=outage.changed)

    def row(self, key: str) -> NotificationGroup:
        """The row of an outage."""
        return NotificationGroup(key=key, due_at=self.due_at(key), body=msgspec.json.encode(self._incidents.open[key]))

    def take_rows(self) -> list[NotificationGroup]:
        """The rows about alarms that fell lately that changed since the last call."""
        rows = []
        for alarm in sorted(self._touched):
            fallen = self._incidents.fallen.get(alarm)
            body = None if fallen is None else msgspec.json.encode(fallen)
            rows.append(NotificationGroup(key=WAITING + alarm, due_at=None if fallen is None else fallen.until, body=body))
        self._touched.clear()
        return rows

    def take_joined(self) -> list[tuple[Alarm, Outage, int]]:
        """Alarms that belong to an outage since the last call, and when they fell."""
        joined, self._joined = self._joined, []
        return joined

    def take_changes(self) -> tuple[tuple[Incident, ...], tuple[IncidentMember, ...], tuple[str, ...]]:
        """Incidents and members that changed since the last call, and the ids of incidents that turned out to be none."""
        gone = tuple(one for one in self._dissolved if one not in self._changed)
        taken = tuple(self._changed.values()), tuple(one for one in self._moved.values() if one.incident not in gone), gone
        self._changed, self._moved, self._dissolved = {}, {}, {}
        return taken

    def restore(self, row: NotificationGroup, known: dict[str, Alarm]) -> Group | None:
        """Takes up a row of this desk; the group, if it is one."""
        if row.key.startswith(WAITING):
            alarm = known.get(row.key.removeprefix(WAITING))
            if alarm is None or row.body is None:
                self._touched[row.key.removeprefix(WAITING)] = None
            else:
                self._incidents.fallen[alarm.id] = msgspec.json.decode(row.body, type=Fallen)
                self._alarms[alarm.id] = alarm
            return None
        outage = msgspec.json.decode(row.body or b"", type=Outage)
        self._incidents.open[row.key] = outage
        return outage.group

    def _pool(self, by: int) -> list[Alarm]:
        """What fell within a window before `by` or since, belongs to no outage and is not silenced."""
        after = by - self._incidents.plan.window
        fallen = (self._alarms[alarm] for alarm, one in self._incidents.fallen.items() if one.at >= after)
        return [alarm for alarm in fallen if not self._silencing.covering(alarm)]

    def _alone(self, now: int, due: int, standing: Standing) -> Iterator[Raised]:
        """Those that have waited for long enough, but for what shares a value with others that fell: that may be growing."""
        fallen = [*self._pool(due), *(alarm for outage in self._incidents.untold for alarm in self._active(outage))]
        growing = self._incidents.growing(fallen, standing)
        for one in self._incidents.waited(now):
            alarm = self._alarms[one]
            self._touched[one] = None
            if self._incidents.may_last(one) and self._incidents.shares_any(alarm, growing):
                self._incidents.lasts(one)
            else:
                told = self._incidents.tell(one)
                yield alarm, told.at, told.seq

    def _open(self, found: Explanation) -> None:
        shared = found.attribute, found.value
        members = [(fallen.at, one, fallen.seq) for one, fallen in self._incidents.fallen.items()]
        members = sorted(one for one in members if self._incidents.shares(self._alarms[one[1]], shared))
        at, first, seq = members[0]
        outage = self._incidents.begin(found, digest("incident", first, str(seq)), f"{first}@{seq}", at)
        self._roll.groups[outage.key] = outage.group
        for at, one, _ in members:
            alarm = self._alarms[one]
            self._forget(one)
            self._join(outage, alarm, at)

    def _join(self, outage: Outage, alarm: Alarm, at: int) -> None:
        keys, before = self._roll.withdraw(alarm.id, at)
        for key in keys:
            self._roll.touched[key] = None
        self._calling.rooms.leave(alarm.id)
        told, called = any(member.told for member in before), [person for member in before for person in member.called]
        outage.group.raise_(alarm, at, self._silencing.covering(alarm), told=told, called=called)
        outage.join(alarm, at)
        self._roll.enter(outage.key, alarm)
        self._roll.touched[outage.key] = None
        self._note(outage, alarm.device or "")
        self._joined.append((alarm, outage, at))

    def _dissolves(self, outage: Outage) -> bool:
        """Whether something else explains more of what fell; then all that it explains waits again, and nobody has been told of it.

        Else the outage learns how well it is explained now. Outages that have not spoken either are looked at with it.
        """
        untold = self._incidents.untold
        active = (alarm for one in untold for alarm in self._active(one) if not self._silencing.covering(alarm))
        fallen = [*self._pool(outage.since), *active]
        found = self._incidents.found_besides({one.shared for one in untold if one is not outage}, fallen)
        if found is None:
            return False
        shared = found.attribute, found.value
        if shared == outage.shared:
            outage.explained_by(found, of=len({alarm.device for alarm in fallen}))
            self._changed[outage.id] = outage.incident()
            return False
        for one in untold:
            if one is outage or any(self._incidents.shares(alarm, shared) for alarm in self._active(one)):
                self._await_again(one)
        return True

    def _active(self, outage: Outage) -> list[Alarm]:
        return [self._roll.alarms[one] for one, member in outage.group.members.items() if not member.ended]

    def _await_again(self, outage: Outage) -> None:
        for alarm in self._active(outage):
            part = outage.parts[alarm.device or ""]
            self._roll.withdraw(alarm.id, part.joined)
            self._incidents.fallen[alarm.id] = Fallen(outage.changed, part.joined, part.joined)
            self._alarms[alarm.id] = alarm
            self._touched[alarm.id] = None
        for ended in list(outage.group.members):
            self._roll.withdraw(ended, outage.changed)
        self._dissolve(outage)

    def _dissolve(self, outage: Outage) -> None:
        del self._incidents.open[outage.key], self._roll.groups[outage.key]
        self._roll.touched[outage.key] = None
        self._changed.pop(outage.id, None)
        self._dissolved[outage.id] = None

    def _lose(self, outage: Outage, device: str, at: int) -> None:
        """A device turns out to be no member; without any the outage is none."""
        self._moved[outage.id, outage.parts[device].alarm] = outage.member(device, released=at)
        del outage.parts[device]
        self._changed[outage.id] = outage.incident()
        if not outage.parts:
            self._dissolve(outage)

    def _left(self, outage: Outage) -> list[str]:
        """Active alarms that belong to the outage no longer, because most others came back and nothing has changed since."""
        active = [one for one, member in outage.group.members.items() if not member.ended]
        return active if outage.group.open and outage.mostly_over(self._incidents.plan) else []

    def _release(self, outage: Outage, released: Iterable[str], now: int) -> Iterator[Raised]:
        for one in released:
            alarm = self._roll.alarms[one]
            self._roll.withdraw(one, now)
            self._moved[outage.id, one] = outage.member(alarm.device or "", released=now)
            yield alarm, now, now

    def _note(self, outage: Outage, device: str) -> None:
        self._changed[outage.id] = outage.incident()
        self._moved[outage.id, outage.parts[device].alarm] = outage.member(device)

    def _forget(self, alarm: str) -> None:
        del self._incidents.fallen[alarm], self._alarms[alarm]
        self._touched[alarm] = None


def is_ours(row: NotificationGroup) -> bool:
    """Whether the row belongs to this desk."""
    return row.key.startswith((PREFIX, WAITING))
