"""Cells of the registry's files: text in, value out, ValueError with what is wrong and what to write."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypeVar

from ioc.domain.topic import is_device_id

T = TypeVar("T")
MAX_NAME = 200
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_MAX_LABELS = 32
_MAX_LABEL_VALUE = 128


class Cells:
    """One row's cells, read column by column; what is wrong with them gathers in `wrong`."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self._cells = cells
        self.wrong: list[str] = []

    def read(self, column: str, parse: Callable[[str], T], default: T) -> T:
        """The parsed cell; `default` for an empty, absent or wrong one."""
        text = self._cells.get(column, "")
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.wrong.append(f"{column} {_shown(text)}: {error}")
            return default

    def need(self, column: str, parse: Callable[[str], str]) -> str:
        """Like `read`, where an empty cell is wrong."""
        if not self._cells.get(column):
            self.wrong.append(f"{column} is empty; write one")
        return self.read(column, parse, "")


def identifier(text: str) -> str:
    """A device's or unit's id."""
    if not is_device_id(text):
        msg = "an id has 1 to 64 of the letters A–Z a–z, digits, dot, hyphen and underscore"
        raise ValueError(msg)
    return text


def name(text: str) -> str:
    """A text on one line."""
    if len(text) > MAX_NAME:
        msg = f"{len(text)} characters; at most {MAX_NAME} are allowed"
        raise ValueError(msg)
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        msg = "it contains a line break or another control character; remove it"
        raise ValueError(msg)
    return text


def iso_date(text: str) -> str:
    """A day as `2025-07-01`."""
    try:
        if _DATE.fullmatch(text) is None:
            raise ValueError  # noqa: TRY301  same answer as for a day that doesn't exist
        dt.date.fromisoformat(text)
    except ValueError:
        msg = "write a day as year-month-day, for example 2025-07-01"
        raise ValueError(msg) from None
    return text


def latitude(text: str) -> float:
    """Degrees north."""
    return _degrees(text, 90)


def longitude(text: str) -> float:
    """Degrees east."""
    return _degrees(text, 180)


def labels(text: str) -> dict[str, str]:
    """`k=v;k=v`."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or _LABEL.fullmatch(key) is None or not value:
            msg = "write labels as key=value;key=value, keys of letters, digits and underscore"
            raise ValueError(msg)
        if key in found:
            msg = f"label {key!r} stands twice; keep one"
            raise ValueError(msg)
        if len(name(value)) > _MAX_LABEL_VALUE or len(found) >= _MAX_LABELS:
            msg = f"at most {_MAX_LABELS} labels of at most {_MAX_LABEL_VALUE} characters are allowed"
            raise ValueError(msg)
        found[key] = value
    return found


def _degrees(text: str, limit: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= limit:
        msg = f"write degrees from -{limit} to {limit} with a decimal point, for example 21.32"
        raise ValueError(msg)
    return value


def _shown(text: str) -> str:
    return repr(text) if len(text) <= MAX_NAME // 4 else repr(text[: MAX_NAME // 4]) + "…"
