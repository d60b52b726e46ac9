"""How fast a number changes."""

from typing import Literal

from pydantic import Field

from alerts.computed import Computed, per
from alerts.rules.condition import Derived, metric_of
from alerts.rules.history import MOST, WindowLimits, WindowMemory, slope
from ioc.domain.duration import DurationMs, format_duration
from ioc.domain.family import Family, Label
from ioc.domain.sample import Value


class Rate(WindowLimits):
    """The slope of the line that fits the samples of the last `over` best, per `per`; negative where the metric falls."""

    kind: Literal["rate"]
    per: DurationMs = Field(default=60_000, gt=0)

    def derived(self, family: Family) -> Derived:
        """The slope."""
        _, metric = metric_of(family, self.metric)
        unit, over, each = per(self.per), self.over, self.per
        return Derived(
            metric=Computed.of(
                self._name,
                Label(vi=f"Tốc độ thay đổi: {metric.labels.vi}", en=f"Rate of change: {metric.labels.en}"),
                Label(vi=f"tốc độ {{number}} {metric.unit}/{unit.vi}", en=f"{{number}} {metric.unit}/{unit.en}"),
            ),
            source=self.metric,
            start=lambda: RateHistory(over, each),
            most=MOST,
        )

    @property
    def _name(self) -> str:
        return f"rate({self.metric}, {format_duration(self.over)}, per {format_duration(self.per)})"


class RateHistory(WindowMemory):
    """Told once three samples span half the window; time in which nothing came counts for nothing."""

    __slots__ = ("_per",)

    def __init__(self, over: int, each: int) -> None:
        super().__init__(over, None)
        self._per = each

    def take(self, ts: int, value: Value) -> None:
        """The next sample."""
        slots = self._slots
        slots.put(ts, float(value or 0), joins=slots.joins(ts))
        per_ms = slope(slots)
        self.value = None if per_ms is None else per_ms * self._per
