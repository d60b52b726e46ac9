"""What is known of the fields that groups of devices tell, and the drifts that were raised: as bodies that only their owner reads."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.schema import drift as table
from ioc.adapters.state.transaction import OpenTransaction
from ioc.adapters.state.upsert import replace


class DriftShelf:
    """The bodies in state.db, as `StateDb.drift`; keys are unique over both kinds."""

    def __init__(self, write: OpenTransaction, read: OpenTransaction) -> None:
        self._write = write
        self._read = read

    async def put(self, bodies: Mapping[str, bytes | None]) -> None:
        """Inserts or replaces them; None removes."""
        async with self._write() as conn:
            await _put(conn, bodies)

    async def all(self) -> dict[str, bytes]:
        """Every body by its key."""
        async with self._read() as conn:
            rows = await conn.execute(select(table.c.key, table.c.body).order_by(table.c.key))
            return {row.key: row.body for row in rows}


async def _put(conn: AsyncConnection, bodies: Mapping[str, bytes | None]) -> None:
    await replace(conn, table, [{"key": key, "body": body} for key, body in bodies.items() if body is not None])
    gone = [{"of_key": key} for key, body in bodies.items() if body is None]
    if gone:
        await conn.execute(delete(table).where(table.c.key == bindparam("of_key")), gone)
