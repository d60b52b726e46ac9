"""Recent samples of one metric of one device: few enough to be kept for every device, spread evenly over a window."""

from array import array
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from alerts.rules.condition import Compiled, Fault, Path, metric_faults, metric_of
from alerts.rules.limits import Limits
from ioc.domain.duration import DurationMs, format_duration
from ioc.domain.family import Family

PARTS = 60
MOST = PARTS + 2
"""Samples of a window: one for each of its parts, and those that have begun at either end."""
FEWEST_CADENCES = 3
LONGEST_MS = 35 * 86_400_000
Over = Annotated[DurationMs, Field(gt=0)]
"""A window's length."""


class Slots:
    """Samples of the last `over` ms. Where more than one comes in a sixtieth of it, they become one, at the time of the last."""

    __slots__ = ("_gap", "_over", "_width", "counts", "since", "times", "values")

    def __init__(self, over: int, gap: int | None) -> None:
        """`gap`: after so long without a sample all begins anew; None = what was before still counts."""
        self._over, self._gap = over, gap
        self._width = -(-over // PARTS)
        self.times = array("q")
        self.values = array("d")
        self.counts = array("q")
        """How many samples each stands for."""
        self.since = 0
        """The first sample's time since all began."""

    def __len__(self) -> int:
        return len(self.times)

    def joins(self, ts: int) -> bool:
        """Whether a sample becomes one with the last; makes room for it otherwise."""
        if self.times and self._gap is not None and ts - self.times[-1] > self._gap:
            self.clear()
        joins = bool(self.times) and ts // self._width == self.times[-1] // self._width
        gone, oldest = 0, ts - self._over
        while gone < len(self.times) - joins and self.times[gone] < oldest:
            gone += 1
        if gone:
            del self.times[:gone], self.values[:gone], self.counts[:gone]
        if not self.times:
            self.since = ts
        return joins

    def put(self, ts: int, value: float, *, joins: bool) -> None:
        """Adds a sample, or gives the last one this time and value."""
        if joins:
            self.times[-1], self.values[-1] = ts, value
            self.counts[-1] += 1
            return
        self.times.append(ts)
        self.values.append(value)
        self.counts.append(1)

    def clear(self) -> None:
        """Forgets everything."""
        del self.times[:], self.values[:], self.counts[:]

    @property
    def span(self) -> int:
        """From the oldest sample to the newest, ms."""
        return self.times[-1] - self.times[0] if self.times else 0

    @property
    def whole(self) -> bool:
        """Whether it has been fed for as long as the window."""
        return bool(self.times) and self.times[-1] - self.since >= self._over


class WindowMemory:
    """What a number over a window remembers of one device; kinds take samples in by `take`."""

    __slots__ = ("_slots", "value")

    def __init__(self, over: int, gap: int | None) -> None:
        """As Slots."""
        self._slots = Slots(over, gap)
        self.value: float | None = None
        """None = not told yet."""

    def __len__(self) -> int:
        return len(self._slots)


class WindowLimits(Limits):
    """Limits of one number that the samples of the last `over` come to; kinds say which by `derived`."""

    metric: str
    over: Over

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric whose samples are looked at."""
        return (self.metric,)

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such number, a window that does not fit, the clear limit on the wrong side."""
        yield from history_faults(family, self.metric, self.over, path)
        yield from self.wrong_side(path)

    def compiled(self, family: Family, path: Path) -> Compiled:
        """Compares the number."""
        return self.compared(family.index[self._name], path)

    @property
    def _name(self) -> str:
        """Of the number: the same for all rules that ask for the same."""
        raise NotImplementedError


def slope(slots: Slots) -> float | None:
    """Change per ms of the line that fits the samples best; None without three samples over half the window."""
    if len(slots) < FEWEST_CADENCES or 2 * slots.span < slots._over:  # noqa: SLF001  the same module's
        return None
    start, count = slots.times[0], len(slots)
    times = [float(ts - start) for ts in slots.times]
    values = slots.values
    mean_time, mean = sum(times) / count, sum(values) / count
    spread = sum((ts - mean_time) ** 2 for ts in times)
    return sum((ts - mean_time) * (value - mean) for ts, value in zip(times, values, strict=True)) / spread


def history_faults(family: Family, name: str, over: int, path: Path, *, number: bool = True) -> Iterator[Fault]:
    """No such metric, not a number, a window too short for the family's cadence or too long to be remembered."""
    if name not in family.index:
        yield from metric_faults(family, name, path)
        return
    _, metric = metric_of(family, name)
    if number and not metric.is_number:
        yield Fault((*path, "metric"), f"metric `{name}` is a {metric.type.value}, not a number", "use kind `state` or `stuck`")
    least = FEWEST_CADENCES * family.cadence
    if over < least:
        what = f"a window of {format_duration(over)} holds fewer than three samples of `{family.family}`"
        yield Fault((*path, "over"), what, f"write at least {format_duration(least)}")
    if over > LONGEST_MS:
        yield Fault((*path, "over"), f"a window can't be longer than {format_duration(LONGEST_MS)}", "write a shorter one")
