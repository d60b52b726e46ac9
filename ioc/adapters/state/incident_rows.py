"""Incidents and their members as rows."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, bindparam, delete, select, tuple_

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import incident_members as members_table
from ioc.adapters.state.schema import incidents as table
from ioc.adapters.state.upsert import replace
from ioc.domain.incident import Incident, IncidentFilter, IncidentMember
from ioc.domain.state import CursorError

_JSON = frozenset({"also"})
_AT_ONCE = 500
"""Ids in one query: databases take no endless list."""


def put_incidents(conn: Connection, incidents: Iterable[Incident], members: Iterable[IncidentMember]) -> None:
    """Inserts or replaces incidents by id and members by incident and alarm; of several states the last holds."""
    replace(conn, table, [to_row(one, json=_JSON) for one in {one.id: one for one in incidents}.values()])
    replace(conn, members_table, [to_row(one) for one in {(one.incident, one.alarm): one for one in members}.values()])


def forget_incidents(conn: Connection, incidents: Iterable[str]) -> None:
    """Removes incidents with their members."""
    gone = [{"gone": one} for one in incidents]
    if gone:
        conn.execute(delete(table).where(table.c.id == bindparam("gone")), gone)
        conn.execute(delete(members_table).where(members_table.c.incident == bindparam("gone")), gone)


def one_incident(conn: Connection, incident: str) -> Incident | None:
    """The incident with this id, or None."""
    row = conn.execute(select(table).where(table.c.id == incident)).mappings().one_or_none()
    return None if row is None else from_row(Incident, row, json=_JSON)


def list_incidents(conn: Connection, wanted: IncidentFilter, limit: int, cursor: str | None) -> tuple[list[Incident], str | None]:
    """A page of incidents, newest first, and the cursor of the next page or None; a cursor is the id of a page's last incident."""
    query = select(table).order_by(table.c.since.desc(), table.c.id.desc()).limit(limit + 1)
    if wanted.active is not None:
        query = query.where(table.c.until.is_(None) if wanted.active else table.c.until.is_not(None))
    if wanted.units is not None:
        theirs = select(members_table.c.incident).where(members_table.c.unit.in_(sorted(wanted.units)))
        query = query.where(table.c.id.in_(theirs))
    if cursor is not None:
        before = one_incident(conn, cursor)
        if before is None:
            msg = f"cursor {cursor[:40]!r} is no incident's id; use the `next` of the page before, or none for the first page"
            raise CursorError(msg)
        query = query.where(tuple_(table.c.since, table.c.id) < (before.since, before.id))
    rows = conn.execute(query).mappings().all()
    page = [from_row(Incident, row, json=_JSON) for row in rows[:limit]]
    return page, page[-1].id if len(rows) > limit else None


def members_of(
    conn: Connection, incident: str, units: frozenset[str] | None, limit: int, cursor: str | None
) -> tuple[list[IncidentMember], str | None]:
    """A page of members as they joined, and the cursor of the next page or None; a cursor is the alarm of a page's last member."""
    c = members_table.c
    query = select(members_table).where(c.incident == incident).order_by(c.joined, c.alarm).limit(limit + 1)
    if units is not None:
        query = query.where(c.unit.in_(sorted(units)))
    if cursor is not None:
        joined = conn.execute(select(c.joined).where(c.incident == incident, c.alarm == cursor)).scalar_one_or_none()
        if joined is None:
            msg = f"cursor {cursor[:40]!r} is no member's alarm; use the `next` of the page before, or none for the first page"
            raise CursorError(msg)
        query = query.where(tuple_(c.joined, c.alarm) > (joined, cursor))
    rows = conn.execute(query).mappings().all()
    page = [from_row(IncidentMember, row) for row in rows[:limit]]
    return page, page[-1].alarm if len(rows) > limit else None


def incidents_of(conn: Connection, alarms: Collection[str]) -> dict[str, str]:
    """Alarm → the incident to which it belongs or belonged, as far as there is one."""
    ids, found = sorted(alarms), {}
    for start in range(0, len(ids), _AT_ONCE):
        wanted = members_table.c.alarm.in_(ids[start : start + _AT_ONCE])
        rows = conn.execute(select(members_table.c.alarm, members_table.c.incident).where(wanted).order_by(members_table.c.joined))
        found.update({row.alarm: row.incident for row in rows})
    return found
