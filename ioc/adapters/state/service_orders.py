"""What people took out of service."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select, update

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.outbox_rows import add_messages
from ioc.adapters.state.schema import service_orders as table
from ioc.adapters.state.transaction import Transact
from ioc.adapters.state.upsert import replace
from ioc.domain.alarm import OutboxMessage
from ioc.domain.service import ServiceOrder


class ServiceOrders:
    """The orders of state.db, as `StateDb.service`; ended ones stay."""

    def __init__(self, write: Transact, read: Transact) -> None:
        self._write = write
        self._read = read

    async def put(self, order: ServiceOrder) -> None:
        """Adds an order; the one in force for the same device or unit ends with it."""
        await self._write(_put, order)

    async def end(self, order: str, *, at: int, by: str) -> bool:
        """Gives it back; whether it was not given back before."""
        return await self._write(_end, order, at, by)

    async def remind(self, messages: Sequence[OutboxMessage]) -> None:
        """Queues the messages; those known already stay as they are."""
        await self._write(add_messages, messages)

    async def get(self, order: str) -> ServiceOrder | None:
        """The order with this id, or None."""
        return await self._read(_one, order)

    async def list(self, *, in_force_at: int | None, after: str | None = None, limit: int | None = None) -> list[ServiceOrder]:
        """Orders by id; `in_force_at` (Unix ms) leaves out those that have ended by then, `after` those up to that id."""
        return await self._read(_list, in_force_at, after, limit)


def standing_orders(conn: Connection) -> tuple[ServiceOrder, ...]:
    """Orders that nobody has given back, those whose time is over among them."""
    rows = conn.execute(select(table).where(table.c.ended_at.is_(None)).order_by(table.c.since, table.c.id))
    return tuple(from_row(ServiceOrder, row) for row in rows.mappings())


def _put(conn: Connection, order: ServiceOrder) -> None:
    kind, name = order.subject
    former = (table.c[kind] == name) & table.c.ended_at.is_(None) & (table.c.id != order.id)
    conn.execute(update(table).where(former).values(ended_at=order.since, ended_by=order.by))
    replace(conn, table, [to_row(order)])


def _end(conn: Connection, order: str, at: int, by: str) -> bool:
    stands = (table.c.id == order) & table.c.ended_at.is_(None)
    return conn.execute(update(table).where(stands).values(ended_at=at, ended_by=by)).rowcount == 1


def _one(conn: Connection, order: str) -> ServiceOrder | None:
    row = conn.execute(select(table).where(table.c.id == order)).mappings().one_or_none()
    return None if row is None else from_row(ServiceOrder, row)


def _list(conn: Connection, in_force_at: int | None, after: str | None, limit: int | None) -> list[ServiceOrder]:
    query = select(table).order_by(table.c.id).limit(limit)
    if in_force_at is not None:
        query = query.where(table.c.ended_at.is_(None), or_(table.c.until.is_(None), table.c.until > in_force_at))
    if after is not None:
        query = query.where(table.c.id > after)
    return [from_row(ServiceOrder, row) for row in conn.execute(query).mappings()]
