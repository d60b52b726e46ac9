"""What a device's sensors show: from the family's declaration, changed by what happens to the device."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.domain.family import Family, Metric, MetricType, Signal

Reading = float | int | str | bool
_MS_AN_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Ramp:
    """A value that climbs from `start` to `end` within `duration_ms`, and stays there."""

    start: float
    end: float
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to a device physically: values it shows, counters that stand still."""

    values: Mapping[str, Reading | Ramp] = field(default_factory=dict)
    halted: frozenset[str] = frozenset()
    """Metrics whose `per_hour` does not run meanwhile."""


CALM = Change()


def signals_of(family: Family) -> dict[str, Signal]:
    """The declared signals by metric; a family that declares none stands still within its ranges."""
    declared = {metric.name: metric.signal for metric in family.metrics if metric.signal is not None}
    return declared or {metric.name: _at_rest(metric) for metric in family.metrics if metric.type is not MetricType.STRING}


def _at_rest(metric: Metric) -> Signal:
    if metric.type is MetricType.ENUM:
        return Signal(choices=metric.values[:1])
    low = metric.min if metric.min is not None else metric.above
    bounds = [bound for bound in (low, metric.max) if bound is not None]
    middle = sum(bounds) / len(bounds) if bounds else 0.0
    return Signal(start=middle + 1 if bounds == [metric.above] else middle)


class Signals:
    """The readings of one device; the same seed gives the same device."""

    def __init__(self, family: Family, *, seed: str, fixed: Mapping[str, Reading] | None = None) -> None:
        self._family = family
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._fixed = dict(fixed or {})
        self._running: dict[str, float] = {}
        self._spread = {metric.name: self._random.uniform(0.85, 1.15) for metric in family.metrics}
        self._signals = signals_of(family)
        self._chosen = {name: self._random.choice(signal.choices) for name, signal in self._signals.items() if signal.choices}
        self._at: int | None = None

    def read(self, now: int, change: Change = CALM, since: int = 0) -> dict[str, Reading]:
        """All readings at `now` under a change that began at `since` (Unix ms); a metric without signal is absent unless changed."""
        elapsed = 0 if self._at is None else max(0, now - self._at)
        self._at = now
        readings: dict[str, Reading] = {}
        for metric in self._family.metrics:
            self._run(metric, elapsed, halted=metric.name in change.halted)
            changed = change.values.get(metric.name)
            if isinstance(changed, Ramp):
                readings[metric.name] = self._number(metric, self._climb(changed, now - since))
            elif changed is not None:
                readings[metric.name] = self._shaken(metric, changed)
            elif metric.name in self._fixed:
                readings[metric.name] = self._fixed[metric.name]
            elif metric.name in self._signals:
                readings[metric.name] = self._natural(metric)
        return readings

    def _run(self, metric: Metric, elapsed: int, *, halted: bool) -> None:
        signal = self._signals.get(metric.name)
        if signal is None or not signal.per_hour:
            return
        so_far = self._running.get(metric.name)
        if so_far is None:
            so_far = signal.start * self._spread[metric.name]
        self._running[metric.name] = so_far if halted else so_far + signal.per_hour * elapsed / _MS_AN_HOUR

    def _natural(self, metric: Metric) -> Reading:
        if metric.name in self._chosen:
            return self._chosen[metric.name]
        signal = self._signals[metric.name]
        if metric.type is MetricType.BOOL:
            return bool(signal.start)
        value = self._running.get(metric.name, signal.start)
        return self._number(metric, value + self._random.gauss(0, signal.noise) if signal.noise else value)

    def _shaken(self, metric: Metric, value: Reading) -> Reading:
        """A changed number still comes from a sensor: it has the metric's noise."""
        noise = self._signals[metric.name].noise if metric.name in self._signals else 0.0
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not noise or not value:
            return value
        return self._number(metric, value + self._random.gauss(0, noise))

    @staticmethod
    def _climb(ramp: Ramp, elapsed: int) -> float:
        share = min(1.0, max(0.0, elapsed / ramp.duration_ms)) if ramp.duration_ms else 1.0
        return ramp.start + (ramp.end - ramp.start) * share

    @staticmethod
    def _number(metric: Metric, value: float) -> float | int:
        low = metric.min if metric.min is not None else -math.inf
        high = metric.max if metric.max is not None else math.inf
        value = min(high, max(low, value))
        return int(value) if metric.type is MetricType.INT else round(value, 2)
