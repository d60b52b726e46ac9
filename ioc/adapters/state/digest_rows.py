"""What silences hid, and until when that has been told."""

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ioc.adapters.state.alarm_rows import some_alarms
from ioc.adapters.state.schema import silence_digests, silences, unsent
from ioc.adapters.state.silence_rows import silence_of
from ioc.adapters.state.upsert import replace
from ioc.domain.silence import Hidden, Silence

_NEVER = -1


async def untold_silences(conn: AsyncConnection, now: int) -> list[tuple[Silence, int]]:
    """Silences that have begun and of whose end it has not been told, with the moment until which it has been told what they hid."""
    told = silence_digests.c.told_until
    query = (
        select(silences, told)
        .outerjoin(silence_digests, silence_digests.c.silence == silences.c.id)
        .where(silences.c.since <= now, or_(told.is_(None), told < silences.c.until))
        .order_by(silences.c.id)
    )
    rows = (await conn.execute(query)).mappings()
    return [(silence_of(row), _NEVER if row["told_until"] is None else row["told_until"]) for row in rows]


async def hidden_by(conn: AsyncConnection, silence: str, after: int = _NEVER) -> list[Hidden]:
    """Alarms whose first message the silence held back later than `after` (Unix ms), the first held back first."""
    first = func.min(unsent.c.at)
    mine = (unsent.c.by == silence, unsent.c.reason == "silenced", unsent.c.at > after)
    rows = (await conn.execute(select(unsent.c.alarm, first.label("at")).where(*mine).group_by(unsent.c.alarm).order_by(first))).all()
    alarms = {alarm.id: alarm for alarm in await some_alarms(conn, [row.alarm for row in rows])}
    return [Hidden(alarm=alarms[row.alarm], at=row.at) for row in rows if row.alarm in alarms]


async def put_told_until(conn: AsyncConnection, silence: str, until: int) -> None:
    """Remembers that it has been told what the silence hid by then."""
    await replace(conn, silence_digests, [{"silence": silence, "told_until": until}])
