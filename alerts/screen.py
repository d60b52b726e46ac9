"""Which rules a sample may make true: a look at the few metrics that they compare, in place of asking them all."""

import math
from collections.abc import Mapping, Sequence

from alerts.rules.condition import Need, Values

Bounds = tuple[int, float, float, tuple[int, ...]]
"""Position of a metric, the lowest `above` and the highest `below` asked of it, and the rules that ask."""


class Screen:
    """For devices about which no rule remembers anything. Rules are numbered in the order of their files."""

    def __init__(self, needs: Sequence[tuple[Need, ...] | None]) -> None:
        """`needs`: of each rule; None = it has to be asked always."""
        told = [(number, need) for number, alternatives in enumerate(needs) for need in alternatives or ()]
        self._always = tuple(number for number, alternatives in enumerate(needs) if alternatives is None)
        self._bounds = tuple(_bounds(position, some) for position, some in _by_position(told, numbers=True).items())
        self._values = tuple(
            (position, frozenset(value for _, need in some for value in need.among), tuple(number for number, _ in some))
            for position, some in _by_position(told, numbers=False).items()
        )

    def candidates(self, values: Values) -> Sequence[int]:
        """The numbers of the rules that may hold now, ascending; all others don't."""
        found: tuple[int, ...] = ()
        for position, above, below, rules in self._bounds:
            value = values[position]
            if value is not None and (value > above or value < below):  # type: ignore[operator]  # a number's metric
                found += rules
        for position, wanted, rules in self._values:
            if values[position] in wanted:
                found += rules
        return sorted({*self._always, *found}) if found else self._always


def _by_position(told: Sequence[tuple[int, Need]], *, numbers: bool) -> Mapping[int, list[tuple[int, Need]]]:
    sorted_in: dict[int, list[tuple[int, Need]]] = {}
    for number, need in told:
        if numbers is not bool(need.among):
            sorted_in.setdefault(need.position, []).append((number, need))
    return sorted_in


def _bounds(position: int, some: Sequence[tuple[int, Need]]) -> Bounds:
    above = min((need.above for _, need in some if need.above is not None), default=math.inf)
    below = max((need.below for _, need in some if need.below is not None), default=-math.inf)
    return position, above, below, tuple(number for number, _ in some)
