"""The ledger: one row for each family, source and arrival minute, and the sums since the beginning."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, delete, func, select

from ioc.adapters.state.codec import Row
from ioc.adapters.state.schema import ledger_minutes, ledger_totals
from ioc.adapters.state.upsert import accumulate
from ioc.domain.ledger import TERMS, LedgerRow, LedgerTerms

LedgerMinute = tuple[str, str, int, LedgerTerms]
"""family, source, arrival minute (Unix ms of its start), terms."""


def add_ledger_rows(conn: Connection, source: str, rows: Iterable[LedgerRow]) -> None:
    """Adds the rows' counts to their minutes and to the sums."""
    minutes: dict[tuple[str, int], LedgerTerms] = {}
    totals: dict[str, LedgerTerms] = {}
    for row in rows:
        minutes.setdefault((row.family, row.minute), LedgerTerms()).add(row.terms)
        totals.setdefault(row.family, LedgerTerms()).add(row.terms)
    by_minute: list[Row] = [
        {"family": family, "source": source, "minute": minute, **_counts(terms)} for (family, minute), terms in minutes.items()
    ]
    accumulate(conn, ledger_minutes, by_minute)
    accumulate(conn, ledger_totals, [{"family": family, "source": source, **_counts(terms)} for family, terms in totals.items()])


def ledger_sums(conn: Connection, start: int | None, end: int | None) -> dict[str, LedgerTerms]:
    """Sums by family over the arrival minutes that begin in [start, end); None = no bound."""
    if start is None and end is None:
        return _sums(conn, ledger_totals, [])
    bounds: list[ColumnElement[bool]] = []
    if start is not None:
        bounds.append(ledger_minutes.c.minute >= start)
    if end is not None:
        bounds.append(ledger_minutes.c.minute < end)
    return _sums(conn, ledger_minutes, bounds)


def minutes_from(conn: Connection, minute: int, before: int | None) -> list[LedgerMinute]:
    """Rows of all arrival minutes from `minute` on (and earlier than `before`), oldest first."""
    c = ledger_minutes.c
    wanted = select(ledger_minutes).where(c.minute >= minute).order_by(c.minute, c.family, c.source)
    rows = conn.execute(wanted if before is None else wanted.where(c.minute < before))
    return [(row["family"], row["source"], row["minute"], _terms(row)) for row in rows.mappings()]


def last_minute(conn: Connection) -> int | None:
    """The newest arrival minute, None for an empty ledger."""
    newest: int | None = conn.execute(select(func.max(ledger_minutes.c.minute))).scalar_one()
    return newest


def first_minute(conn: Connection) -> int | None:
    """The oldest arrival minute that is kept, None for an empty ledger."""
    oldest: int | None = conn.execute(select(func.min(ledger_minutes.c.minute))).scalar_one()
    return oldest


def drop_minutes(conn: Connection, before: int) -> None:
    """Forgets the minutes that begin earlier; the sums since the beginning keep them."""
    conn.execute(delete(ledger_minutes).where(ledger_minutes.c.minute < before))


def _sums(conn: Connection, table: Table, bounds: list[ColumnElement[bool]]) -> dict[str, LedgerTerms]:
    columns: list[ColumnElement[Any]] = [func.sum(table.c[term]).label(term) for term in TERMS]
    rows = conn.execute(select(table.c.family, *columns).where(*bounds).group_by(table.c.family).order_by(table.c.family))
    return {row["family"]: _terms(row) for row in rows.mappings()}


def _counts(terms: LedgerTerms) -> dict[str, int]:
    return {term: getattr(terms, term) for term in TERMS}


def _terms(row: RowMapping) -> LedgerTerms:
    # PostgreSQL sums bigints to numeric.
    return LedgerTerms(**{term: int(row[term]) for term in TERMS})
