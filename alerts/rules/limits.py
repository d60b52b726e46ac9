"""What kinds of conditions share that compare a number: one limit, and a second one on the way back that keeps it from flapping."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from alerts.rules.condition import (
    NO_SIDES,
    Compiled,
    Condition,
    Fault,
    Need,
    Path,
    Sides,
    SidesAfter,
    Test,
    Values,
    node_key,
)
from ioc.domain.family import Metric

Limit = Annotated[float, Field(allow_inf_nan=False)]


class Limits(Condition):
    """`above` holds from beyond it until the value is below `clear_below` (without that: until it is no longer above)."""

    above: Limit | None = None
    clear_below: Limit | None = None
    below: Limit | None = None
    clear_above: Limit | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            msg = "a limit is needed, either `above` or `below`; write one of them"
            raise ValueError(msg)
        if self.clear_below is not None and self.above is None:
            msg = "`clear_below` belongs to `above`; with `below` write `clear_above`"
            raise ValueError(msg)
        if self.clear_above is not None and self.below is None:
            msg = "`clear_above` belongs to `below`; with `above` write `clear_below`"
            raise ValueError(msg)
        return self

    @property
    def has_hysteresis(self) -> bool:
        """Whether it has another limit on the way back."""
        return self.clear_below is not None or self.clear_above is not None

    def wrong_side(self, path: Path) -> Iterator[Fault]:
        """The clear limit on the wrong side of the other one."""
        if self.above is not None and self.clear_below is not None and self.clear_below > self.above:
            yield Fault(
                (*path, "clear_below"), f"clear_below {self.clear_below:g} lies above {self.above:g}", f"write at most {self.above:g}"
            )
        if self.below is not None and self.clear_above is not None and self.clear_above < self.below:
            yield Fault(
                (*path, "clear_above"), f"clear_above {self.clear_above:g} lies below {self.below:g}", f"write at least {self.below:g}"
            )

    def out_of_range(self, metric: Metric, path: Path) -> Iterator[Fault]:
        """A limit that the metric never reaches, or is always beyond; a clear limit that it never comes back to."""
        low = metric.above if metric.min is None else metric.min
        if self.above is not None and metric.max is not None and self.above >= metric.max:
            yield Fault((*path, "above"), f"`{metric.name}` never exceeds {metric.max:g}", f"write a limit under {metric.max:g}")
        if self.above is not None and low is not None and self.above < low:
            yield Fault((*path, "above"), f"`{metric.name}` is always at least {low:g}", "write a limit within its range")
        if self.below is not None and low is not None and self.below <= low:
            yield Fault((*path, "below"), f"`{metric.name}` is never less than {low:g}", f"write a limit over {low:g}")
        if self.below is not None and metric.max is not None and self.below > metric.max:
            yield Fault((*path, "below"), f"`{metric.name}` is never more than {metric.max:g}", "write a limit within its range")
        yield from self._never_clears(metric, path)

    def _never_clears(self, metric: Metric, path: Path) -> Iterator[Fault]:
        low = metric.above if metric.min is None else metric.min
        if self.clear_below is not None and low is not None and self.clear_below <= low:
            yield Fault(
                (*path, "clear_below"), f"`{metric.name}` is never less than {low:g}: it would not clear", f"write more than {low:g}"
            )
        if self.clear_above is not None and metric.max is not None and self.clear_above >= metric.max:
            what = f"`{metric.name}` never exceeds {metric.max:g}: it would not clear"
            yield Fault((*path, "clear_above"), what, f"write less than {metric.max:g}")

    def compared(self, position: int, path: Path) -> Compiled:
        """Compares the number at a position."""
        key = node_key(path)
        if self.above is not None:
            return above(position, key, self.above, self.clear_below)
        return below(position, key, self.below or 0.0, self.clear_above)


def above(position: int, key: str, limit: float, clear: float | None = None) -> Compiled:
    """Whether the number at a position is above a limit; `key` names this comparison among the rule's."""

    def plain(values: Values, _on: Sides, _event: str | None) -> bool | None:
        value = values[position]
        return None if value is None else value > limit  # type: ignore[operator]

    def sticky(values: Values, on: Sides, _event: str | None) -> bool | None:
        value = values[position]
        if value is None:
            return None
        return value > limit or (key in on and value >= clear)  # type: ignore[operator]

    needs = ((Need(position=position, above=limit),),)
    if clear is None:
        return Compiled(holds=plain, needs=needs)
    return Compiled(holds=sticky, sides=_side(sticky, key), needs=needs)


def below(position: int, key: str, limit: float, clear: float | None = None) -> Compiled:
    """Whether the number at a position is below a limit."""

    def plain(values: Values, _on: Sides, _event: str | None) -> bool | None:
        value = values[position]
        return None if value is None else value < limit  # type: ignore[operator]

    def sticky(values: Values, on: Sides, _event: str | None) -> bool | None:
        value = values[position]
        if value is None:
            return None
        return value < limit or (key in on and value <= clear)  # type: ignore[operator]

    needs = ((Need(position=position, below=limit),),)
    if clear is None:
        return Compiled(holds=plain, needs=needs)
    return Compiled(holds=sticky, sides=_side(sticky, key), needs=needs)


def _side(sticky: Test, key: str) -> SidesAfter:
    crossed = frozenset({key})

    def after(values: Values, on: Sides) -> Sides:
        holds = sticky(values, on, None)
        if holds is None:
            return on & crossed
        return crossed if holds else NO_SIDES

    return after
