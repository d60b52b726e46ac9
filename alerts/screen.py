"""Which rules a sample may make true: a look at the few metrics that they compare, in place of asking them all."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from alerts.rules.condition import Need, Values
from ioc.domain.sample import Value

Bounds = tuple[int, float, int, float, int]
"""Position of a metric, the lowest `above` asked of it and the rules that ask for one, the highest `below` and the rules that do."""
Column = Callable[[int], Sequence[Value]]
"""The values of a metric by its position, one for each of many samples."""
_REMEMBERED = 1_024
"""Sets of rules that are known as numbers."""


class Screen:
    """For devices about which no rule remembers anything. Rules are numbered in the order of their files; a set of them is bits."""

    def __init__(self, needs: Sequence[tuple[tuple[Need, ...], ...]]) -> None:
        """`needs`: of each rule, all of which must be met; none = it has to be asked always."""
        self._always = _set(number for number, required in enumerate(needs) if not required)
        self._any = 0
        """Rules that hold only where any limit or value is met; all others need one of either kind."""
        limits: list[tuple[int, Need]] = []
        among: list[tuple[int, Need]] = []
        for number, required in enumerate(needs):
            both = _limits_and_values(required)
            if both is None:
                self._any |= 1 << number
            for need in _rarest(required) if both is None else both:
                (among if need.among else limits).append((number, need))
        self._bounds = tuple(_bounds(position, some) for position, some in _by_position(limits).items())
        self._values = tuple((position, _by_value(some)) for position, some in _by_position(among).items())
        self._numbers: dict[int, tuple[int, ...]] = {}

    def candidates(self, values: Values) -> Sequence[int]:
        """The numbers of the rules that may hold now, ascending; all others don't."""
        beyond = told = 0
        for position, above, over, below, under in self._bounds:
            value = values[position]
            if value is None:
                continue
            if value > above:  # type: ignore[operator]  # a number's metric
                beyond |= over
            if value < below:  # type: ignore[operator]
                beyond |= under
        for position, by_value in self._values:
            told |= by_value.get(values[position], 0)
        found = self._always | (beyond & told) | ((beyond | told) & self._any)
        return self._known(found) if found else ()

    def marked(self, column: Column) -> AbstractSet[int] | None:
        """Of many samples, given by the positions of metrics, those with candidates, and perhaps others; None = any of them."""
        if self._always:
            return None
        alone, told, beyond = set[int](), set[int](), set[int]()
        for rules, samples in self._told(column):
            (alone if rules & self._any else told).update(samples)
        for rules, samples in self._beyond(column, self._any if not told else -1):
            (alone if rules & self._any else beyond).update(samples)
        return alone | (told & beyond)

    def _told(self, column: Column) -> Iterator[tuple[int, Sequence[int]]]:
        """Rules that wait for a value, and the samples that have it."""
        for position, by_value in self._values:
            values = column(position)
            for value in by_value.keys() & set(values):
                yield by_value[value], [number for number, one in enumerate(values) if one == value]

    def _beyond(self, column: Column, asked: int) -> Iterator[tuple[int, Sequence[int]]]:
        """The same for those of the rules `asked` that wait for a limit to be passed."""
        for position, above, over, below, under in self._bounds:
            if not (over | under) & asked:
                continue
            values = column(position)
            lowest, highest = _extremes(values)
            if over & asked and highest > above:
                yield over & asked, [number for number, one in enumerate(values) if one is not None and one > above]  # type: ignore[operator]
            if under & asked and lowest < below:
                yield under & asked, [number for number, one in enumerate(values) if one is not None and one < below]  # type: ignore[operator]

    def _known(self, found: int) -> tuple[int, ...]:
        numbers = self._numbers.get(found)
        if numbers is None:
            if len(self._numbers) >= _REMEMBERED:
                self._numbers.clear()
            numbers = self._numbers[found] = tuple(number for number in range(found.bit_length()) if found >> number & 1)
        return numbers


def _extremes(values: Sequence[Any]) -> tuple[float, float]:
    """The least and the greatest number; whatever is beyond no limit where there are none."""
    try:
        lowest, highest = min(values), max(values)
    except (TypeError, ValueError):  # there are Nones among them, or nothing at all
        lowest = highest = None
    if lowest is not None and highest is not None:
        return lowest, highest
    told = [value for value in values if value is not None]
    return min(told, default=math.inf), max(told, default=-math.inf)


def _limits_and_values(required: Sequence[tuple[Need, ...]]) -> tuple[Need, ...] | None:
    """What a rule needs of both kinds: one of some limits, and one of some values; None where it does not need both."""
    limits = next((needs for needs in required if needs and not any(need.among for need in needs)), None)
    values = next((needs for needs in required if needs and all(need.among for need in needs)), None)
    return None if limits is None or values is None else (*limits, *values)


def _rarest(required: Sequence[tuple[Need, ...]]) -> tuple[Need, ...]:
    """One of what must be met; limits rather than values, which are beyond them less often."""
    return min(required, key=lambda needs: sum(1 for need in needs if need.among), default=())


def _set(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in set(numbers))


def _by_position(told: Sequence[tuple[int, Need]]) -> Mapping[int, list[tuple[int, Need]]]:
    sorted_in: dict[int, list[tuple[int, Need]]] = {}
    for number, need in told:
        sorted_in.setdefault(need.position, []).append((number, need))
    return sorted_in


def _by_value(some: Sequence[tuple[int, Need]]) -> Mapping[Value, int]:
    wanted = {value for _, need in some for value in need.among}
    return {value: _set(number for number, need in some if value in need.among) for value in wanted}


def _bounds(position: int, some: Sequence[tuple[int, Need]]) -> Bounds:
    over = [(need.above, number) for number, need in some if need.above is not None]
    under = [(need.below, number) for number, need in some if need.below is not None]
    lowest, highest = min((limit for limit, _ in over), default=math.inf), max((limit for limit, _ in under), default=-math.inf)
    return position, lowest, _set(number for _, number in over), highest, _set(number for _, number in under)
