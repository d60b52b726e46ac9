"""Mean, 95th percentile, least or greatest value of a window."""

from collections.abc import Iterator
from typing import Literal

from alerts.computed import Computed, length
from alerts.rules.condition import Derived, Fault, Path, metric_of
from alerts.rules.history import MOST, WindowLimits, WindowMemory
from ioc.domain.duration import format_duration
from ioc.domain.family import Family, Label
from ioc.domain.sample import Value

Take = Literal["mean", "p95", "min", "max"]
_WORDS: dict[Take, tuple[str, str]] = {
    "mean": ("trung bình", "mean"),
    "p95": ("bách phân vị 95", "95th percentile"),
    "min": ("thấp nhất", "lowest"),
    "max": ("cao nhất", "highest"),
}


class WindowOf(WindowLimits):
    """`take` of the metric's samples of the last `over`."""

    kind: Literal["window"]
    take: Take

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such number, a window that does not fit, limits as for the metric itself."""
        yield from super().faults(family, path)
        if self.metric in family.index and metric_of(family, self.metric)[1].is_number:
            yield from self.out_of_range(metric_of(family, self.metric)[1], path)

    def derived(self, family: Family) -> Derived:
        """The number that stands for the window."""
        _, metric = metric_of(family, self.metric)
        (vi, en), time = _WORDS[self.take], length(self.over)
        unit = f" {metric.unit}" if metric.unit else ""
        take, over, gap = self.take, self.over, family.silence_ms
        return Derived(
            metric=Computed.of(
                self._name,
                Label(vi=f"{metric.labels.vi}, {vi}", en=f"{metric.labels.en}, {en}"),
                Label(vi=f"{vi} {{number}}{unit} trong {time.vi}", en=f"{en} {{number}}{unit} over {time.en}"),
            ),
            source=self.metric,
            start=lambda: WindowHistory(take, over, gap),
            most=MOST,
        )

    @property
    def _name(self) -> str:
        return f"{self.take}({self.metric}, {format_duration(self.over)})"


class WindowHistory(WindowMemory):
    """Told once it has been fed for the whole window without a gap in which the device would count as offline."""

    __slots__ = ("_take",)

    def __init__(self, take: Take, over: int, gap: int) -> None:
        super().__init__(over, gap)
        self._take = take

    def take(self, ts: int, value: Value) -> None:
        """The next sample."""
        slots, number = self._slots, float(value or 0)
        joins = slots.joins(ts)
        slots.put(ts, self._together(number) if joins else number, joins=joins)
        self.value = self._whole() if slots.whole else None

    def _together(self, number: float) -> float:
        """What stands for the last samples and one more of the same part of the window."""
        last, count = self._slots.values[-1], self._slots.counts[-1]
        if self._take == "mean":
            return last + (number - last) / (count + 1)
        if self._take == "min":
            return min(last, number)
        return max(last, number) if self._take == "max" else number

    def _whole(self) -> float:
        values, counts = self._slots.values, self._slots.counts
        if self._take == "mean":
            return sum(value * count for value, count in zip(values, counts, strict=True)) / sum(counts)
        if self._take == "min":
            return min(values)
        return max(values) if self._take == "max" else percentile(sorted(values), 0.95)


def percentile(ascending: list[float], part: float) -> float:
    """Between the two values next to it, as Prometheus's `quantile_over_time`."""
    place = part * (len(ascending) - 1)
    below = int(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (place - below)
