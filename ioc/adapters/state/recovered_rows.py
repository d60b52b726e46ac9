"""Quarantined messages that the ledger counts as recovered, until the quarantine knows it too: a crash counts none twice."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, insert, select

from ioc.adapters.state.schema import recovered as table


def remember_recovered(conn: Connection, items: Collection[str]) -> frozenset[str]:
    """Those of the items that were not remembered before."""
    new = frozenset(items) - all_recovered(conn)
    if new:
        conn.execute(insert(table), [{"item": item} for item in sorted(new)])
    return new


def all_recovered(conn: Connection) -> frozenset[str]:
    """Every remembered item: at most those of one run."""
    return frozenset(conn.execute(select(table.c.item)).scalars())


def forget_recovered(conn: Connection, items: Collection[str]) -> None:
    """The quarantine knows them."""
    if items:
        conn.execute(delete(table).where(table.c.item == bindparam("of_item")), [{"of_item": item} for item in items])
