"""How fast a number changes."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from alerts.computed import Computed, per
from alerts.rules.condition import Compiled, Derived, Fault, Path, metric_of
from alerts.rules.history import MOST, Over, Slots, history_faults, slope
from alerts.rules.limits import Limits
from ioc.domain.duration import DurationMs, format_duration
from ioc.domain.family import Family, Label
from ioc.domain.sample import Value


class Rate(Limits):
    """The slope of the line that fits the samples of the last `over` best, per `per`; negative where the metric falls."""

    kind: Literal["rate"]
    metric: str
    over: Over
    per: DurationMs = Field(default=60_000, gt=0)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric whose samples are compared."""
        return (self.metric,)

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such number, a window that does not fit, the clear limit on the wrong side."""
        yield from history_faults(family, self.metric, self.over, path)
        yield from self.wrong_side(path)

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

    def compiled(self, family: Family, path: Path) -> Compiled:
        """Compares the slope."""
        return self.compared(family.index[self._name], path)

    @property
    def _name(self) -> str:
        return f"rate({self.metric}, {format_duration(self.over)}, per {format_duration(self.per)})"


class RateHistory:
    """Told once three samples span half the window; time in which nothing came counts for nothing."""

    __slots__ = ("_per", "_slots", "value")

    def __init__(self, over: int, each: int) -> None:
        self._slots = Slots(over, None)
        self._per = each
        self.value: float | None = None

    def __len__(self) -> int:
        return len(self._slots)

    def take(self, ts: int, value: Value) -> None:
        """The next sample."""
        slots = self._slots
        slots.put(ts, float(value or 0), joins=slots.joins(ts))
        per_ms = slope(slots)
        self.value = None if per_ms is None else per_ms * self._per
