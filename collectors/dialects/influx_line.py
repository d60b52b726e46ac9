r"""Influx line protocol as agents publish it, read into measurements, tags and fields.

Reads what InfluxDB 2.7 reads: `,`, `=` and space are escaped in names and tags, `"` and `\\` in texts; `i` and `u` end whole numbers.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from collectors.lenient import MAX_BYTES, MAX_KEYS, Json, RefusedError
from ioc.domain.dialect_check import TAGS
from ioc.domain.sample import Reason

FieldValue = float | int | bool | str
_IN_MEASUREMENT, _IN_NAME = ", ", ",= "
_WHOLE = re.compile(r"([+-]?[0-9]{1,20})([iu])")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_TIME = re.compile(r"-?[0-9]{1,19}")
_VALUE, _END = "a number, true, false or a text in quotes", "a space and a time, or the end of the line"
_TRUTHS = {**dict.fromkeys(("t", "T", "true", "True", "TRUE"), True), **dict.fromkeys(("f", "F", "false", "False", "FALSE"), False)}


class Line(msgspec.Struct, frozen=True):
    """One line; `ts` in the agent's unit, None where it tells none."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, FieldValue]
    ts: int | None


def read_lines(payload: bytes) -> list[Line]:
    """The lines of a payload, comments left out; RefusedError says at which character it is no line protocol."""
    if len(payload) > MAX_BYTES:
        raise RefusedError(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_BYTES}")
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    lines = list(_Reader(text.rstrip("\x00")).lines())
    if not lines:
        raise RefusedError(Reason.NOT_LINES, "no line with a value")
    if sum(len(line.fields) + len(line.tags) for line in lines) > MAX_KEYS:
        raise RefusedError(Reason.TOO_MANY_KEYS, f"more than {MAX_KEYS} fields and tags")
    return lines


def merge_lines(lines: Iterable[Line]) -> tuple[Json, int | None]:
    """All lines as one document, and their one time.

    A field stands under `measurement` and under each `measurement,tag=value` that its line carries; what all lines agree on
    stands under `tags`. A field that came twice with different values is a list. RefusedError where the times differ.
    """
    document: dict[str, dict[str, object]] = {}
    tags: dict[str, set[str]] = {}
    times: set[int] = set()
    for line in lines:
        for name, value in line.tags.items():
            tags.setdefault(name, set()).add(value)
        if line.ts is not None:
            times.add(line.ts)
        for series in (line.measurement, *(f"{line.measurement},{name}={value}" for name, value in line.tags.items())):
            _put(document.setdefault(series, {}), line.fields)
    if len(times) > 1:
        detail = "its lines tell several times, and one message is one instant; let the agent publish each measurement by itself"
        raise RefusedError(Reason.SEVERAL, detail)
    agreed: dict[str, object] = {name: next(iter(values)) for name, values in tags.items() if len(values) == 1}
    return {**document, TAGS: agreed}, next(iter(times), None)


def _put(held: dict[str, object], fields: Mapping[str, FieldValue]) -> None:
    for name, value in fields.items():
        old = held.get(name, value)
        held[name] = value if old == value else [old, value]


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def lines(self) -> Iterable[Line]:
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign in "\n\r \t":
                self._at += 1
            elif sign == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                yield self._line()

    def _line(self) -> Line:
        measurement = self._word(_IN_MEASUREMENT, _IN_MEASUREMENT, "a measurement")
        tags: dict[str, str] = {}
        while self._takes(","):
            name = self._name("a tag's name")
            tags[name] = self._word(_IN_NAME, _IN_NAME, "a tag's value")
        self._expect(" ", "a space before the fields")
        fields: dict[str, FieldValue] = {}
        while True:
            name = self._name("a field's name")
            fields[name] = self._quoted() if self._takes('"') else self._bare()
            if not self._takes(","):
                break
        return Line(measurement, tags, fields, self._end())

    def _name(self, what: str) -> str:
        name = self._word(_IN_NAME, _IN_NAME, what)
        self._expect("=", "= after a name")
        return name

    def _word(self, ends: str, escaped: str, what: str) -> str:
        """Up to an unescaped end; a backslash before anything else stands for itself."""
        text, start, parts = self._text, self._at, []
        while self._at < len(text) and text[self._at] not in ends and text[self._at] != "\n":
            if text[self._at] == "\\" and text[self._at + 1 : self._at + 2] and text[self._at + 1] in escaped:
                self._at += 1
            parts.append(text[self._at])
            self._at += 1
        if not parts:
            self._at = start
            raise self._fault(what)
        return "".join(parts)

    def _quoted(self) -> str:
        text, parts = self._text, []
        while self._at < len(text) and text[self._at] != '"':
            if text[self._at] == "\\" and text[self._at + 1 : self._at + 2] in {'"', "\\"}:
                self._at += 1
            parts.append(text[self._at])
            self._at += 1
        self._expect('"', "the closing quote")
        return "".join(parts)

    def _bare(self) -> FieldValue:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ", \n\r":
            self._at += 1
        word = self._text[start : self._at]
        whole = _WHOLE.fullmatch(word)
        if whole is not None:
            return int(whole[1])
        if _FLOAT.fullmatch(word):
            return float(word)
        if word in _TRUTHS:
            return _TRUTHS[word]
        self._at = start
        raise self._fault(_VALUE)

    def _end(self) -> int | None:
        start = self._at
        end = self._text.find("\n", start)
        self._at = len(self._text) if end < 0 else end
        rest = self._text[start : self._at].strip(" \r\t")
        if not rest:
            return None
        if self._text[start] != " " or not _TIME.fullmatch(rest):
            self._at = start
            raise self._fault(_END)
        return int(rest)

    def _takes(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str, what: str) -> None:
        if not self._takes(sign):
            raise self._fault(what)

    def _fault(self, what: str) -> RefusedError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return RefusedError(Reason.NOT_LINES, f"expected {what} at line {line}, character {column}")
