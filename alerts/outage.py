"""One mass outage while it goes on: its members, its messages' group, and when it speaks next. Pure; times are Unix ms."""

import math

import msgspec

from alerts.explaining import Explanation, Shared
from alerts.grouping import Group
from alerts.incident_plan import IncidentPlan
from ioc.domain.alarm import Alarm
from ioc.domain.incident import Incident, IncidentMember

PREFIX = "incident:"
"""Keys of notification groups that are outages begin so."""


class Part(msgspec.Struct, array_like=True):
    """A device's part in an outage."""

    alarm: str
    rule: str
    unit: str | None
    joined: int
    recovered: int | None = None


class Outage(msgspec.Struct, kw_only=True):
    """The state of an outage; stored as JSON in `NotificationGroup.body`."""

    id: str
    attribute: str
    value: str
    also: tuple[Shared, ...] = ()
    exposed: int
    fallen: int
    since: int
    changed: int
    """When a member last came or went."""
    group: Group
    parts: dict[str, Part] = msgspec.field(default_factory=dict)
    """Device → its part. A device that falls again takes its old place."""

    @property
    def key(self) -> str:
        """The key of its notification group."""
        return PREFIX + self.id

    @property
    def shared(self) -> Shared:
        """What its members share."""
        return self.attribute, self.value

    @property
    def recovered(self) -> int:
        """Members that came back."""
        return sum(part.recovered is not None for part in self.parts.values())

    def explained_by(self, explanation: Explanation, *, of: int) -> None:
        """How well its value explains it now, and `of` how many devices that fell."""
        self.also, self.exposed, self.fallen = explanation.also, explanation.exposed, of

    def join(self, alarm: Alarm, at: int) -> None:
        """A device falls, or falls again."""
        self.parts[alarm.device or ""] = Part(alarm.id, alarm.rule, alarm.unit, at)
        self.exposed, self.fallen = max(self.exposed, len(self.parts)), max(self.fallen, len(self.parts))
        self.since, self.changed = min(self.since, at), max(self.changed, at)

    def end(self, alarm: Alarm, at: int) -> str | None:
        """An alarm of a member is over; the device, if it came back by that."""
        device = alarm.device or ""
        part = self.parts.get(device)
        if part is None or part.alarm != alarm.id or part.recovered is not None:
            return None
        part.recovered = self.changed = at
        return device

    def mostly_over(self, plan: IncidentPlan) -> bool:
        """Whether so many came back that the cause must be gone."""
        return self.recovered >= plan.over * len(self.parts)

    def due_at(self, plan: IncidentPlan) -> int | None:
        """When it speaks next.

        At first once nobody has fallen for a while; then when all came back, or most, or a good part came or went; else a reminder.
        What lies between waits for an `interval` without change, two at most: devices come back over minutes.
        """
        group = self.group
        settled = self.changed + plan.wait
        if not group.open:
            return None if group.changed_at is None else min(settled, group.changed_at + plan.window + plan.wait)
        told = group.sent_at or 0
        if all(member.ended for member in group.members.values() if member.told or not member.hidden):
            return settled
        if self.mostly_over(plan):
            return max(self.changed, told) + plan.interval
        if (since := self._worth_telling_since(plan)) is not None:
            return max(min(self.changed, since + plan.interval), told) + plan.interval
        if plan.repeat_interval and any(member.nags for member in group.members.values()):
            return told + plan.repeat_interval
        return None

    def _worth_telling_since(self, plan: IncidentPlan) -> int | None:
        """When so many members had come or gone untold that it is a good part of them; None = not yet."""
        waiting = {alarm for alarm, member in self.group.members.items() if member.waits}
        times = sorted(part.recovered or part.joined for part in self.parts.values() if part.alarm in waiting)
        least = math.ceil(plan.step * len(self.parts))
        return times[least - 1] if len(times) >= least else None

    def incident(self, until: int | None = None) -> Incident:
        """As people are shown it."""
        return Incident(
            id=self.id,
            attribute=self.attribute,
            value=self.value,
            also=dict(self.also),
            since=self.since,
            until=until,
            members=len(self.parts),
            recovered=self.recovered,
            exposed=self.exposed,
            fallen=self.fallen,
        )

    def member(self, device: str, released: int | None = None) -> IncidentMember:
        """One of its devices as people are shown it."""
        part = self.parts[device]
        return IncidentMember(
            incident=self.id,
            device=device,
            alarm=part.alarm,
            rule=part.rule,
            unit=part.unit,
            joined=part.joined,
            recovered=part.recovered,
            released=released,
        )
