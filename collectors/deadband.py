"""Values that need not be written: per device, what was written last of each metric that has a deadband.

Pure; memory only. Forgetting it (a restart, a device too many) costs fields written once more, never one left out.
"""

from ioc.domain.family import Family
from ioc.domain.sample import Sample, Value

MAX_DEVICES = 50_000


class DeadbandMemory:
    """One family's devices; `dropped` counts the values left out."""

    def __init__(self, family: Family, *, most: int = MAX_DEVICES) -> None:
        self._bands = tuple(
            (
                position,
                metric.is_number and metric.deadband.has_band,
                metric.deadband.absolute,
                metric.deadband.percent / 100,
                metric.deadband.heartbeat,
            )
            for position, metric in enumerate(family.metrics)
            if metric.deadband is not None
        )
        self._devices: dict[str, _Written] = {}
        self._most = most
        self.dropped = 0

    @property
    def devices(self) -> int:
        """How many are remembered (bounded)."""
        return len(self._devices)

    def news(self, sample: Sample, *, corrected: bool) -> tuple[Value, ...]:
        """The sample's values, None for those that need not be written.

        Only a live sample later than the device's last one is thinned. Any other is written whole, and so is the next
        one after it: what was left out before must not seem to have had the value that came late.
        """
        written = self._devices.get(sample.device)
        if written is None:
            if len(self._devices) >= self._most:
                del self._devices[next(iter(self._devices))]
            written = self._devices[sample.device] = _Written(len(self._bands), sample.ts - 1)
        if corrected or not sample.live or sample.ts <= written.ts:
            written.ts = max(written.ts, sample.ts)
            written.values = [None] * len(self._bands)
            return sample.values
        written.ts = sample.ts
        return self._thin(sample, written.values, written.times)

    def _thin(self, sample: Sample, kept: list[Value], times: list[int]) -> tuple[Value, ...]:
        values, ts = list(sample.values), sample.ts
        dropped = 0
        for index, (position, banded, absolute, factor, heartbeat) in enumerate(self._bands):
            value = values[position]
            if value is None:
                continue
            last = kept[index]
            if ts - times[index] < heartbeat and (
                value == last or (banded and last is not None and abs(value - last) <= max(absolute, factor * abs(last)))  # type: ignore[operator, arg-type]
            ):
                values[position] = None
                dropped += 1
            else:
                kept[index], times[index] = value, ts
        self.dropped += dropped
        return tuple(values)


class _Written:
    __slots__ = ("times", "ts", "values")

    def __init__(self, metrics: int, ts: int) -> None:
        self.ts = ts
        """Of the device's latest sample."""
        self.values: list[Value] = [None] * metrics
        self.times = [0] * metrics


def memories(families: dict[str, Family]) -> dict[str, DeadbandMemory]:
    """A memory for each family of which any metric has a deadband."""
    return {name: DeadbandMemory(family) for name, family in families.items() if any(metric.deadband for metric in family.metrics)}
