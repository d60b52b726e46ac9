"""Decoding, derived from the family: the exact typed struct first, for what that refuses the lenient path."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import astuple

from collectors.lenient import MAX_BYTES, Json, RefusedError, convert, parse_object
from ioc.domain.family import INT64_MAX, MAX_STRING, Family, Metric, MetricType
from ioc.domain.sample import Reason, Refusal, Value

MAX_TS = 2**53
MAX_UNMAPPED = 32
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class Fields(msgspec.Struct, gc=False):
    """What a telemetry payload says: values aligned to the family's metrics, and what did not fit."""

    ts: int | None
    has_seq: bool
    values: tuple[Value, ...]
    refusals: tuple[Refusal, ...] = ()
    refused: tuple[tuple[str, float], ...] = ()
    """Numbers out of the declared range: shown, not stored."""
    unmapped: tuple[str, ...] = ()
    key: int | None = None
    """What tells a repetition in a dialect that names it; None = the payload as a whole."""
    device: str | None = None
    """Who speaks, in a dialect whose topic does not tell."""


Decoder = Callable[[bytes], Fields]


def compile_decoder(family: Family) -> Decoder:
    """A function from payload to Fields for one family; it raises RefusedError when nothing can be stored."""
    exact = msgspec.json.Decoder(_struct(family)).decode
    texts = [i for i, metric in enumerate(family.metrics) if metric.type is MetricType.STRING]
    flags = [i for i, metric in enumerate(family.metrics) if metric.type is MetricType.BOOL]
    lenient = LenientDecoder(family)

    def decode(payload: bytes) -> Fields:
        if len(payload) > MAX_BYTES:
            raise RefusedError(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_BYTES}")
        try:
            row: tuple[Any, ...] = astuple(exact(payload))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return lenient.decode(payload)
        ts, seq = row[0], row[1]
        if ts is not None and (type(ts) is not int or not 0 <= ts < MAX_TS):
            return lenient.decode(payload)
        values = _plain(row[len(_HEAD) :], flags, texts)
        return lenient.decode(payload) if values is None else Fields(ts, seq is not None, values)

    return decode


def _plain(values: tuple[Any, ...], flags: Sequence[int], texts: Sequence[int]) -> tuple[Value, ...] | None:
    """Flags as 0 and 1, texts in one Unicode form; None where nothing is told, or a text has become too long."""
    if values.count(None) == len(values):
        return None
    told: list[Value] = list(values)
    for position in flags:
        if values[position] is not None:
            told[position] = int(values[position])
    for position in texts:
        text = values[position]
        if text is not None and not text.isascii():
            told[position] = text = unicodedata.normalize("NFC", text)
            if len(text) > MAX_STRING:
                return None
    return tuple(told)


class LenientDecoder:
    """Field by field: a field that does not fit costs that field only."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def decode(self, payload: bytes) -> Fields:
        """Fields of any payload from which something can be stored; RefusedError otherwise."""
        document = parse_object(payload)
        refusals: list[Refusal] = []
        ts = read_ts(document, refusals)
        values, refused = read_values(self._family, document, refusals)
        known = self._family.index
        unmapped = [key[:64] for key in document if key not in known and key not in _HEAD]
        if not any(value is not None for value in values):
            raise nothing_usable(refusals, unmapped)
        has_seq = read_seq(document, refusals)
        return Fields(ts, has_seq, tuple(values), tuple(refusals), tuple(refused), tuple(unmapped[:MAX_UNMAPPED]))


def read_values(family: Family, document: Json, refusals: list[Refusal]) -> tuple[list[Value], list[tuple[str, float]]]:
    """The values of a document in the family's order, and the numbers out of range; what does not fit is added to `refusals`."""
    values: list[Value] = []
    refused: list[tuple[str, float]] = []
    for metric in family.metrics:
        raw = document.get(metric.name)
        if raw is None:
            values.append(None)
            continue
        value: Value = None
        try:
            value = convert(metric, raw)
        except RefusedError as error:
            refusals.append(error.refusal(metric.name))
        if isinstance(value, int | float) and not metric.in_range(value):
            refusals.append(Refusal(Reason.OUT_OF_RANGE, f"{value} is outside {describe_range(metric)}", metric.name))
            refused.append((metric.name, value))
            value = None
        values.append(value)
    return values, refused


