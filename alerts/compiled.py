"""A rule made ready for samples: functions, milliseconds and positions instead of names."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from alerts.rule import Rule
from alerts.rules.condition import NO_SIDES, Need, Sides, SidesAfter, Test, Values
from alerts.screen import Screen
from alerts.window import Window
from ioc.domain.family import Family, Metric
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

    def truth(self, values: Values, sides: Sides, event: str | None, at: int) -> bool | None:
        """Whether the rule's condition holds at a moment; outside its hours it does not."""
        holds = self.holds(values, sides, event)
        return False if holds and not self.within_hours(at) else holds

    def crossed(self, values: Values, sides: Sides) -> Sides:
        """The sides on which its thresholds stand while it holds."""
        return NO_SIDES if self.sides_after is None else self.sides_after(values, sides)

    def within_hours(self, at: int) -> bool:
        """Whether a moment lies in the hours of `between`."""
        return self.window is None or self.window.contains(at)

    def hours_ended(self, since: int, at: int) -> bool:
        """Whether the hours that held `since` have ended by a later moment."""
        return self.window is not None and at >= self.window.end_after(since)

    def decided_by(self, values: Values) -> dict[str, Value]:
        """The values that it looked at, by metric."""
        return {metric.name: values[position] for metric, position in self.metrics}


def whole_gap_ms(family: Family) -> int:
    """Two samples no further apart than this have no missing one between them."""
    return family.cadence * 3 // 2


def compile_rule(rule: Rule, family: Family, zone: tzinfo) -> CompiledRule:
    """The rule for its family; it must be free of faults."""
    compiled = rule.when.compiled(family, ("when",))
    return CompiledRule(
        rule=rule,
        family=family,
        id=rule.id,
        holds=compiled.holds,
        sides_after=compiled.sides,
        needs=compiled.needs,
        for_ms=rule.for_,
        keeps_ms=rule.keeps_ms,
        window=None if rule.between is None else Window(*rule.between, zone),
        metrics=tuple((family.metrics[family.index[name]], family.index[name]) for name in rule.metrics),
        whole_gap_ms=whole_gap_ms(family),
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
    unknown: Values
    """No value known."""
    whole_gap_ms: int
    silence_ms: int
    """Values hold for so long."""
    numbers: Mapping[str, int]
    """Rule → position in `by_sample`."""

    def concerned(self, values: Values, remembered: Collection[str]) -> Iterable[CompiledRule]:
        """The rules that a sample may change, in the order of the files: those that remember something, and those that may hold now."""
        asked = self.screen.candidates(values)
        if remembered:
            asked = sorted({*asked, *(self.numbers[rule] for rule in remembered if rule in self.numbers)})
        return [self.by_sample[number] for number in asked] if asked else ()


def family_rules(family: Family, rules: Iterable[Rule], zone: tzinfo) -> FamilyRules:
    """The rules written for a family, in the order of the files."""
    compiled = [compile_rule(rule, family, zone) for rule in rules if rule.family == family.family]
    sampled = tuple(one for one in compiled if not one.rule.is_absence)
    return FamilyRules(
        family=family,
        by_sample=sampled,
        screen=Screen([one.needs for one in sampled]),
        by_event=tuple(one for one in sampled if one.rule.events),
        by_liveness=tuple(one for one in compiled if one.rule.is_absence),
        unknown=(None,) * len(family.metrics),
        whole_gap_ms=whole_gap_ms(family),
        silence_ms=family.silence_ms,
        numbers={one.id: number for number, one in enumerate(sampled)},
    )
