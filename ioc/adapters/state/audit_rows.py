"""What the store should hold by measurement and hour, and what it was found to hold."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select, and_, delete, or_, select

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import audits, expected_points
from ioc.adapters.state.upsert import accumulate, replace
from ioc.domain.audit import Audit, Expected
from ioc.domain.ledger import Expectation

_KEY = and_(expected_points.c.measurement == audits.c.measurement, expected_points.c.hour == audits.c.hour)


def add_expectations(conn: Connection, expected: Iterable[Expectation]) -> None:
    """Adds the points to their hours."""
    sums: dict[tuple[str, int], list[int]] = {}
    for one in expected:
        counts = sums.setdefault((one.measurement, one.hour), [0, 0, 0])
        counts[0] += one.certain
        counts[1] += one.uncertain
        counts[2] += one.spooled
    rows = [
        {"measurement": name, "hour": hour, "certain": certain, "uncertain": uncertain, "spooled": spooled, "changes": 1}
        for (name, hour), (certain, uncertain, spooled) in sums.items()
    ]
    accumulate(conn, expected_points, rows)


def expected_in(conn: Connection, hour: int) -> list[Expected]:
    """Of one hour, by measurement."""
    e = expected_points.c
    return _expected(conn, select(expected_points).where(e.hour == hour).order_by(e.measurement))


def to_audit(conn: Connection, since: int, before: int, limit: int) -> list[Expected]:
    """Hours that begin in [since, before), changed since their last audit, and with nothing left in the spool; the newest first."""
    e = expected_points.c
    changed = or_(audits.c.changes.is_(None), audits.c.changes != e.changes)
    query = select(expected_points).select_from(expected_points.outerjoin(audits, _KEY))
    due = query.where(e.hour >= since, e.hour < before, e.spooled <= 0, changed)
    return _expected(conn, due.order_by(e.hour.desc(), e.measurement).limit(limit))


def put_audits(conn: Connection, found: Sequence[Audit]) -> None:
    """Remembers what was found."""
    replace(conn, audits, [to_row(audit) for audit in found])


def audits_that_differ(conn: Connection, since: int, limit: int) -> list[tuple[Expected, Audit]]:
    """Hours from `since` on whose last audit found too few points or too many, oldest first."""
    e, a = expected_points.c, audits.c
    differs = or_(a.counted < e.certain, a.counted > e.certain + e.uncertain + e.spooled)
    query = select(expected_points, a.counted, a.at, a.changes.label("audited")).join(audits, _KEY).where(e.hour >= since, differs)
    rows = conn.execute(query.order_by(e.hour, e.measurement).limit(limit)).mappings()
    return [
        (from_row(Expected, row), Audit(row["measurement"], row["hour"], changes=row["audited"], counted=row["counted"], at=row["at"]))
        for row in rows
    ]


def drop_expectations(conn: Connection, before: int) -> None:
    """Forgets the hours that begin earlier."""
    conn.execute(delete(audits).where(audits.c.hour < before))
    conn.execute(delete(expected_points).where(expected_points.c.hour < before))


def _expected(conn: Connection, query: Select[tuple[str, int]]) -> list[Expected]:
    return [from_row(Expected, row) for row in conn.execute(query).mappings()]
