"""What `ioc check` says about the roster: units that nobody answers for, unknown units, and hours without anybody on duty."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.duty_report import Duty, DutyReport
from ioc.app.clock import now_ms
from ioc.app.registry import shipped_units
from ioc.config.document import Document, read_document
from ioc.config.known_keys import suggestion
from ioc.config.load import Config
from ioc.config.problem import Problem
from ioc.config.validation import problem_at
from ioc.domain.registry import Device
from ioc.domain.registry_import import parse_devices, parse_units, plan_units
from ioc.domain.units import UnitTree


def duty_doubts(config: Config) -> list[Problem]:
    """By the units and devices of the files that fill an empty registry; nothing where nobody can be called."""
    file, zone = config.settings.notify.file, config.settings.site.zone
    if file is None:
        return []
    now = now_ms()
    today = datetime.fromtimestamp(now / 1000, zone).date().isoformat()
    tree, devices = _registry(config, today)
    duty = Duty(config.notify.plan, zone=zone, unit=lambda unit: tree.get(unit, today), devices=lambda: devices)
    if not duty.declared:
        return []
    document = read_document(file)
    unknown = [
        problem_at(document, ("units", unit), f"there is no unit `{unit}` in the registry", suggestion(unit, tree.ids(), noun="units"))
        for unit in config.notify.units
        if unit not in tree
    ]
    return [*unknown, *_risks(duty.report(now), document, config)]


def _registry(config: Config, today: str) -> tuple[UnitTree, Sequence[Device]]:
    registry = config.settings.registry
    units = plan_units((), parse_units(shipped_units() if registry.units is None else registry.units.read_bytes())).added
    if registry.devices is None:
        return UnitTree(units), ()
    parsed = parse_devices(registry.devices.read_bytes(), families=config.families, units=units, today=today)
    return UnitTree(units), [row.value for row in parsed.rows]


def _risks(report: DutyReport, document: Document, config: Config) -> Iterator[Problem]:
    zone = config.settings.site.zone
    for one in report.uncovered:
        what = f"nobody answers for {one.unit or 'devices without a unit'}, which has {one.devices} devices"
        yield problem_at(document, ("units",), what, "name `teams` or `people` for it, or for a unit above it")
    for gap in report.gaps:
        start, end = (f"{datetime.fromtimestamp(at / 1000, zone):%Y-%m-%d %H:%M}" for at in (gap.start, gap.end))
        what = f"nobody is on duty from {start} to {end}"
        yield problem_at(document, ("teams", gap.team), what, "let somebody stand in by an override, or begin the rotation earlier")
