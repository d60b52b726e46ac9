"""Who is on duty at a moment, and what nobody answers for: units with devices, and hours of the week to come. Pure; times are Unix ms."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo

import msgspec

from alerts.directory import Directory
from alerts.duty_plan import Contacts, DutyPlan
from alerts.notify_file import NotifyPlan
from alerts.roster import shifts
from ioc.domain.registry import Device, Unit

WEEK_MS = 7 * 86_400_000


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A team's shift; `since` and `until` None = without beginning or end."""

    team: str
    name: str
    people: Mapping[str, str]
    """Person → name, as people know them; empty = nobody is on duty."""
    since: int | None
    until: int | None
    override: bool


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which nobody of a team is on duty, and the units with devices that it answers for."""

    team: str
    start: int
    end: int
    units: tuple[str, ...]


class Uncovered(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that has devices but nobody who answers for it; None = devices without a unit."""

    unit: str | None
    devices: int


class DutyReport(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on duty at `at`, and what is at risk."""

    at: int
    teams: tuple[Watch, ...]
    uncovered: tuple[Uncovered, ...]
    gaps: tuple[Gap, ...]
    """Within a week from `at`."""

    @property
    def complete(self) -> bool:
        """Whether nothing is at risk."""
        return not self.uncovered and not self.gaps


class Duty:
    """`unit`: the row of a unit that is in force now; `devices`: those of the registry."""

    def __init__(
        self, plan: NotifyPlan, *, zone: tzinfo, unit: Callable[[str], Unit | None], devices: Callable[[], Iterable[Device]]
    ) -> None:
        self._plan: DutyPlan = plan.duty
        self._by_unit = bool(plan.duty.units) or any(
            target.on_duty_of_unit for route in plan.routes for target in (route, *route.escalation)
        )
        self._zone = zone
        self._directory = Directory(plan.duty, zone=zone, unit=unit)
        self._devices = devices

    @property
    def declared(self) -> bool:
        """Whether routes can call anybody but channels."""
        return bool(self._plan.people or self._plan.teams) or self._by_unit

    def report(self, at: int, team: str | None = None) -> DutyReport:
        """As of a moment; `team` narrows to one."""
        teams = [name for name in self._plan.teams if team in {None, name}]
        units = Counter(device.unit for device in self._devices() if device.approved) if self._by_unit else Counter[str | None]()
        answering = {unit: self._directory.contacts(unit) for unit in units}
        return DutyReport(
            at=at,
            teams=tuple(self._watch(name, at) for name in teams),
            uncovered=tuple(
                Uncovered(unit=unit, devices=units[unit])
                for unit in sorted(units, key=lambda one: one or "")
                if answering[unit] is None and team is None
            ),
            gaps=tuple(gap for name in teams for gap in self._gaps(name, at, answering)),
        )

    def _watch(self, team: str, at: int) -> Watch:
        shift = self._directory.shift(team, at)
        people = shift.people if shift else ()
        return Watch(
            team=team,
            name=self._plan.name_of("team", team),
            people={person: self._directory.name_of(person) for person in people},
            since=shift.start if shift else None,
            until=shift.end if shift else None,
            override=bool(shift and shift.override),
        )

    def _gaps(self, team: str, at: int, answering: Mapping[str | None, tuple[str, Contacts] | None]) -> Iterator[Gap]:
        units = tuple(sorted(unit for unit, by in answering.items() if unit and by and team in by[1].teams))
        return (Gap(team=team, start=start, end=end, units=units) for start, end in self._empty(team, at))

    def _empty(self, team: str, at: int) -> Iterator[tuple[int, int]]:
        """When nobody is on duty within a week; what touches is one."""
        begin: int | None = None
        for shift in shifts(self._plan.teams[team], at, at + WEEK_MS, self._zone):
            if shift.people and begin is not None:
                yield begin, shift.start or at
            begin = None if shift.people else begin if begin is not None else max(at, shift.start or at)
        if begin is not None:
            yield begin, at + WEEK_MS
