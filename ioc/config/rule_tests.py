"""Files of rule tests, with the rules, families and routes that they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.clock_rules import CLOCK_RULES
from alerts.notify_file import NotifyFile, NotifyPlan
from alerts.own import OWN_RULES
from alerts.proving.backdrop import Backdrop
from alerts.proving.notation import Stale, typed
from alerts.proving.rule_tests import RuleTest, RuleTestFile
from ioc.config.document import Document, read_document
from ioc.config.families import load_families
from ioc.config.known_keys import suggestion
from ioc.config.problem import ConfigError, Problem
from ioc.config.rule_test_faults import Fault, Location, test_faults, unsendable
from ioc.config.rules import load_rules
from ioc.config.validation import problem_at, validate
from ioc.domain.calendar import Calendar
from ioc.domain.family import Family
from ioc.domain.registry import Unit
from ioc.domain.sample import Value

SITE = "test"
_FOR_EVER_MS = 2**62
TypedSeries = Mapping[str, Mapping[str, Sequence[Value | Stale]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTests:
    """A file of tests, ready to be played."""

    document: Document
    file: RuleTestFile
    backdrop: Backdrop
    series: tuple[TypedSeries, ...]
    """Each test's series with typed values."""

    def start(self, test: RuleTest) -> int:
        """Unix ms of a test's time 0."""
        return round(test.start.replace(tzinfo=self.backdrop.zone).timestamp() * 1000)

    def place(self, path: Location) -> str:
        """`file:line` of a path."""
        node = self.document.node(path)
        return f"{node.source}:{node.line}"


def is_test_file(document: Document) -> bool:
    """Whether a document holds rule tests, not rules."""
    return "tests" in (document.root.entries or {})


def load_rule_tests(document: Document, site_plan: NotifyPlan | None = None) -> LoadedTests:
    """The tests of a document; ConfigError holds every mistake in it and in the files that it names.

    Families and rules are the shipped ones and those that the file names. Messages go by its own routes, else by `site_plan`.
    """
    file = validate(RuleTestFile, document)
    folder = Path(document.file).absolute().parent
    problems: list[Problem] = []
    families = load_families([folder / path for path in file.families], cadence={}, retention=_FOR_EVER_MS, problems=problems)
    calendar = _calendar(file, folder, problems) or (site_plan or NotifyPlan()).calendar
    rules = load_rules(
        [folder / path for path in file.rules],
        shipped=file.shipped_rules,
        families=families,
        problems=problems,
        doubts=[],
        days=calendar.calendar,
    )
    plan = NotifyPlan.alone(file.routes) if file.routes else _plan(file, folder, problems) or site_plan or NotifyPlan()
    plan = plan.model_copy(update={"calendar": calendar})
    zone = _zone(file, document, problems)
    known = [*(rule.id for rule in rules), *OWN_RULES, *(rule.id for rule in CLOCK_RULES)]
    series = []
    for index, test in enumerate(file.tests):
        values, unfit = _typed(test, families)
        series.append(values)
        faults = [*test_faults(test, families, known), *unfit, *(() if plan.routes else unsendable(test))]
        problems += [problem_at(document, ("tests", index, *path), what, do) for path, what, do in faults]
    if problems:
        raise ConfigError(problems)
    backdrop = Backdrop(
        site=SITE,
        language=file.site.language,
        zone=zone,
        families=families,
        rules=rules,
        clock_rules=CLOCK_RULES if file.shipped_rules else (),
        plan=plan,
        unit={unit: Unit(unit=unit, code=unit, valid_from="2025-07-01", name=name) for unit, name in file.units.items()}.get,
    )
    return LoadedTests(document=document, file=file, backdrop=backdrop, series=tuple(series))


def _plan(file: RuleTestFile, folder: Path, problems: list[Problem]) -> NotifyPlan | None:
    """That of the notify file that is named; its secrets are not read, since nothing is sent."""
    if file.notify is None:
        return None
    try:
        return validate(NotifyFile, read_document(folder / file.notify)).plan
    except ConfigError as error:
        problems += error.problems
        return None


def _calendar(file: RuleTestFile, folder: Path, problems: list[Problem]) -> Calendar | None:
    """That of the calendar file that is named."""
    if file.calendar is None:
        return None
    try:
        return validate(Calendar, read_document(folder / file.calendar))
    except ConfigError as error:
        problems += error.problems
        return None


def _zone(file: RuleTestFile, document: Document, problems: list[Problem]) -> ZoneInfo:
    try:
        return ZoneInfo(file.site.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"there is no time zone `{file.site.timezone}`"
        problems.append(problem_at(document, ("site", "timezone"), what, "write it as Asia/Ho_Chi_Minh"))
        return ZoneInfo("UTC")


def _typed(test: RuleTest, families: Mapping[str, Family]) -> tuple[TypedSeries, list[Fault]]:
    """The series with typed values, and what does not fit; devices and families that are faults already are left out."""
    series: dict[str, dict[str, Sequence[Value | Stale]]] = {}
    faults: list[Fault] = []
    for device, metrics in test.series.items():
        family = families.get(test.devices[device].family) if device in test.devices else None
        if family is None:
            continue
        for name, steps in metrics.items():
            path = ("series", device, name)
            if name not in family.index:
                what = f"the family `{family.family}` has no metric `{name}`"
                faults.append((path, what, suggestion(name, family.index, noun="metrics")))
                continue
            try:
                series.setdefault(device, {})[name] = typed(family.metrics[family.index[name]], steps)
            except ValueError as error:
                faults.append((path, str(error), ""))
    return series, faults
