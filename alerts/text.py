"""Texts of alarms: named fields only, replaced by values as people of each language write them."""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from alerts.computed import Computed
from ioc.domain.family import Label, Metric, MetricType
from ioc.domain.sample import Value

MAX_TEXT = 400
"""Longest text of an alarm, in characters."""
MAX_VALUE = 64
"""Longest value within a text."""
LANGUAGES = ("vi", "en")
FIXED_FIELDS = ("device", "device_name", "unit_name", "value", "detail")
GROUP_FIELDS = ("group", "unit_name", "value")
"""Fields of texts about several devices."""
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_UNKNOWN = {"vi": "không rõ", "en": "unknown"}
_TRUTH = {"vi": ("không", "có"), "en": ("no", "yes")}
_DIGITS = 3
_SMALL = 0.001

Fields = Callable[[str, str], str | None]
"""The text of a field in a language; None = there is no such field."""


def fields_in(text: str) -> list[str]:
    """The names in braces, in order."""
    return _FIELD.findall(text)


def render(label: Label, fields: Fields) -> dict[str, str]:
    """The text in every language; an unknown field stays as it is written, braces mean nothing else."""
    return {language: _filled(label.text(language), language, fields) for language in LANGUAGES}


def _filled(text: str, language: str, fields: Fields) -> str:
    if "{" not in text:
        return cut(text, MAX_TEXT)

    def replaced(match: re.Match[str]) -> str:
        value = fields(match[1], language)
        return match[0] if value is None else value

    return cut(_FIELD.sub(replaced, text), MAX_TEXT)


def cut(text: str, length: int) -> str:
    """The text, or as much of it as fits with a sign that something is missing."""
    return text if len(text) <= length else text[: length - 1] + "…"


def plain_text(text: str) -> str:
    """A device's text on one line without control characters, cut to length."""
    return cut(" ".join("".join(char if char.isprintable() else " " for char in text).split()), MAX_VALUE)


def value_text(metric: Metric, value: Value, language: str) -> str:
    """A metric's value as people read it: states by name, yes and no, numbers with the language's signs."""
    if value is None:
        return _UNKNOWN[language]
    if metric.type is MetricType.BOOL:
        return _TRUTH[language][bool(value)]
    if isinstance(value, str):
        label = metric.value_labels.get(value)
        return plain_text(value) if label is None else label.text(language).lower()
    if isinstance(metric, Computed):
        return metric.said.text(language).replace("{number}", number_text(value, language) if math.isfinite(value) else "∞")
    return number_text(value, language)


def number_text(number: float, language: str) -> str:
    """At most three decimals, grouped by thousands: 1.234,5 in Vietnamese, 1,234.5 in English."""
    rounded = round(number, _DIGITS)
    text = f"{number:.1e}" if number and abs(number) < _SMALL else f"{Decimal(str(rounded)):,f}"
    if "e" not in text and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.translate(_VIETNAMESE) if language == "vi" else text


_VIETNAMESE = str.maketrans({",": ".", ".": ","})


def short_value(value: Value) -> str:
    """A value in a journal's reason."""
    if isinstance(value, float):
        return f"{value:g}"
    return "?" if value is None else plain_text(str(value))


def reason(names: Mapping[str, Value]) -> str:
    """The values that decided, as the journal keeps them."""
    return cut(", ".join(f"{name}={short_value(value)}" for name, value in names.items()), MAX_TEXT)
