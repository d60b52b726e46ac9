"""Rules that never say anything of their own: whenever one holds, another as grave, for the same people, holds already."""

from collections.abc import Iterator, Sequence

from alerts.rule import Rule
from alerts.rules.combination import AllOf, AnyOf
from alerts.rules.condition import Condition
from alerts.rules.limits import Limits
from alerts.rules.state import State
from ioc.domain.alarm import SEVERITY_RANK

_LIMITS = {"above", "clear_below", "below", "clear_above"}


def shadowed(rules: Sequence[Rule]) -> Iterator[tuple[int, Rule]]:
    """Positions of shadowed rules with the rule before which each is silent; of two alike the later one."""
    for place, rule in enumerate(rules):
        others = (
            other for at, other in enumerate(rules) if at != place and covers(other, rule) and (at < place or not covers(rule, other))
        )
        if (found := next(others, None)) is not None:
            yield place, found


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether `wide` raises whenever `narrow` does, no later, no less grave, with the same labels; false where that can't be told."""
    return (
        wide.id != narrow.id
        and wide.family == narrow.family
        and SEVERITY_RANK[wide.severity] <= SEVERITY_RANK[narrow.severity]
        and wide.for_ <= narrow.for_
        and wide.keeps_ms >= narrow.keeps_ms
        and wide.between in {None, narrow.between}
        and wide.labels == narrow.labels
        and wide.suppressed_while in {None, narrow.suppressed_while}
        and implies(narrow.when, wide.when)
    )


def implies(one: Condition, other: Condition) -> bool:
    """Whether `other` holds whenever `one` does; false where that can't be told."""
    if one == other:
        return True
    if isinstance(one, AnyOf):
        return all(implies(part, other) for part in one.any)
    if isinstance(other, AllOf):
        return all(implies(one, part) for part in other.all)
    if isinstance(one, AllOf) and any(implies(part, other) for part in one.all):
        return True
    if isinstance(other, AnyOf):
        return any(implies(one, part) for part in other.any)
    return _narrower(one, other)


def _narrower(one: Condition, other: Condition) -> bool:
    if isinstance(one, Limits) and isinstance(other, Limits):
        return _beyond(one, other)
    return isinstance(one, State) and isinstance(other, State) and _within(one, other)


def _beyond(one: Limits, other: Limits) -> bool:
    """The same number, whose limits lie no nearer, on the way there and back."""
    if type(one) is not type(other) or one.model_dump(exclude=_LIMITS) != other.model_dump(exclude=_LIMITS):
        return False
    if one.above is not None and other.above is not None:
        return one.above >= other.above and _or(one.clear_below, one.above) >= _or(other.clear_below, other.above)
    if one.below is not None and other.below is not None:
        return one.below <= other.below and _or(one.clear_above, one.below) <= _or(other.clear_above, other.below)
    return False


def _or(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit


def _within(one: State, other: State) -> bool:
    wanted, others = ({value for _, value in state.wanted} for state in (one, other))
    if one.metric != other.metric or one.is_not is not None:
        return False
    return not wanted & others if other.is_not is not None else wanted <= others
