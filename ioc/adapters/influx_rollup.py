"""One-minute rollups in InfluxDB's words: columns to ask for, and points that hold them.

Fields are `<metric>_mean`, `_min`, `_max`, `_last`, `_count`; for texts `_last` and `_count`. Of a single value a number's
`_mean`, or a text's `_last`, says everything, and the others are left out: a device that speaks once a minute would
otherwise be stored five times over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ioc.adapters import influx_query as ql
from ioc.domain.point import FieldValue, Point
from ioc.domain.rollup import DeviceMinute, Rolled

SUFFIX = "_1m"
"""Of the bucket that holds them, after the name of the bucket that holds the points."""
_NUMBER = ("count", "last", "mean", "min", "max")
_TEXT = ("count", "last")
_READ = ("mean", "min", "max", "last", "count")


def question(measurement: str, types: Mapping[str, str], start: int, end: int, devices: Sequence[str]) -> str:
    """The query whose rows `minutes` reads; `types`: metric → its stored type."""
    columns = ", ".join(f"{function}({ql.name(metric)})" for metric, kind in types.items() for function in _functions(kind))
    those = " OR ".join(f'"device" = {ql.text(device)}' for device in devices)
    where = ql.during(start, end) + (f" AND ({those})" if those else "")
    return f'SELECT {columns} FROM {ql.name(measurement)} WHERE {where} GROUP BY time(1m), "device" fill(none)'  # noqa: S608 - quoted


def minutes(found: Iterable[ql.Rows], types: Mapping[str, str]) -> Iterator[DeviceMinute]:
    """What the answer tells; minutes without any value are left out."""
    for rows in found:
        for ts, *values in rows.values:
            metrics = dict(_metrics(values, types))
            if metrics and rows.tags.get("device"):
                yield DeviceMinute(rows.tags["device"], ts, metrics)


def point(measurement: str, one: DeviceMinute) -> Point:
    """A minute as it is stored."""
    fields: dict[str, FieldValue] = {}
    for metric, rolled in one.metrics.items():
        if rolled.mean is not None and rolled.low is not None and rolled.high is not None:
            fields[f"{metric}_mean"] = rolled.mean
            if rolled.count > 1:
                fields |= {f"{metric}_min": rolled.low, f"{metric}_max": rolled.high}
        if rolled.count > 1 or rolled.mean is None:
            fields[f"{metric}_last"] = rolled.last
        if rolled.count > 1:
            fields[f"{metric}_count"] = rolled.count
    return Point(measurement, (("device", one.device),), fields, one.minute)


def stored_question(measurement: str, device: str, metric: str, start: int, end: int) -> str:
    """The query whose rows `stored` reads."""
    columns = ", ".join(ql.name(f"{metric}_{what}") for what in _READ)
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


def _functions(kind: str) -> tuple[str, ...]:
    return _TEXT if kind == "string" else _NUMBER


def _metrics(values: Sequence[FieldValue | None], types: Mapping[str, str]) -> Iterator[tuple[str, Rolled]]:
    column = 0
    for metric, kind in types.items():
        width = len(_functions(kind))
        count, last, *numbers = values[column : column + width]
        column += width
        if not count or last is None:
            continue
        if kind == "float":  # JSON writes 70.0 as 70
            last = float(last)
        yield metric, Rolled(int(count), last, *(None if number is None else float(number) for number in numbers))
