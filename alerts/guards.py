"""What may hold messages back besides silences: each part by itself holds nothing back unless told to. Pure."""

from collections.abc import Callable, Mapping
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
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.liveness_change import Liveness


def _nothing(_device: str) -> Mapping[str, str]:
    return {}


def _never(_rule: str) -> bool:
    return False


def _none() -> Mapping[Shared, int]:
    return {}


def _no_label(_device: str, _key: str) -> str | None:
    return None


def _no_incidents() -> Incidents:
    return Incidents(IncidentPlan(enabled=False), concerned=_never, attributes=_nothing, standing=_none)


def _no_dependencies() -> Dependencies:
    return Dependencies((), absent=_never, label=_no_label)


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
    is_absence: Callable[[str], bool],
    families: Mapping[str, Family],
    fleet: Fleet,
    liveness_of: Callable[[str], Liveness | None],
) -> Guards:
    """Mass outages and dependencies are about what the rules in force call absent, by what the devices have in common.

    `is_absence`: whether a rule in force, by its id, says that a device fell.
    """
    neighbours = Neighbours(fleet, families, by=plan.incidents.by, state_of=liveness_of)
    return Guards(
        incidents=Incidents(plan.incidents, concerned=is_absence, attributes=neighbours.attributes, standing=neighbours.standing),
        dependencies=Dependencies(plan.depends_on, absent=is_absence, label=neighbours.label),
        flapping=Flapping(plan.flapping),
        flood=plan.flood,
        calendar=plan.calendar,
    )
