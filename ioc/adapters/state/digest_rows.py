"""What silences hid, and until when that has been told."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select

from ioc.adapters.state.alarm_rows import some_alarms
from ioc.adapters.state.outbox_rows import add_messages
from ioc.adapters.state.schema import silence_digests, silences, unsent
from ioc.adapters.state.silence_rows import silence_of
from ioc.adapters.state.upsert import replace
from ioc.adapters.state.why_rows import put_told
from ioc.domain.alarm import OutboxMessage
from ioc.domain.silence import Hidden, Silence

_NEVER = -1


def untold_silences(conn: Connection, now: int) -> list[tuple[Silence, int]]:
    """Silences that have begun and of whose end it has not been told, with the moment until which it has been told what they hid."""
    told = silence_digests.c.told_until
    query = (
        select(silences, told)
        .outerjoin(silence_digests, silence_digests.c.silence == silences.c.id)
        .where(silences.c.since <= now, or_(told.is_(None), told < silences.c.until))
        .order_by(silences.c.id)
    )
    rows = conn.execute(query).mappings()
    return [(silence_of(row), _NEVER if row["told_until"] is None else row["told_until"]) for row in rows]


def hidden_by(conn: Connection, silence: str, after: int = _NEVER) -> list[Hidden]:
    """Alarms whose first message the silence held back later than `after` (Unix ms), the first held back first."""
    first = func.min(unsent.c.at)
    mine = (unsent.c.by == silence, unsent.c.reason == "silenced", unsent.c.at > after)
    rows = conn.execute(select(unsent.c.alarm, first.label("at")).where(*mine).group_by(unsent.c.alarm).order_by(first)).all()
    alarms = {alarm.id: alarm for alarm in some_alarms(conn, [row.alarm for row in rows])}
    return [Hidden(alarm=alarms[row.alarm], at=row.at) for row in rows if row.alarm in alarms]


def put_digest(conn: Connection, silence: str, until: int, messages: Sequence[OutboxMessage]) -> None:
    """Queues the messages that tell what the silence hid by then, and remembers that they do."""
    add_messages(conn, messages)
    put_told(conn, messages)
    replace(conn, silence_digests, [{"silence": silence, "told_until": until}])
