"""Rows of the tables as the frozen values they came from: nested values travel as JSON text."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping

T = TypeVar("T", bound=msgspec.Struct)
Row = dict[str, Any]


def to_json(value: object) -> str:
    """The JSON text that stands in the column."""
    return msgspec.json.encode(value).decode()


def to_row(value: msgspec.Struct, *, json: frozenset[str] = frozenset()) -> Row:
    """Column → value; the fields named by `json` become JSON text."""
    row = msgspec.structs.asdict(value)
    for field in json:
        row[field] = to_json(row[field])
    return row


def from_row(kind: type[T], row: RowMapping, *, json: frozenset[str] = frozenset()) -> T:
    """The value that `to_row` took apart; further columns are left alone."""
    fields = {name: row[name] for name in kind.__struct_fields__}
    for field in json:
        fields[field] = msgspec.json.decode(fields[field])
    return msgspec.convert(fields, kind)
