"""Quarantined messages that the ledger counts as recovered, until the quarantine knows it too: a crash counts none twice."""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.schema import recovered as table


async def remember_recovered(conn: AsyncConnection, items: Collection[str]) -> frozenset[str]:
    """Those of the items that were not remembered before."""
    new = frozenset(items) - await all_recovered(conn)
    if new:
        await conn.execute(insert(table), [{"item": item} for item in sorted(new)])
    return new


async def all_recovered(conn: AsyncConnection) -> frozenset[str]:
    """Every remembered item: at most those of one run."""
    return frozenset((await conn.execute(select(table.c.item))).scalars())


async def forget_recovered(conn: AsyncConnection, items: Collection[str]) -> None:
    """The quarantine knows them."""
    if items:
        await conn.execute(delete(table).where(table.c.item == bindparam("of_item")), [{"of_item": item} for item in items])
