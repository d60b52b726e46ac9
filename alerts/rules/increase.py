"""By how much a counter has gone up."""

from collections.abc import Iterator
from typing import Literal

from alerts.computed import Computed, length
from alerts.rules.condition import Derived, Fault, Path, metric_of
from alerts.rules.history import MOST, WindowLimits, WindowMemory
from ioc.domain.duration import format_duration
from ioc.domain.family import Family, Label
from ioc.domain.sample import Value


class Increase(WindowLimits):
    """What a counter has counted between the samples of the last `over`; where it falls it has begun anew at 0, as in Prometheus.

    Nothing is extrapolated: what happened before the window's first sample is left out, so `above` never holds too early.
    """

    kind: Literal["increase"]

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such number, a window that does not fit, a limit that no increase is beyond, or every one."""
        yield from super().faults(family, path)
        if self.above is not None and self.above < 0:
            yield Fault((*path, "above"), "an increase is always at least 0", "write 0 or more")
        if self.below is not None and self.below <= 0:
            yield Fault((*path, "below"), "an increase is never less than 0", "write more than 0")

    def derived(self, family: Family) -> Derived:
        """The increase."""
        _, metric = metric_of(family, self.metric)
        time, over = length(self.over), self.over
        gap = None if self.below is None else family.silence_ms
        unit = f" {metric.unit}" if metric.unit else ""
        return Derived(
            metric=Computed.of(
                self._name,
                Label(vi=f"Mức tăng: {metric.labels.vi}", en=f"Increase: {metric.labels.en}"),
                Label(vi=f"tăng {{number}}{unit} trong {time.vi}", en=f"{{number}}{unit} more in {time.en}"),
            ),
            source=self.metric,
            start=lambda: IncreaseHistory(over, gap),
            most=MOST,
        )

    @property
    def _name(self) -> str:
        return f"increase({self.metric}, {format_duration(self.over)}{', gapless' if self.below is not None else ''})"


class IncreaseHistory(WindowMemory):
    """Told once it has been fed for the whole window.

    What was missed while nothing came makes the increase larger than known, which matters where a small one is an alarm: `gap`.
    """

    __slots__ = ("_last", "_total")

    def __init__(self, over: int, gap: int | None) -> None:
        super().__init__(over, gap)
        self._total = 0.0
        self._last = 0.0

    def take(self, ts: int, value: Value) -> None:
        """The counter's next reading."""
        slots, reading = self._slots, float(value or 0)
        joins = slots.joins(ts)
        if slots.times:
            self._total += reading - self._last if reading >= self._last else reading
        else:
            self._total = 0.0
        self._last = reading
        slots.put(ts, self._total, joins=joins)
        self.value = slots.values[-1] - slots.values[0] if slots.whole else None
