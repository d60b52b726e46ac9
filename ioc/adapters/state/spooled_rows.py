"""The spool rows whose deliveries the ledger counts as spooled: a crash between spool and ledger is seen by comparing."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import spooled as table
from ioc.adapters.state.upsert import insert_missing
from ioc.domain.ledger import SpooledBatch

_JSON = frozenset({"deliveries", "points"})


def book_spooled(conn: Connection, *, added: Sequence[SpooledBatch], removed: Sequence[int]) -> None:
    """Remembers the added rows and forgets the removed ones."""
    insert_missing(conn, table, [to_row(batch, json=_JSON) for batch in added])
    if removed:
        conn.execute(delete(table).where(table.c.id == bindparam("of_id")), [{"of_id": row} for row in removed])


def all_spooled(conn: Connection) -> frozenset[int]:
    """The id of every remembered row."""
    return frozenset(conn.execute(select(table.c.id)).scalars())


def spooled_batches(conn: Connection, ids: Sequence[int]) -> list[SpooledBatch]:
    """What is counted in these rows, by id; those that are not remembered are left out."""
    rows = conn.execute(select(table).where(table.c.id.in_(ids)).order_by(table.c.id))
    return [from_row(SpooledBatch, row, json=_JSON) for row in rows.mappings()]
