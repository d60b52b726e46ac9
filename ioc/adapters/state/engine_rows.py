"""What the engine remembers between batches: its epoch and position, rule states, notification groups."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, select, update

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import engine_state, notification_groups, rule_states
from ioc.adapters.state.upsert import insert_missing, replace
from ioc.domain.alarm import NotificationGroup, RuleState

_ONLY_ROW = {"id": 1, "epoch": 0, "position": 0}
_FORGOTTEN = "inactive"
_JSON = frozenset({"memory"})


def raise_epoch(conn: Connection) -> int:
    """The new epoch, one above any taken before."""
    insert_missing(conn, engine_state, [_ONLY_ROW])
    conn.execute(update(engine_state).values(epoch=engine_state.c.epoch + 1))
    return int(conn.execute(select(engine_state.c.epoch)).scalar_one())


def epoch_holds(conn: Connection, epoch: int) -> bool:
    """Whether `epoch` is still the newest; as an update, so that on any dialect the row stays ours until the commit."""
    checked = update(engine_state).where(engine_state.c.epoch == epoch).values(epoch=engine_state.c.epoch)
    return conn.execute(checked).rowcount == 1


def put_position(conn: Connection, position: int) -> None:
    """Remembers the journal's number up to which notification has read."""
    conn.execute(update(engine_state).values(position=position))


def position(conn: Connection) -> int:
    """The journal's number up to which notification has read; 0 at first."""
    return conn.execute(select(engine_state.c.position)).scalar_one_or_none() or 0


def put_heard_until(conn: Connection, heard_until: int) -> None:
    """Remembers up to when everything published has been decided (Unix ms)."""
    conn.execute(update(engine_state).values(heard_until=heard_until))


def last_heard_until(conn: Connection) -> int | None:
    """Up to when everything published had been decided; None = not known."""
    return conn.execute(select(engine_state.c.heard_until)).scalar_one_or_none()


def put_rule_states(conn: Connection, states: Iterable[RuleState]) -> None:
    """Replaces the states by (rule, device), the last one holds; inactive ones are removed."""
    latest = {(state.rule, state.device): state for state in states}
    gone = [key for key, state in latest.items() if state.phase == _FORGOTTEN]
    if gone:
        where = (rule_states.c.rule == bindparam("of_rule"), rule_states.c.device == bindparam("of_device"))
        conn.execute(delete(rule_states).where(*where), [{"of_rule": rule, "of_device": device} for rule, device in gone])
    replace(conn, rule_states, [to_row(state, json=_JSON) for state in latest.values() if state.phase != _FORGOTTEN])


def all_rule_states(conn: Connection) -> tuple[RuleState, ...]:
    """Every remembered state."""
    rows = conn.execute(select(rule_states).order_by(rule_states.c.rule, rule_states.c.device))
    return tuple(from_row(RuleState, row, json=_JSON) for row in rows.mappings())


def put_groups(conn: Connection, groups: Iterable[NotificationGroup]) -> None:
    """Replaces the groups by key, the last one holds; those without a body are removed."""
    latest = {group.key: group for group in groups}
    gone = [key for key, group in latest.items() if group.body is None]
    if gone:
        conn.execute(delete(notification_groups).where(notification_groups.c.key == bindparam("of_key")), [{"of_key": key} for key in gone])
    replace(conn, notification_groups, [to_row(group) for group in latest.values() if group.body is not None])


def all_groups(conn: Connection) -> tuple[NotificationGroup, ...]:
    """Every remembered group."""
    rows = conn.execute(select(notification_groups).order_by(notification_groups.c.key))
    return tuple(from_row(NotificationGroup, row) for row in rows.mappings())
