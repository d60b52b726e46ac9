"""One-minute rollups: what a minute's values come to, which hours must be rolled up again, and minutes in longer buckets."""

from collections.abc import Iterable, Sequence

import msgspec

from ioc.domain.point import FieldValue, Point, SeriesRow

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class Rolled(msgspec.Struct, frozen=True, array_like=True):
    """One metric's values in one minute; mean, low and high are None for texts. Bools are numbers: their mean is the share of ones."""

    count: int
    last: FieldValue
    mean: float | None = None
    low: float | None = None
    high: float | None = None


class DeviceMinute(msgspec.Struct, frozen=True):
    """One device's minute (`minute` = Unix ms of its start), by metric."""

    device: str
    minute: int
    metrics: dict[str, Rolled]


class DueHour(msgspec.Struct, frozen=True, array_like=True):
    """A device's hour (Unix ms of its start) into which something was stored after its minutes had been rolled up."""

    family: str
    device: str
    hour: int


class Frontier:
    """Up to where minutes have been read for rolling up (`until`, Unix ms): it moves *before* a minute is read.

    So a point is either in the store when its minute is read, or its booking, which comes after, finds it behind the frontier.
    """

    def __init__(self, families: Iterable[str] = ()) -> None:
        self._families = frozenset(families)
        self.until = 0

    def due(self, points: Iterable[Point]) -> tuple[DueHour, ...]:
        """The hours that stored points make due again."""
        until = self.until
        late = [point for point in points if point.ts < until]
        hours = {DueHour(p.measurement, dict(p.tags)["device"], p.ts - p.ts % HOUR_MS) for p in late if p.measurement in self._families}
        return tuple(hours)


def roll(values: Sequence[FieldValue]) -> Rolled:
    """At least one value of one metric, in order of time."""
    numbers = [float(value) for value in values if not isinstance(value, str)]
    if not numbers:
        return Rolled(len(values), values[-1])
    return Rolled(len(values), values[-1], sum(numbers) / len(numbers), min(numbers), max(numbers))


def join(parts: Sequence[Rolled]) -> Rolled:
    """What rolling up all their values at once gives; at least one, in order of time."""
    if len(parts) == 1:
        return parts[0]
    count = sum(part.count for part in parts)
    means = [(part.count, part.mean) for part in parts if part.mean is not None]
    if not means:
        return Rolled(count, parts[-1].last)
    mean = sum(weight * value for weight, value in means) / sum(weight for weight, _ in means)
    low = min(part.low for part in parts if part.low is not None)
    high = max(part.high for part in parts if part.high is not None)
    return Rolled(count, parts[-1].last, mean, low, high)


def in_buckets(minutes: Iterable[tuple[int, Rolled]], every_ms: int) -> list[SeriesRow]:
    """Minutes (ascending) in buckets that begin at multiples of `every_ms`; a minute belongs to the bucket in which it begins."""
    buckets: dict[int, list[Rolled]] = {}
    for minute, rolled in minutes:
        buckets.setdefault(minute - minute % every_ms, []).append(rolled)
    return [_row(ts, join(parts)) for ts, parts in buckets.items()]


def _row(ts: int, rolled: Rolled) -> SeriesRow:
    return SeriesRow(ts, rolled.last if rolled.mean is None else rolled.mean, rolled.low, rolled.high)
