"""What people took out of service."""

from collections.abc import Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.outbox_rows import add_messages
from ioc.adapters.state.schema import service_orders as table
from ioc.adapters.state.transaction import OpenTransaction
from ioc.adapters.state.upsert import replace
from ioc.domain.alarm import OutboxMessage
from ioc.domain.service import ServiceOrder


class ServiceOrders:
    """The orders of state.db, as `StateDb.service`; ended ones stay."""

    def __init__(self, write: OpenTransaction, read: OpenTransaction) -> None:
        self._write = write
        self._read = read

    async def put(self, order: ServiceOrder) -> None:
        """Adds an order; the one in force for the same device or unit ends with it."""
        kind, name = order.subject
        former = (table.c[kind] == name) & table.c.ended_at.is_(None) & (table.c.id != order.id)
        async with self._write() as conn:
            await conn.execute(update(table).where(former).values(ended_at=order.since, ended_by=order.by))
            await replace(conn, table, [to_row(order)])

    async def end(self, order: str, *, at: int, by: str) -> bool:
        """Gives it back; whether it was not given back before."""
        async with self._write() as conn:
            stands = (table.c.id == order) & table.c.ended_at.is_(None)
            return (await conn.execute(update(table).where(stands).values(ended_at=at, ended_by=by))).rowcount == 1

    async def remind(self, messages: Sequence[OutboxMessage]) -> None:
        """Queues the messages; those known already stay as they are."""
        async with self._write() as conn:
            await add_messages(conn, messages)

    async def get(self, order: str) -> ServiceOrder | None:
        """The order with this id, or None."""
        async with self._read() as conn:
            row = (await conn.execute(select(table).where(table.c.id == order))).mappings().one_or_none()
            return None if row is None else from_row(ServiceOrder, row)

    async def list(self, *, in_force_at: int | None, after: str | None = None, limit: int | None = None) -> list[ServiceOrder]:
        """Orders by id; `in_force_at` (Unix ms) leaves out those that have ended by then, `after` those up to that id."""
        query = select(table).order_by(table.c.id).limit(limit)
        if in_force_at is not None:
            query = query.where(table.c.ended_at.is_(None), or_(table.c.until.is_(None), table.c.until > in_force_at))
        if after is not None:
            query = query.where(table.c.id > after)
        async with self._read() as conn:
            return [from_row(ServiceOrder, row) for row in (await conn.execute(query)).mappings()]


async def standing_orders(conn: AsyncConnection) -> tuple[ServiceOrder, ...]:
    """Orders that nobody has given back, those whose time is over among them."""
    rows = await conn.execute(select(table).where(table.c.ended_at.is_(None)).order_by(table.c.since, table.c.id))
    return tuple(from_row(ServiceOrder, row) for row in rows.mappings())
