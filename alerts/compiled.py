"""A rule made ready for samples: functions, milliseconds and positions instead of names."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from alerts.computed import Computed
from alerts.rule import Rule
from alerts.rules.condition import NO_SIDES, OFFLINE, Condition, Derived, Need, Sides, SidesAfter, Test, Values
from alerts.rules.group import Group
from alerts.screen import Screen
from alerts.window import Window
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.family import Family, Label, Metric
from ioc.domain.sample import Value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledRule:
    """One rule for the devices of its family."""

    rule: Rule
    family: Family
    id: str
    holds: Test
    sides_after: SidesAfter | None
    needs: tuple[tuple[Need, ...], ...]
    for_ms: int
    keeps_ms: int
    window: Window | None
    metrics: tuple[tuple[Metric, int], ...]
    """The metrics that it looks at, with their positions in a sample's values."""
    whole_gap_ms: int
    """Two samples no further apart than this have no missing one between them."""
    of: Test | None
    """Of a rule about a group: what may hold of a member, whether it is offline standing after its values."""
    explained: Test | None
    """What of the device's own values suppresses its alarms by design."""
    explained_by: tuple[tuple[Metric, int], ...]
    """The metrics that it looks at for that, with their positions."""
    remembers: bool
    """Whether it looks at what has been, not only at what is."""

    def truth(self, values: Values, sides: Sides, event: str | None, at: int) -> bool | None:
        """Whether the rule's condition holds at a moment; outside its hours it does not."""
        holds = self.holds(values, sides, event)
        return False if holds and not self.within_hours(at) else holds

    def crossed(self, values: Values, sides: Sides) -> Sides:
        """The sides on which its thresholds stand while it holds."""
        return NO_SIDES if self.sides_after is None else self.sides_after(values, sides)

    @property
    def names(self) -> frozenset[str]:
        """The names of the metrics that it looks at, computed ones among them."""
        return frozenset(metric.name for metric, _ in self.metrics)

    def within_hours(self, at: int) -> bool:
        """Whether a moment lies in the hours of `between`."""
        return self.window is None or self.window.contains(at)

    def hours_ended(self, since: int, at: int) -> bool:
        """Whether the hours that held `since` have ended by a later moment."""
        return self.window is not None and self.window.ended(since, at)

    def decided_by(self, values: Values) -> dict[str, Value]:
        """The values that it looked at, by metric."""
        return {metric.name: values[position] for metric, position in self.metrics}


def whole_gap_ms(family: Family) -> int:
    """Two samples no further apart than this have no missing one between them."""
    return family.cadence * 3 // 2


def derived_by(rule: Rule, family: Family) -> list[Derived]:
    """The numbers that a rule compares and no device sends."""
    return [derived for part in rule.when.parts() if (derived := part.derived(family)) is not None]


def _with_metrics(family: Family, computed: Iterable[Computed]) -> Family:
    """The family with computed metrics after its own."""
    fields = {name: getattr(family, name) for name in Family.model_fields}
    return Family.model_construct(**{**fields, "metrics": (*family.metrics, *computed)})


def _of_a_member(rule: Rule, family: Family) -> Test | None:
    if not isinstance(rule.when, Group):
        return None
    offline = Computed.of(OFFLINE, Label(vi="Mất kết nối", en="Offline"), Label(vi="{number}", en="{number}"))
    return rule.when.of.compiled(_with_metrics(family, [offline]), ("when", "of")).holds


def _looked_at(rule: Rule, family: Family) -> list[str]:
    """The metrics in the order of the file, a computed one before what it is computed from."""
    names: dict[str, None] = {}
    for part in rule.when.parts():
        derived = part.derived(family)
        names.update(dict.fromkeys((*(() if derived is None else (derived.metric.name,)), *part.metrics)))
    return list(names)


def _named(condition: Condition) -> list[str]:
    return list(dict.fromkeys(name for part in condition.parts() for name in part.metrics))


