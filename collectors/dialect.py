"""Decoding a dialect: the vendor's payload becomes one of the family's own shape, field by field, and is read as that."""

import math
import re
from collections.abc import Callable, Mapping

import msgspec

from collectors.decode import MAX_TS, MAX_UNMAPPED, Decoder, Fields, epoch_ms, nothing_usable, read_values
from collectors.dialects.influx_line import merge_lines, read_lines
from collectors.lenient import Json, RefusedError, convert, kind_of, parse_object
from ioc.domain.dialect import Dialect, FieldSource, PayloadFormat, TimeUnit
from ioc.domain.dialect_check import constant_value
from ioc.domain.family import Family, Metric, MetricType
from ioc.domain.payload_path import Path, Step, look_up, parse_path, path_text
from ioc.domain.sample import Reason, Refusal, Value
from ioc.domain.topic import is_device_id

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")


class _Content(msgspec.Struct):
    """What a payload holds, whatever it was written in."""

    document: Json
    told: object
    """The device's time, in the dialect's unit; None = none."""
    unmapped: list[str]


class _Translation(msgspec.Struct, frozen=True):
    """One metric's way from the vendor's value to ours."""

    metric: Metric
    path: Path
    table: Mapping[str, object]
    linear: Callable[[float], float] | None
    bounds: tuple[float, float] | None

    def value(self, raw: object) -> object:
        """The value as a payload of the family would carry it; RefusedError where the vendor's own makes no sense."""
        if self.table:
            return self._of_code(raw)
        if self.linear is None:
            return _number(raw) if isinstance(raw, str) and self.metric.is_number else raw
        number = _number(raw)
        if self.bounds is not None and not self.bounds[0] <= number <= self.bounds[1]:
            raise RefusedError(Reason.OUT_OF_RANGE, f"{number:g} is outside the vendor's scale, {self.bounds[0]:g} to {self.bounds[1]:g}")
        ours = self.linear(number)
        if not math.isfinite(ours):
            raise RefusedError(Reason.NOT_FINITE, "not a finite number")
        # Twelve digits, so that tenths of a degree are 41.3 and not 41.300000000000004.
        return round(ours) if self.metric.type is MetricType.INT else float(f"{ours:.12g}")

    def _of_code(self, raw: object) -> object:
        code = _code(raw)
        if code is None or code not in self.table:
            said = repr(raw)[:40]
            raise RefusedError(Reason.UNKNOWN_VALUE, f"{said} is none of the vendor's {', '.join(self.table)}")
        return self.table[code]


def compile_dialect(family: Family, dialect: Dialect) -> Decoder:
    """A function from a vendor's payload to Fields; it raises RefusedError when nothing can be stored."""
    read = _read_lines(dialect) if dialect.format is PayloadFormat.INFLUX_LINE else _read_json(dialect)
    translations = [_translation(metric, dialect.fields[metric.name]) for metric in family.metrics if metric.name in dialect.fields]
    constants = [_constant(metric, dialect.constants) for metric in family.metrics]
    device = None if dialect.device is None else parse_path(dialect.device)
    repeats = [parse_path(path) for path in dialect.duplicate]
    unit = TimeUnit.NS if dialect.time is None else dialect.time.unit

    def decode(payload: bytes) -> Fields:
        content = read(payload)
        document = content.document
        name = None if device is None else _device(look_up(document, device), device)
        refusals: list[Refusal] = []
        ts = read_time(content.told, unit, refusals)
        values, refused = read_values(family, _translate(translations, document, refusals), refusals)
        if not any(value is not None for value in values):
            nothing = nothing_usable(refusals, content.unmapped)
            nothing.device = name
            raise nothing
        values = [constant if value is None else value for value, constant in zip(values, constants, strict=True)]
        key = _key(document, repeats)
        unmapped = tuple(key[:64] for key in content.unmapped[:MAX_UNMAPPED])
        return Fields(ts, key is not None, tuple(values), tuple(refusals), tuple(refused), unmapped, key, name)

    return decode


def read_time(told: object, unit: TimeUnit, refusals: list[Refusal]) -> int | None:
    """What a device told in its unit, in Unix ms; None when it told nothing or nothing readable (then a refusal is added)."""
    if told is None:
        return None
    ms = (epoch_ms(told) if isinstance(told, str) else None) if unit is TimeUnit.RFC3339 else _ms(told, unit.per_second)
    if ms is None:
        refusals.append(Refusal(Reason.BAD_TIME, f"{repr(told)[:40]} is no time in the dialect's unit, {unit}", "ts"))
    return ms


