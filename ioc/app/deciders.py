"""Engines and notifiers for a site as it is declared, with nothing restored yet."""

from collections.abc import Callable, Sequence

from alerts.engine import Engine
from alerts.guards import guards_of
from alerts.message import Wording
from alerts.rule import Rule
from alerts.taped import Tape, TapedEngine, TapedNotifier
from ioc.config.load import Config
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Unit


class Deciders:
    """What they are told is written down by `tape`; `unit`: the row of a unit that is in force now."""

    def __init__(self, config: Config, *, fleet: Fleet, unit: Callable[[str], Unit | None], tape: Tape) -> None:
        self._config = config
        self._fleet = fleet
        self._unit = unit
        self._tape = tape

    def engine(self, rules: Sequence[Rule]) -> TapedEngine:
        """These rules at work."""
        site = self._config.settings.site
        engine = TapedEngine(
            rules,
            site=site.id,
            families=self._config.families.values(),
            device_of=self._fleet.device,
            zone=site.zone,
            unit_name=self._unit_name,
            parent_of=self._parent_of,
            clock_rules=self._config.clock_rules,
            calendar=self._config.calendar,
            devices=self._fleet.devices,
        )
        engine.tape = self._tape
        return engine

    def notifier(self, engine: Engine) -> TapedNotifier:
        """The routes and what holds messages back."""
        plan, families = self._config.plan, self._config.families
        guards = guards_of(plan, is_absence=engine.is_absence, families=families, fleet=self._fleet, liveness_of=engine.liveness)
        notifier = TapedNotifier(plan.routes, wording=self.wording, guards=guards, duty=plan.duty)
        notifier.tape = self._tape
        return notifier

    @property
    def wording(self) -> Wording:
        """How texts of the site are written."""
        site = self._config.settings.site
        return Wording(
            language=site.language,
            zone=site.zone,
            device=self._fleet.device,
            unit=self._unit,
            families={name: family.labels for name, family in self._config.families.items()},
        )

    def _unit_name(self, unit: str) -> str | None:
        row = self._unit(unit)
        return None if row is None else row.name

    def _parent_of(self, unit: str) -> str | None:
        row = self._unit(unit)
        return None if row is None else row.parent
