"""How far rolling up has come, and which hours are due again."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.schema import rollup_due, rollup_position
from ioc.adapters.state.upsert import accumulate, replace
from ioc.domain.rollup import DueHour

Transaction = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
Marked = tuple[DueHour, int]
"""An hour, and how often it was marked: one marked again while it is being rolled up stays due."""


async def mark_due(conn: AsyncConnection, hours: Iterable[DueHour]) -> None:
    """Each of them is due, once more if it was already."""
    await accumulate(conn, rollup_due, [{"family": one.family, "device": one.device, "hour": one.hour, "marks": 1} for one in hours])


class RollupBook:
    """Position and due hours in state.db; StateUnavailableError when it can't be read or written."""

    def __init__(self, write: Transaction, read: Transaction) -> None:
        self._write = write
        self._read = read

    async def position(self) -> int | None:
        """All minutes that begin before it are rolled up; None = none ever was."""
        async with self._read() as conn:
            return (await conn.execute(select(rollup_position.c.minute))).scalar()

    async def advance(self, minute: int) -> None:
        """The minutes before this one are rolled up."""
        async with self._write() as conn:
            await replace(conn, rollup_position, [{"id": 1, "minute": minute}])

    async def due(self, limit: int) -> list[Marked]:
        """Due hours, oldest first."""
        c = rollup_due.c
        async with self._read() as conn:
            rows = await conn.execute(select(rollup_due).order_by(c.hour, c.family, c.device).limit(limit))
            return [(DueHour(row["family"], row["device"], row["hour"]), row["marks"]) for row in rows.mappings()]

    async def waiting(self) -> int:
        """How many hours of devices are due."""
        async with self._read() as conn:
            return int((await conn.execute(select(func.count()).select_from(rollup_due))).scalar_one())

    async def done(self, hours: Sequence[Marked]) -> None:
        """They are rolled up, but for those that have been marked again since."""
        c = rollup_due.c
        these = (c.family == bindparam("f"), c.device == bindparam("d"), c.hour == bindparam("h"), c.marks == bindparam("m"))
        async with self._write() as conn:
            await conn.execute(
                delete(rollup_due).where(*these), [{"f": one.family, "d": one.device, "h": one.hour, "m": marks} for one, marks in hours]
            )
