"""The journal of transitions, append-only: what we knew, when, and why."""

from collections.abc import Iterable

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import journal as table
from ioc.domain.alarm import Transition


async def append_transitions(conn: AsyncConnection, transitions: Iterable[Transition]) -> None:
    """Adds the entries; a number that is already there breaks the transaction (IntegrityError)."""
    rows = [to_row(transition) for transition in transitions]
    if rows:
        await conn.execute(insert(table), rows)


async def last_seq(conn: AsyncConnection) -> int:
    """Number of the newest entry, 0 for an empty journal."""
    return (await conn.execute(select(func.max(table.c.seq)))).scalar_one() or 0


async def journal_of(conn: AsyncConnection, alarm: str) -> list[Transition]:
    """All entries of one alarm, oldest first."""
    rows = await conn.execute(select(table).where(table.c.alarm == alarm).order_by(table.c.seq))
    return [from_row(Transition, row) for row in rows.mappings()]


async def journal_between(conn: AsyncConnection, start: int, end: int, limit: int) -> list[Transition]:
    """At most `limit` entries recorded in start ≤ recorded < end, oldest first."""
    query = select(table).where(table.c.recorded >= start, table.c.recorded < end).order_by(table.c.recorded, table.c.seq)
    return [from_row(Transition, row) for row in (await conn.execute(query.limit(limit))).mappings()]


async def journal_after(conn: AsyncConnection, seq: int, limit: int) -> list[Transition]:
    """At most `limit` entries with numbers above `seq`, oldest first."""
    rows = await conn.execute(select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(limit))
    return [from_row(Transition, row) for row in rows.mappings()]
