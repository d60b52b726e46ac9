"""How far rolling up has come, and which hours are due again."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select

from ioc.adapters.state.schema import rollup_due, rollup_position
from ioc.adapters.state.transaction import Transact
from ioc.adapters.state.upsert import accumulate, replace
from ioc.domain.rollup import DueHour

Marked = tuple[DueHour, int]
"""An hour, and how often it was marked: one marked again while it is being rolled up stays due."""


def mark_due(conn: Connection, hours: Iterable[DueHour]) -> None:
    """Each of them is due, once more if it was already."""
    accumulate(conn, rollup_due, [{"family": one.family, "device": one.device, "hour": one.hour, "marks": 1} for one in hours])


class RollupBook:
    """Position and due hours in state.db; StateUnavailableError when it can't be read or written."""

    def __init__(self, write: Transact, read: Transact) -> None:
        self._write = write
        self._read = read

    async def position(self) -> int | None:
        """All minutes that begin before it are rolled up; None = none ever was."""
        return await self._read(_position)

    async def advance(self, minute: int) -> None:
        """The minutes before this one are rolled up."""
        await self._write(replace, rollup_position, [{"id": 1, "minute": minute}])

    async def due(self, limit: int) -> list[Marked]:
        """Due hours, oldest first."""
        return await self._read(_due, limit)

    async def waiting(self) -> int:
        """How many hours of devices are due."""
        return await self._read(_waiting)

    async def done(self, hours: Sequence[Marked]) -> None:
        """They are rolled up, but for those that have been marked again since."""
        await self._write(_unmark, hours)


def _position(conn: Connection) -> int | None:
    return conn.execute(select(rollup_position.c.minute)).scalar()


def _due(conn: Connection, limit: int) -> list[Marked]:
    c = rollup_due.c
    rows = conn.execute(select(rollup_due).order_by(c.hour, c.family, c.device).limit(limit))
    return [(DueHour(row["family"], row["device"], row["hour"]), row["marks"]) for row in rows.mappings()]


def _waiting(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(rollup_due)).scalar_one())


def _unmark(conn: Connection, hours: Sequence[Marked]) -> None:
    c = rollup_due.c
    these = (c.family == bindparam("f"), c.device == bindparam("d"), c.hour == bindparam("h"), c.marks == bindparam("m"))
    conn.execute(delete(rollup_due).where(*these), [{"f": one.family, "d": one.device, "h": one.hour, "m": marks} for one, marks in hours])
