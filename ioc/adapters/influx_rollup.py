"""One-minute rollups in InfluxDB's words: what to ask for, and points that hold them.

Fields are `<metric>_mean`, `_min`, `_max`, `_last`, `_count`; for texts `_last` and `_count`. Of a single value a number's
`_mean`, or a text's `_last`, says everything, and the others are left out: a device that speaks once a minute would
otherwise be stored five times over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from ioc.adapters import influx_query as ql
from ioc.domain.point import FieldValue, Point
from ioc.domain.rollup import MINUTE_MS, DeviceMinute, Rolled, join, roll

SUFFIX = "_1m"
"""Of the bucket that holds them, after the name of the bucket that holds the points."""
_PIECE_MS, _SERIES_AT_ONCE = 5 * MINUTE_MS, 1_000
_KINDS = ("mean", "min", "max", "last", "count")


def question(measurement: str, types: Mapping[str, str], start: int, end: int, devices: Sequence[str]) -> str:
    """The query whose rows `Rolling` reads; `types`: metric → its stored type.

    It asks for the points: for aggregates of 25 metrics of 6,000 devices the server needs most of a minute.
    """
    columns = ", ".join(map(ql.name, types))
    those = " OR ".join(f'"device" = {ql.text(device)}' for device in devices)
    where = f"{ql.during(start, end)} AND ({those})"
    return f'SELECT "device", {columns} FROM {ql.name(measurement)} WHERE {where}'  # noqa: S608 - quoted


def devices_question(measurement: str, start: int, end: int) -> str:
    """The query whose rows are (`device`, name): of the shards that the span lies in, at least."""
    return f'SHOW TAG VALUES FROM {ql.name(measurement)} WITH KEY = "device" WHERE {ql.during(start, end)}'


def slices(devices: Sequence[str], metrics: int) -> Iterator[Sequence[str]]:
    """Devices to be asked for one after the other: a minute of all at once would take some hundred megabytes."""
    count = max(1, _SERIES_AT_ONCE // metrics)
    return (devices[begin : begin + count] for begin in range(0, len(devices), count))


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans to be asked for one after the other, for the same reason."""
    return ((begin, min(begin + _PIECE_MS, end)) for begin in range(start, end, _PIECE_MS))


class Rolling:
    """Rolls up points piece by piece, ascending; `types`: metric → its stored type. Minutes without any value are left out."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._parts: dict[tuple[str, int], dict[str, list[Rolled]]] = {}

    def add(self, found: Iterable[ql.Rows]) -> None:
        """The answer of one piece."""
        values: dict[tuple[str, int], dict[str, list[FieldValue]]] = {}
        for rows in found:
            for ts, device, *row in rows.values:
                of_minute = values.setdefault((device, ts - ts % MINUTE_MS), {})
                for (metric, kind), value in zip(self._types.items(), row, strict=True):
                    if value is not None:  # JSON writes 70.0 as 70
                        of_minute.setdefault(metric, []).append(float(value) if kind == "float" else value)
        for key, metrics in values.items():
            parts = self._parts.setdefault(key, {})
            for metric, one in metrics.items():
                parts.setdefault(metric, []).append(roll(one))

    def minutes(self) -> list[DeviceMinute]:
        """What the pieces come to, minute by minute."""
        return [
            DeviceMinute(device, minute, {metric: join(parts) for metric, parts in metrics.items()})
            for (device, minute), metrics in self._parts.items()
            if device and metrics
        ]


def point(measurement: str, one: DeviceMinute) -> Point:
    """A minute as it is stored."""
    fields: dict[str, FieldValue] = {}
    for metric, rolled in one.metrics.items():
        mean, low, high, last, count = _names(metric)
        if rolled.mean is not None and rolled.low is not None and rolled.high is not None:
            fields[mean] = rolled.mean
            if rolled.count > 1:
                fields[low], fields[high] = rolled.low, rolled.high
        if rolled.count > 1 or rolled.mean is None:
            fields[last] = rolled.last
        if rolled.count > 1:
            fields[count] = rolled.count
    return Point.of(measurement, (("device", one.device),), fields, one.minute)


@lru_cache(maxsize=1024)
def _names(metric: str) -> tuple[str, ...]:
    """Its fields, in the order of `_KINDS`: the points of all devices share them."""
    return tuple(f"{metric}_{kind}" for kind in _KINDS)


def stored_question(measurement: str, device: str, metric: str, start: int, end: int) -> str:
    """The query whose rows `stored` reads."""
    columns = ", ".join(map(ql.name, _names(metric)))
    where = ql.during(start, end) + ql.tagged({"device": device})
    return f"SELECT {columns} FROM {ql.name(measurement)} WHERE {where}"  # noqa: S608 - quoted


def stored(found: Iterable[ql.Rows]) -> Iterator[tuple[int, Rolled]]:
    """(minute, rollup) of one metric."""
    for rows in found:
        for ts, mean, low, high, last, count in rows.values:
            if mean is not None:
                low, high, last = (float(mean) if value is None else value for value in (low, high, last))  # noqa: PLW2901
                yield ts, Rolled(count or 1, last, float(mean), float(low), float(high))
            elif last is not None:
                yield ts, Rolled(count or 1, last)
