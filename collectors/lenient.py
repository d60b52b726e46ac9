"""The second path of decoding: saves from a message what can be saved, field by field."""

import json
import math
import unicodedata
from collections.abc import Callable
from typing import cast

from ioc.domain.family import INT64_MAX, MAX_STRING, Metric, MetricType
from ioc.domain.sample import Reason, Refusal, Value

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_KEYS = 256
MAX_INT_DIGITS = 20

Json = dict[str, object]


class RefusedError(Exception):
    """A whole message, or one value, can't be stored; carries the Refusal."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.device: str | None = None
        """Who sent it, where only the payload tells that."""

    def refusal(self, field: str | None = None) -> Refusal:
        """The same as a value."""
        return Refusal(self.reason, self.detail, field)


def parse_object(payload: bytes) -> Json:
    """The JSON object of a payload, lenient about NaN, BOM and trailing NULs; RefusedError says why not."""
    if len(payload) > MAX_BYTES:
        raise RefusedError(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_BYTES}")
    try:
        text = payload.decode("utf-8-sig").rstrip("\x00 \t\r\n")
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.NOT_UTF8, f"byte {error.start} is not UTF-8") from None
    try:
        document = _JSON.decode(text)
    except RecursionError:
        raise RefusedError(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise RefusedError(Reason.NOT_JSON, f"{error.msg.removesuffix(' at')} at character {error.pos}") from None
    if not isinstance(document, dict):
        raise RefusedError(Reason.NOT_OBJECT, f"a JSON {kind_of(document)}, not an object")
    _check_shape(document)
    return document


def convert(metric: Metric, value: object) -> Value:
    """A JSON value as the metric's type; RefusedError (with the reason for this field) if something would be lost."""
    return _CONVERTERS[metric.type](metric, value)


def _flag(value: object) -> int:
    if isinstance(value, int | float) and value in (0, 1):
        return int(value)
    raise _wrong(value, "true or false")


def _named(metric: Metric, value: object) -> str:
    text = clean_string(value)
    if text not in metric.values:
        raise RefusedError(Reason.UNKNOWN_VALUE, f"{text[:40]!r} is none of {', '.join(metric.values)}")
    return text


def clean_string(value: object) -> str:
    """A string in NFC, at most 128 characters."""
    if not isinstance(value, str):
        raise _wrong(value, "a string")
    text = value if value.isascii() else unicodedata.normalize("NFC", value)
    if len(text) > MAX_STRING:
        raise RefusedError(Reason.TOO_LONG, f"{len(text)} characters; at most {MAX_STRING}")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise RefusedError(Reason.NOT_UTF8, "holds half of a surrogate pair")
    return text


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RefusedError(Reason.NOT_FINITE, "not a finite number")
    return number


def _int(value: object) -> int:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RefusedError(Reason.NOT_FINITE, "not a finite number")
        if not value.is_integer():
            raise _wrong(value, "a whole number")
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, "a whole number")
    if abs(value) > INT64_MAX:
        raise RefusedError(Reason.NOT_FINITE, "does not fit 64 bits")
    return value


_CONVERTERS: dict[MetricType, Callable[[Metric, object], Value]] = {
    MetricType.FLOAT: lambda _, value: _float(value),
    MetricType.INT: lambda _, value: _int(value),
    MetricType.BOOL: lambda _, value: _flag(value),
    MetricType.STRING: lambda _, value: clean_string(value),
    MetricType.ENUM: _named,
}


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else float(digits)


_JSON = json.JSONDecoder(parse_int=_parse_int)
"""Made once: that takes longer than most payloads."""


def _check_shape(document: Json) -> None:
    keys = 0
    level: list[object] = [document]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                keys += len(node)
                below += cast("Json", node).values()
            elif isinstance(node, list):
                below += node
        if keys > MAX_KEYS:
            raise RefusedError(Reason.TOO_MANY_KEYS, f"more than {MAX_KEYS} keys")
        level = [node for node in below if isinstance(node, dict | list)]
        if not level:
            return
    raise RefusedError(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH}")


def _wrong(value: object, expected: str) -> RefusedError:
    return RefusedError(Reason.WRONG_TYPE, f"expected {expected}, got {kind_of(value)}")


def kind_of(value: object) -> str:
    """JSON's name of a value's type."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object", type(None): "null"}
    return names[type(value)]
