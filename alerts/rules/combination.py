"""Conditions joined by all, any and not. What can't be told stays open: only a known value decides."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, Field

from alerts.rules.condition import NO_SIDES, Compiled, Condition, Fault, Need, Path, Sides, SidesAfter, Test, Values
from ioc.domain.family import Family

if TYPE_CHECKING:
    from alerts.rules import AnyCondition


Parts = TypeVar("Parts", bound=tuple[object, ...])


def _not_empty(parts: Parts) -> Parts:
    if not parts:
        msg = "no conditions are listed; write some, or remove it"
        raise ValueError(msg)
    return parts


class AllOf(Condition):
    """Holds while every part holds."""

    all: Annotated[tuple["AnyCondition", ...], AfterValidator(_not_empty)]

    def parts(self) -> Iterator[Condition]:
        """Itself and every condition inside it."""
        yield self
        for child in self.all:
            yield from child.parts()

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """Its parts' faults."""
        for position, child in enumerate(self.all):
            yield from child.faults(family, (*path, "all", position))

    def compiled(self, family: Family, path: Path) -> Compiled:
        """False as soon as one part is."""
        children = [child.compiled(family, (*path, "all", position)) for position, child in enumerate(self.all)]
        return Compiled(
            holds=_every([child.holds for child in children]),
            sides=_union(children),
            needs=tuple(needs for child in children for needs in child.needs),
        )


class AnyOf(Condition):
    """Holds while at least one part holds."""

    any: Annotated[tuple["AnyCondition", ...], AfterValidator(_not_empty)]

    def parts(self) -> Iterator[Condition]:
        """Itself and every condition inside it."""
        yield self
        for child in self.any:
            yield from child.parts()

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """Its parts' faults."""
        for position, child in enumerate(self.any):
            yield from child.faults(family, (*path, "any", position))

    def compiled(self, family: Family, path: Path) -> Compiled:
        """True as soon as one part is."""
        children = [child.compiled(family, (*path, "any", position)) for position, child in enumerate(self.any)]
        return Compiled(holds=_some([child.holds for child in children]), sides=_union(children), needs=_either(children))


class Not(Condition):
    """Holds while its part does not."""

    not_: "AnyCondition" = Field(alias="not")

    def parts(self) -> Iterator[Condition]:
        """Itself and every condition inside it."""
        yield self
        yield from self.not_.parts()

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """Its part's faults, and what can't be turned round."""
        inner = (*path, "not")
        yield from self.not_.faults(family, inner)
        if any(getattr(part, "has_hysteresis", False) for part in self.not_.parts()):
            yield Fault(inner, "a threshold with a clear limit can't stand under `not`", "turn the comparison round instead")
        if any(getattr(part, "kind", "") == "event" for part in self.not_.parts()):
            yield Fault(inner, "an event can't stand under `not`: it lasts but a moment", "use a state")

    def compiled(self, family: Family, path: Path) -> Compiled:
        """The contrary of its part, where that can be told."""
        holds = self.not_.compiled(family, (*path, "not")).holds

        def contrary(values: Values, on: Sides, event: str | None) -> bool | None:
            inner = holds(values, on, event)
            return None if inner is None else not inner

        return Compiled(holds=contrary)


def _every(tests: list[Test]) -> Test:
    if len(tests) == 2:  # noqa: PLR2004  the usual rule: a state and a threshold
        first, second = tests

        def both(values: Values, on: Sides, event: str | None) -> bool | None:
            one = first(values, on, event)
            if one is False:
                return False
            other = second(values, on, event)
            return False if other is False else None if one is None or other is None else True

        return both

    def every(values: Values, on: Sides, event: str | None) -> bool | None:
        told = True
        for test in tests:
            holds = test(values, on, event)
            if holds is False:
                return False
            told = told and holds is not None
        return True if told else None

    return every


def _some(tests: list[Test]) -> Test:
    def some(values: Values, on: Sides, event: str | None) -> bool | None:
        told = True
        for test in tests:
            holds = test(values, on, event)
            if holds:
                return True
            told = told and holds is not None
        return False if told else None

    return some


def _union(children: list[Compiled]) -> SidesAfter | None:
    parts = [child.sides for child in children if child.sides is not None]
    if not parts:
        return None

    def after(values: Values, on: Sides) -> Sides:
        return NO_SIDES.union(*(part(values, on) for part in parts))

    return after


def _either(children: list[Compiled]) -> tuple[tuple[Need, ...], ...]:
    """What one part or the other needs, where each needs something."""
    if not all(child.needs for child in children):
        return ()
    return (tuple(need for child in children for need in child.needs[0]),)