def _ms(told: object, per_second: int) -> int | None:
    if isinstance(told, str) and _NUMBER.fullmatch(told):
        told = int(told) if _WHOLE.fullmatch(told) else float(told)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    ms = told * 1000 // per_second if isinstance(told, int) else told / per_second * 1000
    return round(ms) if 0 <= ms < MAX_TS else None


def _read_json(dialect: Dialect) -> Callable[[bytes], _Content]:
    told = None if dialect.time is None or dialect.time.path is None else parse_path(dialect.time.path)
    known = _tree([parse_path(path) for path in dialect.paths])

    def read(payload: bytes) -> _Content:
        document = parse_object(payload)
        return _Content(document, None if told is None else look_up(document, told), list(_strangers(document, known, ())))

    return read


def _read_lines(dialect: Dialect) -> Callable[[bytes], _Content]:
    paths = [parse_path(path) for path in dialect.paths]
    known = {(str(path[0]).partition(",")[0], path[1]) for path in paths}

    def read(payload: bytes) -> _Content:
        lines = read_lines(payload)
        document, told = merge_lines(lines)
        named = dict.fromkeys((line.measurement, field) for line in lines for field in line.fields)
        return _Content(document, told, [path_text(path) for path in named if path not in known])

    return read


_Tree = dict[Step, "_Tree"]


def _tree(paths: list[Path]) -> _Tree:
    root: _Tree = {}
    for path in paths:
        node = root
        for step in path:
            node = node.setdefault(step, {})
    return root


def _strangers(node: object, known: _Tree, at: Path) -> list[str]:
    """The uppermost places that nobody reads; arrays are looked into only where something is read from them."""
    inside: list[tuple[Step, object]] = []
    if isinstance(node, dict):
        inside = list(node.items())
    elif isinstance(node, list):
        inside = [(step, node[step]) for step in known if isinstance(step, int) and step < len(node)]
    found: list[str] = []
    for step, below in inside:
        if step not in known:
            found.append(path_text((*at, step)))
        elif known[step]:
            found += _strangers(below, known[step], (*at, step))
    return found


def _translation(metric: Metric, source: FieldSource) -> _Translation:
    table = {code: constant_value(metric, text) for code, text in source.values.items()}
    bounds = None if source.from_ is None else (min(source.from_), max(source.from_))
    return _Translation(metric, parse_path(source.path), table, source.linear, bounds)


def _constant(metric: Metric, constants: Mapping[str, str]) -> Value:
    if metric.name not in constants:
        return None
    return convert(metric, constant_value(metric, constants[metric.name]))


def _translate(translations: list[_Translation], document: Json, refusals: list[Refusal]) -> Json:
    ours: Json = {}
    for translation in translations:
        raw = look_up(document, translation.path)
        if raw is None:
            continue
        try:
            ours[translation.metric.name] = translation.value(raw)
        except RefusedError as error:
            refusals.append(error.refusal(translation.metric.name))
    return ours


def _number(raw: object) -> float | int:
    """A number, also one that the vendor writes as text."""
    if isinstance(raw, str) and _NUMBER.fullmatch(raw):
        return int(raw) if _WHOLE.fullmatch(raw) else float(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise RefusedError(Reason.WRONG_TYPE, f"expected a number, got {kind_of(raw)} {repr(raw)[:40]}")
    return raw


def _code(raw: object) -> str | None:
    """A vendor's code as the file writes it: 1 and 1.0 are `1`, true is `true`."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    return str(raw) if isinstance(raw, str | int | float) else None


def _device(raw: object, path: Path) -> str:
    text = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    if not is_device_id(text):
        said = "is missing" if raw is None else f"holds {repr(raw)[:80]}, no device id ([A-Za-z0-9._-]{{1,64}})"
        raise RefusedError(Reason.BAD_DEVICE, f"{path_text(path)} {said}")
    return text


def _key(document: Json, paths: list[Path]) -> int | None:
    """What tells a repetition; None where the dialect names nothing, or the message lacks a part of it."""
    parts = [look_up(document, path) for path in paths]
    if not parts or not all(isinstance(part, str | int | float) for part in parts):
        return None
    return hash(tuple(parts))
