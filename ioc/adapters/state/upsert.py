"""Insert-or-change in the dialects that know it, SQLite and PostgreSQL, which share the form."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = dict[str, Any]


def insert_missing(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts the rows whose primary key isn't there yet and leaves the others as they are."""
    if rows:
        conn.execute(_insert(conn.dialect.name, table).on_conflict_do_nothing(index_elements=_key(table)), rows)


def replace(conn: Connection, table: Table, rows: Sequence[Row], *, keep: frozenset[str] = frozenset()) -> None:
    """Inserts the rows, or gives those already there the new values, except in the columns `keep`."""
    if rows:
        conn.execute(_upsert(conn.dialect.name, table, adding=False, keep=keep), rows)


def accumulate(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts the rows, or adds their numbers to those already there."""
    if rows:
        conn.execute(_upsert(conn.dialect.name, table, adding=True), rows)


@cache
def _upsert(dialect: str, table: Table, *, adding: bool, keep: frozenset[str] = frozenset()) -> sqlite.Insert:
    """Built once: a batch's booking would otherwise spend most of its time on it."""
    insert = _insert(dialect, table)
    changed = [column for column in table.columns if not column.primary_key and column.name not in keep]
    changes = {column.name: column + insert.excluded[column.name] if adding else insert.excluded[column.name] for column in changed}
    return insert.on_conflict_do_update(index_elements=_key(table), set_=changes)


def _insert(dialect: str, table: Table) -> sqlite.Insert:
    # Both dialects' inserts have the same methods; typed as one of them.
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)  # type: ignore[return-value]


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]
