"""Silences as rows."""

from sqlalchemy import RowMapping, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import silence_digests
from ioc.adapters.state.schema import silences as table
from ioc.adapters.state.upsert import replace
from ioc.domain.silence import Silence

_JSON = frozenset({"weekly"})


async def put_silence(conn: AsyncConnection, silence: Silence) -> None:
    """Inserts or replaces the silence by id."""
    await replace(conn, table, [to_row(silence, json=_JSON)])


async def remove_silence(conn: AsyncConnection, silence: str) -> bool:
    """Whether there was one to remove."""
    await conn.execute(delete(silence_digests).where(silence_digests.c.silence == silence))
    return (await conn.execute(delete(table).where(table.c.id == silence))).rowcount == 1


async def one_silence(conn: AsyncConnection, silence: str) -> Silence | None:
    """The silence with this id, or None."""
    row = (await conn.execute(select(table).where(table.c.id == silence))).mappings().one_or_none()
    return None if row is None else silence_of(row)


async def list_silences(conn: AsyncConnection, until_after: int | None, after: str | None, limit: int | None) -> list[Silence]:
    """Silences by id; `until_after` leaves out those that ended by then, `after` those up to that id."""
    query = select(table).order_by(table.c.id).limit(limit)
    if until_after is not None:
        query = query.where(table.c.until > until_after)
    if after is not None:
        query = query.where(table.c.id > after)
    return [silence_of(row) for row in (await conn.execute(query)).mappings()]


def silence_of(row: RowMapping) -> Silence:
    """A row as a silence."""
    return from_row(Silence, row, json=_JSON)