def compile_rule(rule: Rule, family: Family, zone: tzinfo, calendar: Calendar = NO_DAYS) -> CompiledRule:
    """The rule for its family, computed metrics among the family's; it must be free of faults. `zone`, `calendar`: the site's."""
    compiled = rule.when.compiled(family, ("when",))
    guard = rule.suppressed_while if isinstance(rule.suppressed_while, Condition) else None
    return CompiledRule(
        rule=rule,
        family=family,
        id=rule.id,
        holds=compiled.holds,
        sides_after=compiled.sides,
        needs=compiled.needs,
        for_ms=rule.for_,
        keeps_ms=rule.keeps_ms,
        window=None if rule.between is None else Window(rule.between.weekly, zone, calendar),
        metrics=tuple((family.metrics[family.index[name]], family.index[name]) for name in _looked_at(rule, family)),
        whole_gap_ms=whole_gap_ms(family),
        of=_of_a_member(rule, family),
        explained=None if guard is None else guard.compiled(family, ("suppressed_while",)).holds,
        explained_by=() if guard is None else tuple((family.metrics[family.index[name]], family.index[name]) for name in _named(guard)),
        remembers=bool(derived_by(rule, family)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRules:
    """The rules of one family, sorted by what decides them."""

    family: Family
    by_sample: tuple[CompiledRule, ...]
    screen: Screen
    """Of `by_sample`."""
    by_event: tuple[CompiledRule, ...]
    """Those that wait for an event; they stand in `by_sample` too."""
    by_liveness: tuple[CompiledRule, ...]
    groups: tuple[CompiledRule, ...]
    """Those about several devices."""
    guarded: tuple[str, ...]
    """Rules whose alarms the device's own values may suppress."""
    unknown: Values
    """No value known."""
    whole_gap_ms: int
    silence_ms: int
    """Values hold for so long."""
    numbers: Mapping[str, int]
    """Rule → position in `by_sample`."""
    derived: tuple[Derived, ...]
    """What is computed from samples; the values stand after the devices' own, in this order."""
    sources: tuple[int, ...]
    """The position of the metric that each is computed from."""

    def concerned(self, values: Values, remembered: Collection[str]) -> Iterable[CompiledRule]:
        """The rules that a sample may change, in the order of the files: those that remember something, and those that may hold now."""
        asked = self.screen.candidates(values)
        if remembered:
            asked = sorted({*asked, *(self.numbers[rule] for rule in remembered if rule in self.numbers)})
        return [self.by_sample[number] for number in asked] if asked else ()


def family_rules(family: Family, rules: Iterable[Rule], zone: tzinfo, calendar: Calendar = NO_DAYS) -> FamilyRules:
    """The rules written for a family, in the order of the files; hours are meant by the site's zone and calendar."""
    ours = [rule for rule in rules if rule.family == family.family]
    derived = tuple({one.metric.name: one for rule in ours for one in derived_by(rule, family)}.values())
    if derived:
        family = _with_metrics(family, [one.metric for one in derived])
    compiled = [compile_rule(rule, family, zone, calendar) for rule in ours]
    sampled = tuple(one for one in compiled if not one.rule.is_absence and not one.rule.is_group)
    return FamilyRules(
        family=family,
        by_sample=sampled,
        screen=Screen([one.needs for one in sampled]),
        by_event=tuple(one for one in sampled if one.rule.events),
        by_liveness=tuple(one for one in compiled if one.rule.is_absence),
        groups=tuple(one for one in compiled if one.rule.is_group),
        guarded=tuple(one.id for one in compiled if one.explained is not None),
        unknown=(None,) * len(family.metrics),
        whole_gap_ms=whole_gap_ms(family),
        silence_ms=family.silence_ms,
        numbers={one.id: number for number, one in enumerate(sampled)},
        derived=derived,
        sources=tuple(family.index[one.source] for one in derived),
    )
