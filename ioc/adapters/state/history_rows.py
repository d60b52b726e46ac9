"""What ended long ago: alarms with their journal, messages with their attempts, orders that took devices out of service."""

from sqlalchemy import Connection, delete, func, or_, select, tuple_

from ioc.adapters.state.schema import alarms, attempts, journal, outbox, service_orders
from ioc.adapters.state.why_rows import drop_traces

AT_ONCE = 5_000
"""Alarms, and messages, that one call forgets: others wait for its transaction."""


def drop_history(conn: Connection, before: int) -> None:
    """Forgets what ended earlier (Unix ms). The newest entry of the journal stays whatever it tells: it numbers the next one."""
    over = list(conn.execute(select(alarms.c.id).where(alarms.c.cleared_at < before).limit(AT_ONCE)).scalars())
    newest = select(func.max(journal.c.seq)).scalar_subquery()
    conn.execute(delete(journal).where(journal.c.alarm.in_(over), journal.c.seq < newest))
    conn.execute(delete(alarms).where(alarms.c.id.in_(over)))
    drop_traces(conn, over)
    conn.execute(delete(service_orders).where(or_(service_orders.c.ended_at < before, service_orders.c.until < before)))
    ended = conn.execute(select(outbox.c.key, outbox.c.channel).where(outbox.c.done_at < before).limit(AT_ONCE)).all()
    keys = [(row.key, row.channel) for row in ended]
    conn.execute(delete(attempts).where(tuple_(attempts.c.key, attempts.c.channel).in_(keys)))
    conn.execute(delete(outbox).where(tuple_(outbox.c.key, outbox.c.channel).in_(keys)))
