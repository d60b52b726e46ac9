"""What the rules need to know of a site, besides what happens there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo

from alerts.clock_rules import ClockRule
from alerts.engine import Engine
from alerts.guards import guards_of
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.notify_file import NotifyPlan
from alerts.rule import Rule
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Device, Unit


class Backdrop:
    """Rules, routes, families and names of a site; one for all runs over it."""

    def __init__(
        self,
        *,
        site: str,
        language: str,
        zone: tzinfo,
        families: Mapping[str, Family],
        rules: Sequence[Rule],
        clock_rules: Sequence[ClockRule],
        plan: NotifyPlan,
        unit: Callable[[str], Unit | None],
    ) -> None:
        self.site = site
        self.language = language
        self.zone = zone
        self.families = families
        self.rules = rules
        self.clock_rules = clock_rules
        self.plan = plan
        self.unit = unit

    def engine(self, fleet: Fleet) -> Engine:
        """The rules at work on these devices, with nothing decided yet."""
        return Engine(
            self.rules,
            site=self.site,
            families=self.families.values(),
            device_of=fleet.device,
            zone=self.zone,
            unit_name=self._unit_name,
            parent_of=self._parent_of,
            clock_rules=self.clock_rules,
            calendar=self.plan.calendar,
            devices=fleet.devices,
        )

    def notifier(self, fleet: Fleet, engine: Engine) -> Notifier:
        """The routes and what holds messages back, with nothing said yet."""
        guards = guards_of(self.plan, is_absence=engine.is_absence, families=self.families, fleet=fleet, liveness_of=engine.liveness)
        return Notifier(self.plan.routes, wording=self.wording(fleet), guards=guards, duty=self.plan.duty)

    def wording(self, fleet: Fleet) -> Wording:
        """How texts about these devices are written."""
        return Wording(
            language=self.language,
            zone=self.zone,
            device=fleet.device,
            unit=self.unit,
            families={name: family.labels for name, family in self.families.items()},
        )

    def fleet(self, devices: Iterable[Device]) -> Fleet:
        """The registry."""
        fleet = Fleet(self.families)
        for device in devices:
            fleet.place(device)
        return fleet

    def _unit_name(self, unit: str) -> str | None:
        row = self.unit(unit)
        return None if row is None else row.name

    def _parent_of(self, unit: str) -> str | None:
        row = self.unit(unit)
        return None if row is None else row.parent
