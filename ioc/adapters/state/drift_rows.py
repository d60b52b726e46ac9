"""What is known of the fields that groups of devices tell, and the drifts that were raised: as bodies that only their owner reads."""

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, select

from ioc.adapters.state.schema import drift as table
from ioc.adapters.state.transaction import Transact
from ioc.adapters.state.upsert import replace


class DriftShelf:
    """The bodies in state.db, as `StateDb.drift`; keys are unique over both kinds."""

    def __init__(self, write: Transact, read: Transact) -> None:
        self._write = write
        self._read = read

    async def put(self, bodies: Mapping[str, bytes | None]) -> None:
        """Inserts or replaces them; None removes."""
        await self._write(_put, dict(bodies))

    async def all(self) -> dict[str, bytes]:
        """Every body by its key."""
        return await self._read(_all)


def _put(conn: Connection, bodies: Mapping[str, bytes | None]) -> None:
    replace(conn, table, [{"key": key, "body": body} for key, body in bodies.items() if body is not None])
    gone = [{"of_key": key} for key, body in bodies.items() if body is None]
    if gone:
        conn.execute(delete(table).where(table.c.key == bindparam("of_key")), gone)


def _all(conn: Connection) -> dict[str, bytes]:
    return {row.key: row.body for row in conn.execute(select(table.c.key, table.c.body).order_by(table.c.key))}
