"""Ids of the spool rows whose deliveries the ledger counts as spooled: a crash between spool and ledger is seen by comparing."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.schema import spooled as table
from ioc.adapters.state.upsert import insert_missing


async def book_spooled(conn: AsyncConnection, *, added: Sequence[int], removed: Sequence[int]) -> None:
    """Remembers the added ids and forgets the removed ones."""
    await insert_missing(conn, table, [{"id": row} for row in added])
    if removed:
        await conn.execute(delete(table).where(table.c.id == bindparam("of_id")), [{"of_id": row} for row in removed])


async def all_spooled(conn: AsyncConnection) -> frozenset[int]:
    """Every remembered id."""
    return frozenset((await conn.execute(select(table.c.id))).scalars())
