"""Which alarms wait for others, which outages go on, and what explains them. Pure; times are Unix ms."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache

import msgspec

from alerts.explaining import Explanation, Shared, candidates, explain
from alerts.grouping import Group
from alerts.incident_plan import IncidentPlan
from alerts.outage import Outage
from ioc.domain.alarm import Alarm

WAITING = "fallen:"
"""Keys of rows about alarms that fell lately begin so."""
_LOOK_EVERY = 1_000
"""What waits is judged at whole seconds: a storm of absences costs one look a second."""

Attributes = Callable[[str], Mapping[str, str]]
"""A device's attributes and their values, as known now."""
Standing = Callable[[], Mapping[Shared, int]]
"""How many devices that have not fallen have each value."""


class Fallen(msgspec.Struct, array_like=True):
    """An alarm of a device that fell lately."""

    seq: int
    at: int
    until: int
    """While it waits: when it is told alone. Afterwards: when it is forgotten."""
    waits: bool = True


class Incidents:
    """Alarms that may belong together, and the outages that were found.

    `concerned`: whether a rule, by its id, says that a device fell.
    """

    def __init__(self, plan: IncidentPlan, *, concerned: Callable[[str], bool], attributes: Attributes, standing: Standing) -> None:
        self.plan = plan
        self._concerned = concerned
        self._attributes = attributes
        self._standing = standing
        self.fallen: dict[str, Fallen] = {}
        """Alarm → when it fell."""
        self.open: dict[str, Outage] = {}
        """Key of its notification group → outage."""

    @property
    def _remembered(self) -> int:
        """How long a fall is remembered: until the outage that began with it has spoken."""
        return self.plan.hold + self.plan.window + self.plan.wait

    @property
    def next_look(self) -> int | None:
        """When somebody has waited for long enough, or can be forgotten."""
        return min((one.until for one in self.fallen.values()), default=None)

    @property
    def untold(self) -> list[Outage]:
        """Outages that have not spoken yet."""
        return [outage for outage in self.open.values() if not outage.group.step]

    def concerns(self, alarm: Alarm) -> bool:
        """Whether the alarm says that a device fell."""
        return self.plan.enabled and alarm.device is not None and self._concerned(alarm.rule)

    def explaining(self, alarm: Alarm) -> Outage | None:
        """The outage that goes on and explains the alarm; the oldest where several do."""
        if not self.concerns(alarm):
            return None
        attributes = self._attributes(alarm.device or "")
        found = (one for one in self.open.values() if self._explains(one, alarm.device or "", attributes))
        return min(found, key=lambda one: (one.since, one.id), default=None)

    def watch(self, alarm: Alarm, seq: int, at: int, *, waits: bool) -> None:
        """Takes an alarm in that no outage explains so far."""
        until = -(-(at + self.plan.hold) // _LOOK_EVERY) * _LOOK_EVERY if waits else at + self._remembered
        self.fallen[alarm.id] = Fallen(seq, at, until, waits)

    def first_waited(self, now: int) -> int | None:
        """When the first of those that have waited for long enough had done so; None = none has."""
        return min((one.until for one in self.fallen.values() if one.waits and one.until <= now), default=None)

    def waited(self, now: int) -> list[str]:
        """Alarms that have waited for long enough, in the order in which they fell."""
        found = sorted((one.at, one.seq, alarm) for alarm, one in self.fallen.items() if one.waits and one.until <= now)
        return [alarm for _, _, alarm in found]

    def lasts(self, alarm: str) -> None:
        """An alarm waits on, up to the window: it may belong to something that is still growing."""
        one = self.fallen[alarm]
        one.until = max(one.until + _LOOK_EVERY, one.at + self.plan.window)

    def may_last(self, alarm: str) -> bool:
        """Whether the alarm has not waited for a whole window yet."""
        one = self.fallen[alarm]
        return one.until < one.at + self.plan.window

    def tell(self, alarm: str) -> Fallen:
        """An alarm waits no longer; for a while it may still be found to belong to an outage."""
        one = self.fallen[alarm]
        one.waits, one.until = False, max(one.until, one.at + self._remembered)
        return one

    def forget(self, now: int) -> list[str]:
        """The alarms that fell too long ago to matter; they are gone from then on."""
        gone = [alarm for alarm, one in self.fallen.items() if not one.waits and one.until <= now]
        for alarm in gone:
            del self.fallen[alarm]
        return gone

    def standing(self) -> Mapping[Shared, int]:
        """How many devices that have not fallen have each value; counts the whole fleet."""
        return self._standing()

    def found(self, alarms: Iterable[Alarm], standing: Standing) -> Explanation | None:
        """What explains most of these alarms; `standing` is asked only where there are enough."""
        devices = self._devices(alarms)
        if not self.plan.enabled or len(devices) < self.plan.members:
            return None
        return explain(devices, standing(), order=self.plan.by, members=self.plan.members, share=self.plan.share)

    def found_besides(self, taken: Collection[Shared], alarms: Iterable[Alarm]) -> Explanation | None:
        """What explains most of these alarms once values that explain others already have had theirs."""
        standing, left = cache(self._standing), list(alarms)
        found = self.found(left, standing)
        while found is not None and (shared := (found.attribute, found.value)) in taken:
            left = [alarm for alarm in left if not self.shares(alarm, shared)]
            found = self.found(left, standing)
        return found

    def growing(self, alarms: Iterable[Alarm], standing: Standing) -> set[Shared]:
        """Values that half as many of these alarms share as an incident needs, by number and by share: one may be coming."""
        devices, least = self._devices(alarms), (self.plan.members + 1) // 2
        if not self.plan.enabled or len(devices) < least:
            return set()
        return candidates(devices, standing(), order=self.plan.by, members=least, share=self.plan.share / 2)

    def shares_any(self, alarm: Alarm, values: Collection[Shared]) -> bool:
        """Whether the alarm's device has one of these values."""
        return bool(values) and any(shared in values for shared in self._attributes(alarm.device or "").items())

    def shares(self, alarm: Alarm, shared: Shared) -> bool:
        """Whether the alarm's device has that value."""
        return self._attributes(alarm.device or "").get(shared[0]) == shared[1]

    def begin(self, explanation: Explanation, identity: str, episode: str, at: int) -> Outage:
        """A new outage, without members yet."""
        outage = Outage(
            id=identity,
            attribute=explanation.attribute,
            value=explanation.value,
            also=explanation.also,
            exposed=explanation.exposed,
            fallen=explanation.of,
            since=at,
            changed=at,
            group=Group(route="", episode=episode),
        )
        self.open[outage.key] = outage
        return outage

    def _devices(self, alarms: Iterable[Alarm]) -> dict[str, Mapping[str, str]]:
        return {alarm.device: self._attributes(alarm.device) for alarm in alarms if alarm.device is not None}

    def _explains(self, outage: Outage, device: str, attributes: Mapping[str, str]) -> bool:
        """Once too few of those that share its value are away, a device that was no member has a fault of its own."""
        if attributes.get(outage.attribute) != outage.value or outage.mostly_over(self.plan):
            return False
        return device in outage.parts or len(outage.parts) - outage.recovered >= self.plan.share * outage.exposed
