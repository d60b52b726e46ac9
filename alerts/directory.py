"""Who is reached at a moment by what a route or a step names: people on duty, their channels, and who waits for working hours. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal

from alerts.duty_plan import WAITING, Contacts, DutyPlan, OnCall, Targets
from alerts.roster import Shift, shift_at
from alerts.working_hours import works_from
from ioc.domain.alarm import Alarm
from ioc.domain.registry import Unit

Party = tuple[Literal["person", "team"], str]
"""Who is named: a person, or a team with whoever of it is on duty then."""
_DEEPEST = 32
"""Units above each other that are looked at."""


@dataclass(slots=True)
class Reach:
    """Alarms by who is reached about them (the sets keep their order)."""

    channels: dict[str, dict[str, None]] = field(default_factory=dict)
    """Of programs and shared channels."""
    people: dict[str, dict[str, None]] = field(default_factory=dict)
    waiting: dict[tuple[Party, int], dict[str, None]] = field(default_factory=dict)
    """By party and the moment (Unix ms) until which it waits."""

    def add(self, other: "Reach") -> None:
        """Takes in another one."""
        for mine, theirs in ((self.channels, other.channels), (self.people, other.people)):
            for name, alarms in theirs.items():
                mine.setdefault(name, {}).update(alarms)
        for key, alarms in other.waiting.items():
            self.waiting.setdefault(key, {}).update(alarms)

    @property
    def reached(self) -> set[str]:
        """Alarms about which somebody is reached."""
        return {alarm for alarms in (*self.channels.values(), *self.people.values()) for alarm in alarms}

    @property
    def withheld(self) -> set[str]:
        """Alarms that all who would be reached wait with."""
        return {alarm for alarms in self.waiting.values() for alarm in alarms} - self.reached


class Directory:
    """`zone`: the site's; `unit`: the row of a unit that is in force now."""

    def __init__(self, duty: DutyPlan, *, zone: tzinfo, unit: Callable[[str], Unit | None]) -> None:
        self._duty = duty
        self._zone = zone
        self._unit = unit

    def person(self, name: str) -> OnCall | None:
        """How a person is called."""
        return self._duty.people.get(name)

    def name_of(self, person: str) -> str:
        """As people know the person."""
        return self._duty.name_of("person", person)

    def shift(self, team: str, at: int) -> Shift | None:
        """Who of a team is on duty; None = there is no such team."""
        declared = self._duty.teams.get(team)
        return None if declared is None else shift_at(declared, at, self._zone)

    def contacts(self, unit: str | None) -> tuple[str, Contacts] | None:
        """Who answers for a unit, and the unit that says so: itself, or the nearest one above."""
        for _ in range(_DEEPEST):
            if unit is None:
                return None
            if unit in self._duty.units:
                return unit, self._duty.units[unit]
            row = self._unit(unit)
            unit = None if row is None else row.parent
        return None

    def reach(self, targets: Targets, alarms: Iterable[Alarm], at: int, *, always: bool = False) -> Reach:
        """Who is reached about the alarms; `always`: nothing waits for working hours."""
        found, parties = Reach(), dict[Party, dict[str, Alarm]]()
        for alarm in alarms:
            for channel in targets.channels:
                found.channels.setdefault(channel, {})[alarm.id] = None
            for party in self._parties(targets, alarm.unit):
                parties.setdefault(party, {})[alarm.id] = alarm
        for party, some in parties.items():
            found.add(self.reach_party(party, list(some.values()), at, always=always))
        return found

    def reach_party(self, party: Party, alarms: Sequence[Alarm], at: int, *, always: bool = False) -> Reach:
        """Who of a party is reached; one alarm that can't wait takes the others along."""
        kind, name = party
        declared = self._duty.teams.get(name) if kind == "team" else self._duty.people.get(name)
        if declared is None:
            return Reach()
        until = works_from(declared.hours, at, self._zone)
        if until > at and not always and all(alarm.severity in WAITING for alarm in alarms):
            return Reach(waiting={(party, until): {alarm.id: None for alarm in alarms}})
        if kind == "person":
            return Reach(people={name: {alarm.id: None for alarm in alarms}})
        found, shift = Reach(), self.shift(name, at)
        for person in shift.people if shift else ():
            found.add(self.reach_party(("person", person), alarms, at, always=always))
        return found

    def _parties(self, targets: Targets, unit: str | None) -> Iterator[Party]:
        named: list[Targets | Contacts] = [targets]
        if targets.on_duty_of_unit and (answering := self.contacts(unit)) is not None:
            named.append(answering[1])
        for one in named:
            yield from (("team", team) for team in one.teams)
            yield from (("person", person) for person in one.people)
