"""InfluxQL out, rows back: quoting, and a reader of the (chunked) JSON answer of GET /query."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ioc.domain.point import StoreUnavailableError

_NOT_SAYABLE = re.compile(r"[\x00\r]")
_IN_TEXT = str.maketrans({"\\": r"\\", "'": r"\'", "\n": r"\n"})
_IN_NAME = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Rows(msgspec.Struct, frozen=True):
    """Rows of one statement that share name and tags."""

    statement: int
    name: str
    tags: dict[str, str]
    columns: list[str]
    values: list[list[Any]]


class _Series(msgspec.Struct):
    columns: list[str]
    name: str = ""
    tags: dict[str, str] = {}
    values: list[list[Any]] = []


class _Result(msgspec.Struct):
    statement_id: int = 0
    series: list[_Series] = []
    error: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


_decoder = msgspec.json.Decoder(_Answer)


def can_ask(*words: str) -> bool:
    """Whether the language can say these names and texts at all; if not, nothing is stored under them either."""
    return not any(map(_NOT_SAYABLE.search, words))


def text(value: str) -> str:
    """A string literal."""
    return f"'{value.translate(_IN_TEXT)}'"


def name(value: str) -> str:
    """A measurement, field or tag name."""
    return f'"{value.translate(_IN_NAME)}"'


def during(start: int, end: int) -> str:
    """The condition start ≤ time < end (Unix ms)."""
    return f"time >= {start}ms AND time < {end}ms"


def tagged(tags: Mapping[str, str]) -> str:
    """The condition that every tag has its value, led by AND; empty for no tags."""
    return "".join(f" AND {name(tag)} = {text(value)}" for tag, value in sorted(tags.items()))


def read_rows(body: bytes) -> Iterator[Rows]:
    """Rows of all statements, piece by piece as the server sent them; StoreUnavailableError with its words when it refused one."""
    for document in body.splitlines():
        if not document.strip():
            continue
        try:
            answer = _decoder.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            detail = f"InfluxDB's answer can't be read: {error}"
            raise StoreUnavailableError(detail) from None
        for result in answer.results:
            if answer.error or result.error:
                detail = f"InfluxDB refuses the query: {answer.error or result.error}"
                raise StoreUnavailableError(detail)
            for series in result.series:
                yield Rows(result.statement_id, series.name, series.tags, series.columns, series.values)
