"""What is wrong with rules before they are put to work: names, limits that can't be reached, texts with unknown fields."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from alerts.rule import Rule
from alerts.rules.absence import Absence
from alerts.rules.combination import AllOf, AnyOf, Not
from alerts.rules.condition import Condition, Fault, Path, unknown
from alerts.rules.group import Group
from alerts.rules.state import State
from alerts.rules.threshold import Threshold
from alerts.shadow import shadowed
from alerts.suppressed_while import WhileAlarm, joint_faults, own_faults
from alerts.text import FIXED_FIELDS, GROUP_FIELDS, LANGUAGES, fields_in
from ioc.domain.family import Family
from ioc.domain.nearest import Nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProblem:
    """One mistake: which of the rules, where in it, what is wrong and what to do."""

    index: int
    """Position among the rules that were checked."""
    rule: str
    path: Path
    what: str
    do: str


def check_rules(rules: Sequence[Rule], families: Mapping[str, Family]) -> list[RuleProblem]:
    """Every mistake in a set of rules, in their order."""
    problems = []
    first: dict[str, int] = {}
    shadows, suppressions = shadow_faults(rules), suppression_faults(rules)
    for index, rule in enumerate(rules):
        faults = list(rule_faults(rule, families))
        if rule.id in first:
            faults.insert(0, Fault(("id",), f"the rule `{rule.id}` is declared twice", "rename it, or remove one of them"))
        first.setdefault(rule.id, index)
        faults += [*shadows.get(index, ()), *suppressions.get(index, ())]
        problems += [RuleProblem(index=index, rule=rule.id, path=fault.path, what=fault.what, do=fault.do) for fault in faults]
    return problems


def suppression_faults(rules: Sequence[Rule]) -> dict[int, list[Fault]]:
    """What is wrong with what rules say of each other in `suppressed_while`, by the rule's position."""
    guards = {rule.id: (rule.family, rule.suppressed_while) for rule in rules if isinstance(rule.suppressed_while, WhileAlarm)}
    faults: dict[int, list[Fault]] = {}
    places = {rule.id: place for place, rule in enumerate(rules)}
    for name, fault in joint_faults(guards, {rule.id: rule.family for rule in rules}):
        faults.setdefault(places[name], []).append(fault)
    return faults


def shadow_faults(rules: Sequence[Rule]) -> dict[int, list[Fault]]:
    """A fault for every rule that another one makes superfluous, by its position."""
    do = "remove it, or give it a graver severity, a wider condition or labels of its own"
    return {
        place: [Fault(("when",), f"the rule `{other.id}`, as grave, always holds when this one does", do)]
        for place, other in shadowed(rules)
    }


def rule_faults(rule: Rule, families: Mapping[str, Family], days: Collection[str] = ()) -> Iterator[Fault]:
    """What is wrong with one rule for the devices it names; paths lead from its own mapping. `days`: names of the calendar."""
    family = families.get(rule.family)
    if family is None:
        _, do = unknown("family", rule.family, families)
        yield Fault(("family",), f"there is no family `{rule.family}`", do)
        return
    yield from rule.when.faults(family, ("when",))
    yield from _contradictions(rule.when, ("when",))
    yield from _timing(rule)
    yield from _unknown_days(rule, days)
    if rule.suppressed_while is not None:
        yield from own_faults(rule.suppressed_while, family, is_group=rule.is_group)
    yield from _texts(rule, family)


def _timing(rule: Rule) -> Iterator[Fault]:
    if rule.events and rule.for_:
        yield Fault(("for",), "an event lasts but a moment, so `for` never passes", "remove `for`, or use `keep_firing_for`")
    if isinstance(rule.when, Absence):
        if rule.latched:
            yield Fault(("latched",), "an absence can't latch: a mass outage counts the devices that are back", "remove `latched`")
        if rule.keep_firing_for:
            yield Fault(("keep_firing_for",), "an absence ends when the device is heard, without delay", "remove `keep_firing_for`")
        if rule.between is not None:
            yield Fault(("between",), "an absence is judged at all hours", "remove `between`; routes can keep messages to working hours")


def _unknown_days(rule: Rule, days: Collection[str]) -> Iterator[Fault]:
    for key, place, name in () if rule.between is None else rule.between.names:
        if name not in days:
            do = Nearest(days).advice(name) or "declare it in the file that `calendar:` of the main file names"
            yield Fault(("between", key, place), f"there are no days `{name}` in the site's calendar", do)


def _contradictions(condition: Condition, path: Path) -> Iterator[Fault]:
    """Parts of an `all` that can't hold together."""
    if isinstance(condition, Not):
        yield from _contradictions(condition.not_, (*path, "not"))
        return
    if isinstance(condition, Group):
        yield from _contradictions(condition.of, (*path, "of"))
        return
    if not isinstance(condition, AllOf | AnyOf):
        return
    key, parts = ("all", condition.all) if isinstance(condition, AllOf) else ("any", condition.any)
    for place, part in enumerate(parts):
        yield from _contradictions(part, (*path, key, place))
    if isinstance(condition, AllOf):
        for (_, one), (place, other) in combinations(enumerate(parts), 2):
            if _exclude(one, other):
                what = f"it can't hold together with another condition on `{other.metrics[0]}` above it"
                yield Fault((*path, key, place), what, "use `any`, or change one of them")


def _exclude(one: Condition, other: Condition) -> bool:
    if not one.metrics or one.metrics != other.metrics:
        return False
    if isinstance(one, Threshold) and isinstance(other, Threshold):
        low = max((limit for limit in (one.above, other.above) if limit is not None), default=None)
        high = min((limit for limit in (one.below, other.below) if limit is not None), default=None)
        return low is not None and high is not None and low >= high
    if isinstance(one, State) and isinstance(other, State):
        wanted = [{value for _, value in part.wanted} for part in (one, other) if part.is_not is None]
        unwanted = {value for part in (one, other) if part.is_not is not None for _, value in part.wanted}
        return bool(wanted) and not set.intersection(*wanted) - unwanted
    return False


def _texts(rule: Rule, family: Family) -> Iterator[Fault]:
    known = list(GROUP_FIELDS) if rule.is_group else _known_fields(rule, family)
    for key, label in rule.texts.items():
        for language in LANGUAGES:
            text = label.text(language)
            if not text.strip():
                yield Fault((key, language), "is empty", "say what people should know and do")
            yield from _fields(text, known, (key, language))


def _known_fields(rule: Rule, family: Family) -> list[str]:
    return [*FIXED_FIELDS, *family.index] if rule.metrics else [*(name for name in FIXED_FIELDS if name != "value"), *family.index]


def _fields(text: str, known: Iterable[str], path: Path) -> Iterator[Fault]:
    names = list(known)
    for name in fields_in(text):
        if name not in names:
            yield Fault(path, *unknown("field", name, names))
