"""A first declaration from captured messages alone: topics, device, time, fields with types and units. All of it is a guess."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collectors.dialects.influx_line import merge_lines, read_lines
from collectors.lenient import RefusedError, parse_object
from ioc.cli.captured import Captured
from ioc.cli.failure import Failure
from ioc.cli.guessing import is_counter, is_identity, metric_name, slug, time_unit, type_of, unit_of
from ioc.cli.matching import describe_left, match_fields
from ioc.cli.output import printable
from ioc.cli.seen import Seen, leaves
from ioc.domain.dialect import PayloadFormat, TimeUnit
from ioc.domain.dialect_check import TAGS
from ioc.domain.family import Family
from ioc.domain.payload_path import Path, path_text
from ioc.domain.topic import is_device_id

_ENUM_MOST, _ENUM_TIMES = 8, 3
"""Texts become codes where few came, each several times."""
_CODE_MOST = 24
_NATIVE = "ioc/v1/"
_CADENCE = "60s"


@dataclass(slots=True)
class _Message:
    captured: Captured
    levels: list[str]
    values: dict[Path, object]
    ts: int | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """`document` is the family file; notes stand beside metrics, remarks are for the person."""

    document: dict[str, Any]
    notes: Mapping[str, str]
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Shape:
    """Messages of one format on topics of one length."""

    format: PayloadFormat
    messages: list[_Message] = field(default_factory=list)

    def seen(self) -> dict[Path, Seen]:
        """What stands at each place, in the order of first sight."""
        found: dict[Path, Seen] = {}
        for message in self.messages:
            for path, value in message.values.items():
                found.setdefault(path, Seen()).note(value)
        return found


class Learner:
    """Takes messages, then proposes: a family called `name`, or dialects of a known one."""

    def __init__(self, name: str, known: Family | None = None) -> None:
        self._family = name
        self._known = known
        self._shapes: dict[tuple[PayloadFormat, int], _Shape] = {}
        self._remarks: list[str] = []
        self._unread: Counter[str] = Counter()
        self._metrics: dict[str, dict[str, Any]] = {}
        self._notes: dict[str, str] = {}
        self._by_path: dict[tuple[Path, str], str] = {}

    def take(self, captured: Captured) -> None:
        """One message; what is of no known format is told among the remarks."""
        if captured.topic.startswith(_NATIVE):
            self._unread["published on our own topics, which need no dialect"] += 1
            return
        levels = captured.topic.split("/")
        try:
            message, kind = _read(captured, levels)
        except RefusedError as error:
            self._unread[f"not read: {error.detail}"] += 1
            return
        self._shapes.setdefault((kind, len(levels)), _Shape(kind)).messages.append(message)

    def proposal(self) -> Proposal:
        """One dialect for each kind of topic, with their family where it is new; Failure where no message could be read."""
        self._remarks += [f"{count} messages {why}" for why, count in self._unread.most_common(8)]
        dialects: dict[str, Any] = {}
        for shape in [part for whole in self._shapes.values() for part in _parts(whole)]:
            dialect = self._dialect(shape)
            if dialect is not None:
                name = "_".join(filter(None, (self._family[:40], slug(shape.messages[0].levels[0])[:16])))
                dialects[name if name not in dialects else f"{name}_{len(dialects) + 1}"] = dialect
        if not dialects:
            msg = "nothing can be learnt from these samples: " + ("; ".join(self._remarks) or "no field that a metric could hold")
            raise Failure(msg)
        if self._known is not None:
            return Proposal({"dialects_of": self._known.family, "dialects": dialects}, {}, tuple(self._remarks))
        text = {"vi": self._family, "en": self._family}
        document = {"family": self._family, "labels": text, "cadence": _CADENCE, "metrics": self._metrics, "dialects": dialects}
        return Proposal(document, self._notes, tuple(self._remarks))

    def _dialect(self, shape: _Shape) -> dict[str, Any] | None:
        seen = shape.seen()
        topic, device, same = _identity(shape, seen)
        if topic is None:
            self._remarks.append(f"{shape.messages[0].captured.topic}: no level and no field that could name a device")
            return None
        lines = shape.format is PayloadFormat.INFLUX_LINE
        told = next(((path, unit) for path, one in seen.items() if (unit := time_unit(path, one))), None) if not lines else None
        known = {path for path in (device, told and told[0], *same) if path}
        counters = [path for path, one in seen.items() if not lines and path not in known and is_counter(path, one)]
        known |= set(counters)
        tags = {path for path in seen if lines and path[0] == TAGS}
        fields = self._fields({path: one for path, one in seen.items() if path not in known | tags})
        if not fields:
            return None
        proposed: dict[str, Any] = {"topic": topic}
        if lines:
            proposed |= {"format": "influx_line", "time": {"unit": _line_unit(shape).value}}
        if device is not None:
            proposed["device"] = path_text(device)
        if told is not None:
            proposed["time"] = {"path": path_text(told[0]), "unit": told[1].value}
        repeats = [*same[:1], *([told[0]] if told else []), *counters[:1]]
        if told is not None and counters:
            proposed["duplicate"] = [path_text(path) for path in repeats]
        proposed["fields"] = fields
        ignored = [path_text(path) for path in (*same, *counters) if path not in repeats or "duplicate" not in proposed]
        return proposed | ({"ignore": ignored} if ignored and not lines else {})

    def _fields(self, seen: Mapping[Path, Seen]) -> dict[str, Any]:
        usable = self._usable(seen)
        if self._known is not None:
            fields, left = match_fields(self._known, usable)
            self._remarks += describe_left(left, usable)
            return fields
        return self._new_metrics(usable)

    def _usable(self, seen: Mapping[Path, Seen]) -> dict[Path, Seen]:
        usable: dict[Path, Seen] = {}
        for path, one in seen.items():
            inside = any(len(other) > len(path) and other[: len(path)] == path for other in seen)
            if one.kind == "odd" or inside or not path_text(path).isprintable():
                self._remarks.append(
                    f"unmapped: {printable(path_text(path))} ({', '.join(sorted(one.kinds))}{', also a container' if inside else ''})"
                )
                continue
            usable[path] = one
        return usable

    def _new_metrics(self, seen: Mapping[Path, Seen]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for path, one in seen.items():
            declared = _metric(path, one)
            kept = self._by_path.get((path, declared["type"]))
            name = metric_name(path, self._metrics) if kept is None or "values" in declared else kept
            self._by_path[path, declared["type"]] = name
            codes = declared.pop("codes", None)
            self._metrics.setdefault(name, declared)
            self._notes.setdefault(name, one.said)
            fields[name] = {"path": path_text(path), "values": codes} if codes else path_text(path)
        return fields


def _read(captured: Captured, levels: list[str]) -> tuple[_Message, PayloadFormat]:
    """JSON, else line protocol; RefusedError says why it is no JSON."""
    try:
        return _Message(captured, levels, dict(leaves(parse_object(captured.payload))), None), PayloadFormat.JSON
    except RefusedError as error:
        try:
            document, ts = merge_lines(read_lines(captured.payload))
        except RefusedError:
            raise error from None
    return _Message(captured, levels, dict(_line_values(document)), ts), PayloadFormat.INFLUX_LINE


def _line_values(document: Mapping[str, Any]) -> Iterator[tuple[Path, object]]:
    """Fields by measurement; what came twice unlike, by the tags that tell it apart."""
    for series, below in document.items():
        plain = document.get(series.partition(",")[0], {})
        for name, value in below.items():
            if not isinstance(value, list) and ("," not in series or isinstance(plain.get(name), list)):
                yield (series, name), value


def _parts(shape: _Shape) -> list[_Shape]:
    """By their first level, unless that level names the device."""
    if all(_names(message, message.levels[0]) for message in shape.messages):
        return [shape]
    parts: dict[str, _Shape] = {}
    for message in shape.messages:
        parts.setdefault(message.levels[0], _Shape(shape.format)).messages.append(message)
    return list(parts.values())


def _names(message: _Message, level: str) -> bool:
    return is_device_id(level) and any(str(value) == level for path, value in message.values.items() if is_identity(path))


def _identity(shape: _Shape, seen: Mapping[Path, Seen]) -> tuple[str | None, Path | None, list[Path]]:
    """The topic's template, the payload's place of the device where no level names it, and the places that repeat its name."""
    columns = [[message.levels[index] for message in shape.messages] for index in range(len(shape.messages[0].levels))]
    usable = [index for index, column in enumerate(columns) if all(is_device_id(text) for text in column)]
    same = {index: _repeating(shape, seen, index) for index in usable}
    named = [path for path, one in seen.items() if is_identity(path) and one.count == len(shape.messages) and len(one.values) > 1]
    told = [path for path in named if all(is_device_id(str(value)) for value in seen[path].values)]
    best = max(usable, key=lambda index: (bool(same[index]), len(set(columns[index])), _has_digit(columns[index]), index), default=None)
    if best is not None and told and not same[best] and len(set(columns[best])) == 1:
        best = None
    if best is None and not told:
        return None, None, []
    levels = [column[0] if len(set(column)) == 1 else f"{{level{index + 1}}}" for index, column in enumerate(columns)]
    if best is None:
        return _template(levels), told[0], []
    levels[best] = "{device}"
    return _template(levels), None, same[best]


def _template(levels: Iterable[str]) -> str | None:
    text = "/".join(levels)
    return None if any(sign in text for sign in "+#") or text.startswith("$") or "//" in f"/{text}/" or not text.isprintable() else text


def _repeating(shape: _Shape, seen: Mapping[Path, Seen], index: int) -> list[Path]:
    return [
        path
        for path, one in seen.items()
        if one.count == len(shape.messages) and all(str(message.values[path]) == message.levels[index] for message in shape.messages)
    ]


def _has_digit(column: Iterable[str]) -> bool:
    return all(any(sign.isdigit() for sign in text) for text in column)


def _line_unit(shape: _Shape) -> TimeUnit:
    one = Seen()
    for message in shape.messages:
        if message.ts is not None:
            one.note(message.ts)
    return (time_unit(("time",), one) if one.count else None) or TimeUnit.NS


def _metric(path: Path, one: Seen) -> dict[str, Any]:
    last = next(step for step in reversed(path) if isinstance(step, str))
    text = "".join(sign if sign.isprintable() else "?" for sign in last)
    kind = type_of(path, one)
    declared: dict[str, Any] = {"type": kind, "labels": {"vi": text, "en": text}}
    if kind in {"int", "float"} and (unit := unit_of(path, one)):
        declared["unit"] = unit
    if kind == "string" and one.all_values and 1 < len(one.values) <= _ENUM_MOST and one.count >= _ENUM_TIMES * len(one.values):
        codes = {str(value): slug(str(value)) for value in sorted(one.values, key=str)}
        if all(_is_code(code) for code in codes) and len(set(codes.values())) == len(codes):
            declared |= {"type": "enum", "values": list(codes.values()), "codes": codes}
    return declared


def _is_code(text: str) -> bool:
    """Whether a text looks like a code and not like a version, a name or a file."""
    return len(text) <= _CODE_MOST and bool(slug(text)) and not any(sign in text for sign in "./:")
