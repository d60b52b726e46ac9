"""A desk as the server has it, on a clock that is set by hand, with its journal in memory."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo

from alerts.clock_rules import ClockRule
from alerts.desk import Desk, Strangers
from alerts.engine import Engine
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.notify_file import Route
from alerts.presence import Ears
from alerts.proving.chronicle import Chronicle
from alerts.rule import Rule
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Device, Unit


class Backdrop:
    """What a desk needs to know besides its inputs; one for all runs over the same site."""

    def __init__(
        self,
        *,
        site: str,
        language: str,
        zone: tzinfo,
        families: Mapping[str, Family],
        rules: Sequence[Rule],
        clock_rules: Sequence[ClockRule],
        routes: Sequence[Route],
        units: Mapping[str, Unit],
    ) -> None:
        self.site = site
        self.language = language
        self.zone = zone
        self.families = families
        self.rules = rules
        self.clock_rules = clock_rules
        self.routes = routes
        self.units = units

    def engine(self, fleet: Fleet) -> Engine:
        """The rules at work on these devices, with nothing decided yet."""
        return Engine(
            self.rules,
            site=self.site,
            families=self.families.values(),
            device_of=fleet.device,
            zone=self.zone,
            unit_name=lambda unit: self.units[unit].name if unit in self.units else None,
            clock_rules=self.clock_rules,
        )

    def notifier(self, fleet: Fleet) -> Notifier:
        """The routes, with nothing said yet."""
        wording = Wording(
            language=self.language,
            zone=self.zone,
            device=fleet.device,
            unit=self.units.get,
            families={name: family.labels for name, family in self.families.items()},
        )
        return Notifier(self.routes, wording=wording)

    def fleet(self, devices: Iterable[Device]) -> Fleet:
        """The registry."""
        fleet = Fleet(self.families)
        for device in devices:
            fleet.place(device)
        return fleet


class Stagehand:
    """`desk` does what the server's desk would do at `now` (Unix ms); `chronicle` holds what it decided."""

    def __init__(self, backdrop: Backdrop, *, sources: Iterable[str], now: int, strangers: Strangers) -> None:
        self.now = now
        self.chronicle = Chronicle()
        self.fleet = backdrop.fleet(())
        self.engine = backdrop.engine(self.fleet)
        self.notifier = backdrop.notifier(self.fleet)
        self.ears = {source: Ears(now) for source in sources}
        self.desk = Desk(
            engine=self.engine,
            notifier=self.notifier,
            fleet=self.fleet,
            families=backdrop.families,
            ears=self.ears,
            strangers=strangers,
            journal=self.chronicle,
            clock=lambda: self.now,
            announce=lambda _: None,
            committed=lambda: None,
        )
