"""When a number that goes on as it does will reach a limit."""

import math
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from alerts.computed import Computed, scale
from alerts.rules.condition import Compiled, Condition, Derived, Fault, Path, metric_of, node_key
from alerts.rules.history import LONGEST_MS, MOST, Over, WindowMemory, history_faults, slope
from alerts.rules.limits import Limit, below
from ioc.domain.duration import DurationMs, format_duration
from ioc.domain.family import Family, Label
from ioc.domain.sample import Value


class Forecast(Condition):
    """Holds while the line that fits the last `over` leads from the latest value to the limit in less than `within`.

    `restarts`: the metric is a counter, which begins anew where it falls (a SIM's month).
    """

    kind: Literal["forecast"]
    metric: str
    over: Over
    rises_to: Limit | None = None
    falls_to: Limit | None = None
    within: DurationMs = Field(gt=0, le=12 * LONGEST_MS)
    restarts: bool = False

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.rises_to is None) == (self.falls_to is None):
            msg = "a forecast needs either `rises_to` or `falls_to`; write one of them"
            raise ValueError(msg)
        if self.restarts and self.rises_to is None:
            msg = "`restarts` belongs to `rises_to`: a counter does not fall; remove it"
            raise ValueError(msg)
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric whose course is followed."""
        return (self.metric,)

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such number, a window that does not fit, a limit out of the metric's range."""
        yield from history_faults(family, self.metric, self.over, path)
        if self.metric not in family.index:
            return
        _, metric = metric_of(family, self.metric)
        key, limit = ("rises_to", self.rises_to) if self.rises_to is not None else ("falls_to", self.falls_to)
        if metric.is_number and limit is not None and not metric.in_range(limit):
            yield Fault((*path, key), f"`{metric.name}` never is {limit:g}: its range excludes it", "write a limit within its range")

    def derived(self, family: Family) -> Derived:
        """The time until the limit is reached: 0 beyond it, infinite where the line does not lead there."""
        _, metric = metric_of(family, self.metric)
        unit, word = scale(self.within)
        over, restarts = self.over, self.restarts
        limit, sign = (self.rises_to, 1) if self.rises_to is not None else (self.falls_to or 0.0, -1)
        return Derived(
            metric=Computed.of(
                self._name,
                Label(vi=f"Dự báo chạm ngưỡng: {metric.labels.vi}", en=f"Forecast to the limit: {metric.labels.en}"),
                Label(vi=f"còn {{number}} {word.vi}", en=f"{{number}} {word.en} left"),
            ),
            source=self.metric,
            start=lambda: ForecastHistory(over, limit * sign, sign, unit, restarts=restarts),
            most=MOST,
        )

    def compiled(self, family: Family, path: Path) -> Compiled:
        """Compares the time with the horizon."""
        unit, _ = scale(self.within)
        return below(family.index[self._name], node_key(path), self.within / unit)

    @property
    def _name(self) -> str:
        limit = f"rises to {self.rises_to:.15g}" if self.rises_to is not None else f"falls to {self.falls_to:.15g}"
        restarts = ", restarts" if self.restarts else ""
        unit, _ = scale(self.within)
        return f"forecast({self.metric}, {format_duration(self.over)}, {limit}, in {format_duration(unit)}{restarts})"


class ForecastHistory(WindowMemory):
    """Told once three samples span half the window, or beyond the limit at once; time in which nothing came counts for nothing."""

    __slots__ = ("_limit", "_restarts", "_sign", "_unit")

    def __init__(self, over: int, limit: float, sign: int, unit: int, *, restarts: bool) -> None:
        """`limit` and all values times `sign`, so that they rise towards it."""
        super().__init__(over, None)
        self._limit, self._sign, self._unit = limit, sign, unit
        self._restarts = restarts

    def take(self, ts: int, value: Value) -> None:
        """The next sample."""
        slots, number = self._slots, float(value or 0) * self._sign
        if self._restarts and slots.times and number < slots.values[-1]:
            slots.clear()
        slots.put(ts, number, joins=slots.joins(ts))
        self.value = self._left(number)

    def _left(self, number: float) -> float | None:
        if number >= self._limit:
            return 0.0
        per_ms = slope(self._slots)
        if per_ms is None:
            return None
        return (self._limit - number) / per_ms / self._unit if per_ms > 0 else math.inf
