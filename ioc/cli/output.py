"""What commands print: JSON for scripts, aligned columns for people; errors go to standard error."""

import json
import logging
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_GAP = "  "
_NOTHING = "-"


def print_json(document: object) -> None:
    """A JSON document, readable and in the original script."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> None:
    """Rows under the columns' names; `empty` is said where there are none."""
    lines = [[_cell(row.get(column)) for column in columns] for row in rows]
    if not lines:
        print(empty)
        return
    table = [[column.replace("_", " ").upper() for column in columns], *lines]
    widths = [max(_width(line[index]) for line in table) for index in range(len(columns))]
    for line in table:
        print(_GAP.join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())


def say(text: str) -> None:
    """A remark that is not the result: to standard error."""
    print(text, file=sys.stderr)


@contextmanager
def errors_only() -> Iterator[None]:
    """Parts of the server that a command puts to work log their errors, to standard error, and nothing else."""
    import structlog

    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def _cell(value: Any) -> str:  # noqa: ANN401  any JSON
    if value is None or value in ("", [], {}):
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ";".join(f"{key}={part}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return printable(str(value))


def printable(text: str, *, keep: str = "") -> str:
    """Text from devices and files may hold control characters, which a terminal must not obey; those in `keep` stay."""
    return "".join(sign if unicodedata.category(sign)[0] != "C" or sign in keep else "�" for sign in text)


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
