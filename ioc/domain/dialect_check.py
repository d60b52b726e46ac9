"""A dialect against its family: what no message could ever fulfil is a mistake in the file."""

from collections.abc import Iterable, Iterator

import msgspec

from ioc.domain.dialect import Dialect, FieldSource, PayloadFormat
from ioc.domain.family import MAX_STRING, Family, Metric, MetricType
from ioc.domain.nearest import Nearest
from ioc.domain.payload_path import parse_path

TAGS = "tags"
"""Under this name a line's tags are found."""
_TRUTHS = ("true", "false")


class DialectFault(msgspec.Struct, frozen=True):
    """What is wrong below a dialect's key `path`."""

    path: tuple[str | int, ...]
    what: str
    do: str


def dialect_faults(family: Family, dialect: Dialect) -> Iterator[DialectFault]:
    """All mistakes, in no order."""
    metrics = {metric.name: metric for metric in family.metrics}
    nearest = Nearest(metrics)
    for kind, names in (("fields", dialect.fields), ("constants", dialect.constants)):
        for name in names:
            if name not in metrics:
                yield DialectFault((kind, name), f"the family `{family.family}` has no metric `{name}`", nearest.advice(name))
    for name, source in dialect.fields.items():
        if name in metrics:
            yield from _source_faults(metrics[name], source)
    for name, text in dialect.constants.items():
        if name in dialect.fields:
            yield DialectFault(("constants", name), f"`{name}` is a field as well", "keep one of them")
        elif name in metrics and (wrong := _wrong(metrics[name], text)):
            yield DialectFault(("constants", name), *wrong)
    yield from _path_faults(dialect)


def constant_value(metric: Metric, text: str) -> object:
    """A text of the file as a payload would carry it."""
    match metric.type:
        case MetricType.BOOL:
            return text == "true"
        case MetricType.FLOAT | MetricType.INT:
            number = float(text)
            return int(number) if number.is_integer() else number
        case _:
            return text


def _source_faults(metric: Metric, source: FieldSource) -> Iterator[DialectFault]:
    at = ("fields", metric.name)
    if source.linear is not None and not metric.is_number:
        yield DialectFault(at, f"`{metric.name}` is no number: nothing can be scaled", "write `values`, or the path alone")
    for code, ours in source.values.items():
        wrong = _wrong(metric, ours)
        if wrong:
            yield DialectFault((*at, "values", code), *wrong)


def _wrong(metric: Metric, text: str) -> tuple[str, str] | None:
    """What is wrong with a value that stands in the file, and what to do."""
    match metric.type:
        case MetricType.ENUM:
            return None if text in metric.values else (f"`{text}` is no value of `{metric.name}`", Nearest(metric.values).advice(text))
        case MetricType.BOOL:
            return None if text in _TRUTHS else (f"`{text}` is not true or false", "write one of them")
        case MetricType.STRING:
            return None if len(text) <= MAX_STRING else (f"longer than {MAX_STRING} characters", "shorten it")
        case MetricType.FLOAT | MetricType.INT:
            return _wrong_number(metric, text)


def _wrong_number(metric: Metric, text: str) -> tuple[str, str] | None:
    try:
        number = float(text)
    except ValueError:
        return f"`{text}` is not a number", "write it without unit, with a decimal point"
    if metric.type is MetricType.INT and not number.is_integer():
        return f"`{text}` is not a whole number", "write one"
    if number - number != 0.0 or not metric.in_range(number):
        return f"`{text}` is outside the range of `{metric.name}`", "write a value inside it"
    return None


def _path_faults(dialect: Dialect) -> Iterator[DialectFault]:
    lines = dialect.format is PayloadFormat.INFLUX_LINE
    if dialect.time is not None and lines == (dialect.time.path is not None):
        what = "line protocol carries its time itself" if lines else "in JSON the time stands at a path"
        yield DialectFault(("time",), what, "remove `path`" if lines else "add `path: …`")
    if dialect.time is not None and lines and not dialect.time.unit.per_second:
        yield DialectFault(("time", "unit"), "the time of line protocol is a number", "write s, ms, us or ns")
    paths = {text: parse_path(text) for text in dialect.paths}
    for text, path in paths.items():
        if lines and (len(path) != 2 or not all(isinstance(step, str) for step in path)):  # noqa: PLR2004  measurement, field
            what = f"`{text}` leads to nothing in line protocol"
            yield DialectFault(_place(dialect, text), what, f"write measurement.field, or {TAGS}.tag")
        above = next((other for other, steps in paths.items() if len(steps) < len(path) and path[: len(steps)] == steps), None)
        if above is not None:
            yield DialectFault(
                _place(dialect, text), f"`{text}` lies inside `{above}`, which can't be both a value and a container", "keep one"
            )


def _place(dialect: Dialect, text: str) -> tuple[str | int, ...]:
    """The key under which a path was written first."""
    for name, source in dialect.fields.items():
        if source.path == text:
            return ("fields", name, "path")
    if dialect.device == text:
        return ("device",)
    if dialect.time is not None and dialect.time.path == text:
        return ("time", "path")
    return _listed("duplicate", dialect.duplicate, text) or _listed("ignore", dialect.ignore, text) or ()


def _listed(key: str, texts: Iterable[str], text: str) -> tuple[str | int, ...] | None:
    return next(((key, index) for index, one in enumerate(texts) if one == text), None)
