"""Which metric of a known family a place of a vendor's payload may be: by its name, where type and range allow it."""

from collections.abc import Iterable, Mapping
from typing import Any

from ioc.cli.guessing import slug, type_of, unit_of, words
from ioc.cli.output import printable
from ioc.cli.seen import Seen
from ioc.domain.family import Family, Metric, MetricType
from ioc.domain.payload_path import Path, path_text

_LEAST_PREFIX = 3
_UNIT_WORDS = frozenset({"c", "s", "v", "mb", "pct", "dbm", "dbfs", "ohm", "kw", "kwh", "ms"})
"""What our names end with to tell the unit; a vendor's name may lack it."""


def match_fields(family: Family, seen: Mapping[Path, Seen]) -> tuple[dict[str, Any], list[Path]]:
    """Metric → source for places whose metric is beyond doubt, the best names first; and the places that are left."""
    pairs = [(metric, path) for path in seen for metric in family.metrics]
    scored = sorted(((_score(metric, path, seen[path]), metric, path) for metric, path in pairs), key=lambda one: -one[0])
    fields: dict[str, Any] = {}
    taken: set[Path] = set()
    for score, metric, path in scored:
        source = _source(metric, path, seen[path]) if score else None
        if metric.name not in fields and path not in taken and source is not None:
            fields[metric.name] = source
            taken.add(path)
    return fields, [path for path in seen if path not in taken]


def _score(metric: Metric, path: Path, seen: Seen) -> int:
    """How alike the names are; 0 where a word of ours is missing, its unit aside."""
    ours, theirs = metric.name.split("_"), words(path)
    if len(ours) > 1 and ours[-1] in _UNIT_WORDS:
        ours.pop()
    if slug("_".join(theirs)) == metric.name:
        return 100
    same_unit = bool(metric.unit) and seen.kind in {"int", "float"} and unit_of(path, seen) == metric.unit
    shared = sum(any(_alike(one, other) for other in theirs) for one in ours)
    return 10 * shared + 5 * same_unit if shared == len(ours) else 0


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= _LEAST_PREFIX and long.startswith(short))


def _source(metric: Metric, path: Path, seen: Seen) -> object:
    """How the field is written; None where what came is not of the metric's type or range."""
    kind = type_of(path, seen)
    text = path_text(path)
    match metric.type:
        case MetricType.FLOAT | MetricType.INT:
            fits = kind == "int" or (kind == "float" and metric.type is MetricType.FLOAT)
            return text if fits and metric.in_range(seen.low) and metric.in_range(seen.high) else None
        case MetricType.BOOL:
            return text if kind == "bool" else None
        case MetricType.STRING:
            return text if kind == "string" else None
        case MetricType.ENUM:
            codes = {str(value): str(value).lower().replace(" ", "_") for value in sorted(seen.values, key=str)}
            known = kind == "string" and seen.all_values and set(codes.values()) <= set(metric.values)
            return {"path": text, "values": codes} if known else None


def describe_left(paths: Iterable[Path], seen: Mapping[Path, Seen]) -> list[str]:
    """One remark for each place that no metric was found for."""
    return [f"unmapped: {printable(path_text(path))} ({', '.join(sorted(seen[path].kinds))}; {seen[path].said})" for path in paths]
