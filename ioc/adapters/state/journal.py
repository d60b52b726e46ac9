"""The journal of transitions, append-only: what we knew, when, and why."""

from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, select

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import journal as table
from ioc.domain.alarm import Transition


def append_transitions(conn: Connection, transitions: Iterable[Transition]) -> None:
    """Adds the entries; a number that is already there breaks the transaction (IntegrityError)."""
    rows = [to_row(transition) for transition in transitions]
    if rows:
        conn.execute(insert(table), rows)


def last_seq(conn: Connection) -> int:
    """Number of the newest entry, 0 for an empty journal."""
    return conn.execute(select(func.max(table.c.seq))).scalar_one() or 0


def journal_of(conn: Connection, alarm: str) -> list[Transition]:
    """All entries of one alarm, oldest first."""
    rows = conn.execute(select(table).where(table.c.alarm == alarm).order_by(table.c.seq))
    return [from_row(Transition, row) for row in rows.mappings()]


def journal_between(conn: Connection, start: int, end: int, limit: int) -> list[Transition]:
    """At most `limit` entries recorded in start ≤ recorded < end, oldest first."""
    query = select(table).where(table.c.recorded >= start, table.c.recorded < end).order_by(table.c.recorded, table.c.seq)
    return [from_row(Transition, row) for row in conn.execute(query.limit(limit)).mappings()]


def journal_after(conn: Connection, seq: int, limit: int) -> list[Transition]:
    """At most `limit` entries with numbers above `seq`, oldest first."""
    rows = conn.execute(select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(limit))
    return [from_row(Transition, row) for row in rows.mappings()]
