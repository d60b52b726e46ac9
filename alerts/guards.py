"""What may hold messages back besides silences: each part by itself holds nothing back unless told to. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from alerts.dependencies import Dependencies
from alerts.explaining import Shared
from alerts.flapping import Flapping
from alerts.flapping_plan import FlappingPlan
from alerts.flood_plan import FloodPlan
from alerts.incident_plan import IncidentPlan
from alerts.incidents import Incidents
from alerts.neighbours import Neighbours
from alerts.notify_file import NotifyPlan
from alerts.rule import Rule
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.liveness_change import Liveness


def _nothing(_device: str) -> Mapping[str, str]:
    return {}


def _none() -> Mapping[Shared, int]:
    return {}


def _no_label(_device: str, _key: str) -> str | None:
    return None


def _no_incidents() -> Incidents:
    return Incidents(IncidentPlan(enabled=False), rules=(), attributes=_nothing, standing=_none)


def _no_dependencies() -> Dependencies:
    return Dependencies((), absences=(), label=_no_label)


def _no_flapping() -> Flapping:
    return Flapping(FlappingPlan(enabled=False))


def _no_flood() -> FloodPlan:
    return FloodPlan(enabled=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Devices that fell together, children of failed parents, what comes and goes, and the cap on each channel.

    `calendar` names the days that weekly silences are bound to.
    """

    incidents: Incidents = field(default_factory=_no_incidents)
    dependencies: Dependencies = field(default_factory=_no_dependencies)
    flapping: Flapping = field(default_factory=_no_flapping)
    flood: FloodPlan = field(default_factory=_no_flood)
    calendar: Calendar = NO_DAYS


def guards_of(
    plan: NotifyPlan,
    *,
    rules: Iterable[Rule],
    families: Mapping[str, Family],
    fleet: Fleet,
    liveness_of: Callable[[str], Liveness | None],
) -> Guards:
    """Mass outages and dependencies are about what the rules call absent, by what the devices have in common."""
    neighbours = Neighbours(fleet, families, by=plan.incidents.by, state_of=liveness_of)
    absences = [rule.id for rule in rules if rule.is_absence]
    return Guards(
        incidents=Incidents(plan.incidents, rules=absences, attributes=neighbours.attributes, standing=neighbours.standing),
        dependencies=Dependencies(plan.depends_on, absences=absences, label=neighbours.label),
        flapping=Flapping(plan.flapping),
        flood=plan.flood,
        calendar=plan.calendar,
    )
