"""Insert-or-change in the dialects that know it, SQLite and PostgreSQL, which share the form."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = dict[str, Any]


async def insert_missing(conn: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts the rows whose primary key isn't there yet and leaves the others as they are."""
    if rows:
        await conn.execute(_insert(conn, table).on_conflict_do_nothing(index_elements=_key(table)), rows)


async def replace(conn: AsyncConnection, table: Table, rows: Sequence[Row], *, keep: frozenset[str] = frozenset()) -> None:
    """Inserts the rows, or gives those already there the new values, except in the columns `keep`."""
    await _upsert(conn, table, rows, lambda _old, new: new, keep=keep)


async def accumulate(conn: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts the rows, or adds their numbers to those already there."""
    await _upsert(conn, table, rows, lambda old, new: old + new)


async def _upsert(
    conn: AsyncConnection,
    table: Table,
    rows: Sequence[Row],
    change: Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]],
    *,
    keep: frozenset[str] = frozenset(),
) -> None:
    if not rows:
        return
    insert = _insert(conn, table)
    changes = {
        column.name: change(column, insert.excluded[column.name])
        for column in table.columns
        if not column.primary_key and column.name not in keep
    }
    await conn.execute(insert.on_conflict_do_update(index_elements=_key(table), set_=changes), rows)


def _insert(conn: AsyncConnection, table: Table) -> sqlite.Insert:
    # Both dialects' inserts have the same methods; typed as one of them.
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)  # type: ignore[return-value]


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]
