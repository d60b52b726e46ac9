"""Silences as rows."""

from sqlalchemy import Connection, RowMapping, delete, select

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import silence_digests
from ioc.adapters.state.schema import silences as table
from ioc.adapters.state.upsert import replace
from ioc.domain.silence import Silence

_JSON = frozenset({"weekly"})


def put_silence(conn: Connection, silence: Silence) -> None:
    """Inserts or replaces the silence by id."""
    replace(conn, table, [to_row(silence, json=_JSON)])


def remove_silence(conn: Connection, silence: str) -> bool:
    """Whether there was one to remove."""
    conn.execute(delete(silence_digests).where(silence_digests.c.silence == silence))
    return conn.execute(delete(table).where(table.c.id == silence)).rowcount == 1


def one_silence(conn: Connection, silence: str) -> Silence | None:
    """The silence with this id, or None."""
    row = conn.execute(select(table).where(table.c.id == silence)).mappings().one_or_none()
    return None if row is None else silence_of(row)


def list_silences(conn: Connection, until_after: int | None, after: str | None, limit: int | None) -> list[Silence]:
    """Silences by id; `until_after` leaves out those that ended by then, `after` those up to that id."""
    query = select(table).order_by(table.c.id).limit(limit)
    if until_after is not None:
        query = query.where(table.c.until > until_after)
    if after is not None:
        query = query.where(table.c.id > after)
    return [silence_of(row) for row in conn.execute(query).mappings()]


def silence_of(row: RowMapping) -> Silence:
    """A row as a silence."""
    return from_row(Silence, row, json=_JSON)
