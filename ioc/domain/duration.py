"""Durations as people write them in files: `60s`, `5m`, `30d`."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


def parse_duration(text: object) -> int:
    """Milliseconds of a text like `500ms`, `60s`, `1.5h`, `90d`; ValueError says what was expected."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = _PATTERN.fullmatch(str(text).strip())
    if match is None:
        msg = f"{text!r} is not a duration; write a number and ms, s, m, h or d, for example 60s"
        raise ValueError(msg)
    return round(float(match[1]) * _UNITS_MS[match[2]])


def format_duration(ms: int) -> str:
    """The shortest exact text of a duration: 60000 is `1m`, 90000 is `90s`."""
    for unit in ("d", "h", "m", "s"):
        if ms and ms % _UNITS_MS[unit] == 0:
            return f"{ms // _UNITS_MS[unit]}{unit}"
    return f"{ms}ms"


DurationMs = Annotated[int, BeforeValidator(parse_duration)]
"""A pydantic field: a duration's text in, milliseconds (int) out."""
