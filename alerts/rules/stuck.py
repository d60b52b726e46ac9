"""A value that does not change although samples come: a sensor that hangs."""

from collections.abc import Iterator
from typing import Literal

from alerts.computed import Computed, scale
from alerts.rules.condition import Compiled, Condition, Derived, Fault, Path, metric_of, node_key
from alerts.rules.history import Over, history_faults
from alerts.rules.limits import above
from ioc.domain.duration import format_duration
from ioc.domain.family import Family, Label
from ioc.domain.sample import Value


class Stuck(Condition):
    """Holds when every sample for longer than `over` has had the same value."""

    kind: Literal["stuck"]
    metric: str
    over: Over

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric that should change."""
        return (self.metric,)

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such metric, a time that does not fit."""
        return history_faults(family, self.metric, self.over, path, number=False)

    def derived(self, family: Family) -> Derived:
        """For how long it has not changed."""
        _, metric = metric_of(family, self.metric)
        over, gap, (unit, word) = self.over, family.silence_ms, scale(self.over)
        return Derived(
            metric=Computed.of(
                self._name,
                Label(vi=f"Thời gian không đổi: {metric.labels.vi}", en=f"Unchanged for: {metric.labels.en}"),
                Label(vi=f"không đổi trong {{number}} {word.vi}", en=f"unchanged for {{number}} {word.en}"),
            ),
            source=self.metric,
            start=lambda: StuckHistory(over, gap, unit),
            most=1,
        )

    def compiled(self, family: Family, path: Path) -> Compiled:
        """Compares the time."""
        unit, _ = scale(self.over)
        return above(family.index[self._name], node_key(path), self.over / unit)

    @property
    def _name(self) -> str:
        return f"stuck({self.metric}, {format_duration(self.over)})"


class StuckHistory:
    """How long the value is known to have stayed.

    After a gap in which the device would count as offline the time begins anew; it is told again with the next change, or once it is
    long enough.
    """

    __slots__ = ("_gap", "_last", "_over", "_proven", "_since", "_ts", "_unit", "value")

    def __init__(self, over: int, gap: int, unit: int) -> None:
        self._over, self._gap, self._unit = over, gap, unit
        self._last: Value = None
        self._since = self._ts = 0
        self._proven = False
        """Whether the value was seen to change at `since`."""
        self.value: float | None = None

    def __len__(self) -> int:
        return 0 if self._last is None else 1

    def take(self, ts: int, value: Value) -> None:
        """The next sample."""
        if self._last is None or value != self._last:
            self._proven = self._last is not None
            self._since, self._last = ts, value
        elif ts - self._ts > self._gap:
            self._proven, self._since = False, ts
        self._ts = ts
        stayed = ts - self._since
        self.value = stayed / self._unit if self._proven or stayed > self._over else None
