"""Alarms as they stand now: one row each, lists newest first."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, or_, select, tuple_

from ioc.adapters.state.codec import Row, from_row, to_row
from ioc.adapters.state.schema import alarms as table
from ioc.adapters.state.upsert import replace
from ioc.domain.alarm import Alarm
from ioc.domain.state import AlarmFilter, CursorError

_AT_ONCE = 500
"""Ids in one query: databases bound the values of a statement."""
_JSON = frozenset({"summary", "cause", "consequence", "action", "labels"})


def put_alarms(conn: Connection, alarms: Iterable[Alarm]) -> None:
    """Inserts or replaces the alarms by id; of several states of one alarm the last holds."""
    latest = {alarm.id: _row(alarm) for alarm in alarms}
    replace(conn, table, list(latest.values()))


def open_alarms(conn: Connection) -> tuple[Alarm, ...]:
    """Alarms that are active, or cleared but not acknowledged; oldest first."""
    rows = conn.execute(select(table).where(table.c.open.is_(True)).order_by(table.c.since, table.c.id))
    return tuple(from_row(Alarm, row, json=_JSON) for row in rows.mappings())


def one_alarm(conn: Connection, alarm: str) -> Alarm | None:
    """The alarm with this id, or None."""
    row = conn.execute(select(table).where(table.c.id == alarm)).mappings().one_or_none()
    return None if row is None else from_row(Alarm, row, json=_JSON)


def some_alarms(conn: Connection, alarms: Sequence[str]) -> list[Alarm]:
    """The alarms with these ids, in their order; ids that name none are left out."""
    found: dict[str, Alarm] = {}
    for start in range(0, len(alarms), _AT_ONCE):
        rows = conn.execute(select(table).where(table.c.id.in_(alarms[start : start + _AT_ONCE])))
        found |= {row["id"]: from_row(Alarm, row, json=_JSON) for row in rows.mappings()}
    return [found[alarm] for alarm in alarms if alarm in found]


def stood_between(conn: Connection, start: int, end: int, limit: int) -> list[Alarm]:
    """Alarms that began before `end` and had not ended by `start`, the newest first."""
    still = or_(table.c.cleared_at.is_(None), table.c.cleared_at >= start)
    rows = conn.execute(select(table).where(table.c.since < end, still).order_by(table.c.since.desc(), table.c.id).limit(limit))
    return [from_row(Alarm, row, json=_JSON) for row in rows.mappings()]


def list_alarms(conn: Connection, wanted: AlarmFilter, limit: int, cursor: str | None) -> tuple[list[Alarm], str | None]:
    """A page of alarms, newest first, and the cursor of the next page or None; a cursor is the id of a page's last alarm."""
    query = select(table).where(*_conditions(wanted)).order_by(table.c.since.desc(), table.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(tuple_(table.c.since, table.c.id) < (_since(conn, cursor), cursor))
    rows = conn.execute(query).mappings().all()
    page = [from_row(Alarm, row, json=_JSON) for row in rows[:limit]]
    return page, page[-1].id if len(rows) > limit else None


def _since(conn: Connection, alarm: str) -> int:
    since = conn.execute(select(table.c.since).where(table.c.id == alarm)).scalar_one_or_none()
    if since is None:
        msg = f"cursor {alarm[:40]!r} is no alarm's id; use the `next` of the page before, or none for the first page"
        raise CursorError(msg)
    return int(since)


def _conditions(wanted: AlarmFilter) -> list[ColumnElement[bool]]:
    c = table.c
    equal = {
        c.rule: wanted.rule,
        c.severity: wanted.severity,
        c.family: wanted.family,
        c.device: wanted.device,
        c.unit: wanted.unit,
        c.assigned_to: wanted.assigned_to,
        c.acknowledged: wanted.acknowledged,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if wanted.state is not None:
        found.append(c.cleared_at.is_(None) if wanted.state == "active" else c.cleared_at.is_not(None))
    if wanted.state == "active" or wanted.acknowledged is False:
        # Implied by the other conditions; says it in the words of an index.
        found.append(c.open.is_(True))
    if wanted.units is not None:
        found.append(c.unit.in_(sorted(wanted.units)))
    return found


def _row(alarm: Alarm) -> Row:
    return {**to_row(alarm, json=_JSON), "open": alarm.active or not alarm.acknowledged}