def read_ts(document: Json, refusals: list[Refusal]) -> int | None:
    """The payload's `ts` in Unix ms; None when absent or unreadable (then a refusal is added)."""
    raw = document.get("ts")
    if raw is None:
        return None
    ts = epoch_ms(raw)
    if ts is None:
        refusals.append(Refusal(Reason.BAD_TIME, "ts must be integer Unix milliseconds or RFC 3339 with an offset", "ts"))
    return ts


def read_seq(document: Json, refusals: list[Refusal]) -> bool:
    """Whether a `seq` is there; one that is no counter is refused."""
    seq = document.get("seq")
    if seq is None:
        return False
    if isinstance(seq, str) or (isinstance(seq, int | float) and not isinstance(seq, bool) and seq == seq // 1):
        return True
    refusals.append(Refusal(Reason.WRONG_TYPE, "seq must be a whole number or a string", "seq"))
    return False


def describe_range(metric: Metric) -> str:
    """A metric's declared range as people write it."""
    low = f"above {metric.above:g}" if metric.above is not None else "" if metric.min is None else f"from {metric.min:g}"
    high = "" if metric.max is None else f"to {metric.max:g}"
    return f"{low} {high}".strip()


_HEAD = ("ts", "seq")


def epoch_ms(raw: object) -> int | None:
    """Unix ms of integer milliseconds or RFC 3339 with an offset; None for anything else."""
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw if 0 <= raw < MAX_TS else None
    if isinstance(raw, str) and _RFC3339.fullmatch(raw):
        try:
            ms = round(datetime.fromisoformat(raw.upper()).timestamp() * 1000)
        except (ValueError, OverflowError):
            return None
        return ms if ms >= 0 else None
    return None


def nothing_usable(refusals: list[Refusal], unmapped: list[str]) -> RefusedError:
    """Why nothing of a message can be stored."""
    fields = [refusal for refusal in refusals if refusal.field not in _HEAD]
    if fields:
        detail = "; ".join(f"{refusal.field}: {refusal.detail}" for refusal in fields[:8])
        return RefusedError(Reason.NO_USABLE_FIELD, detail)
    keys = ", ".join(unmapped[:8]) or "none"
    return RefusedError(Reason.NO_KNOWN_METRIC, f"no metric of this family with a value; other keys: {keys}")


def _struct(family: Family) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = [("ts", int | str | None, None), ("seq", int | str | None, None)]
    fields += [(metric.name, _annotation(metric) | None, None) for metric in family.metrics]
    return msgspec.defstruct(f"{family.family}_payload", fields, forbid_unknown_fields=True, frozen=True, gc=False)


def _annotation(metric: Metric) -> Any:  # noqa: ANN401  an annotation is whatever typing makes of it
    match metric.type:
        case MetricType.BOOL:
            return bool
        case MetricType.STRING:
            return Annotated[str, msgspec.Meta(max_length=MAX_STRING)]
        case MetricType.ENUM:
            return Literal[metric.values]
        case MetricType.INT:
            low = -INT64_MAX if metric.min is None else int(metric.min)
            low = low if metric.above is None else int(metric.above) + 1
            high = INT64_MAX if metric.max is None else int(metric.max)
            return Annotated[int, msgspec.Meta(ge=low, le=high)]
        case MetricType.FLOAT:
            if metric.above is not None:
                return Annotated[float, msgspec.Meta(gt=metric.above, le=metric.max)]
            return Annotated[float, msgspec.Meta(ge=metric.min, le=metric.max)]
