"""What connects alarms with messages: which message names which alarm, and why an alarm caused none."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import Connection, delete, select

from ioc.adapters.state.alarm_rows import one_alarm
from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.incident_rows import incidents_of
from ioc.adapters.state.journal import journal_of
from ioc.adapters.state.outbox_rows import attempts_of, entry_of
from ioc.adapters.state.schema import outbox, told, unsent
from ioc.adapters.state.upsert import insert_missing
from ioc.domain.alarm import Attempt, OutboxMessage, Unsent
from ioc.domain.state import OutboxEntry
from ioc.domain.why import Sending, Trace

MESSAGES_MOST = 200
"""Messages shown of one alarm; the first ones."""


class _Named(msgspec.Struct):
    id: str


class _Body(msgspec.Struct):
    """The part of a message's document that names its alarms."""

    alarms: list[_Named] = []


def put_unsent(conn: Connection, records: Iterable[Unsent]) -> None:
    """Remembers why alarms caused no message; what is known already changes nothing."""
    insert_missing(conn, unsent, [to_row(one) for one in dict.fromkeys(records)])


def put_told(conn: Connection, messages: Iterable[OutboxMessage]) -> None:
    """Remembers which alarms the messages name."""
    bodies = {message.key: message.body for message in messages}
    named = {(alarm, key): None for key, body in bodies.items() for alarm in _named(body)}
    insert_missing(conn, told, [{"alarm": alarm, "key": key} for alarm, key in named])


def _named(body: bytes) -> list[str]:
    try:
        return [one.id for one in msgspec.json.decode(body, type=_Body).alarms]
    except msgspec.DecodeError:  # no document of ours: the message is sent all the same
        return []


def drop_traces(conn: Connection, over: Collection[str]) -> None:
    """Forgets what connects these alarms."""
    conn.execute(delete(unsent).where(unsent.c.alarm.in_(over)))
    conn.execute(delete(told).where(told.c.alarm.in_(over)))


def trace_of(conn: Connection, alarm: str) -> Trace | None:
    """All that is on record about an alarm; None = there is none with this id."""
    found = one_alarm(conn, alarm)
    if found is None:
        return None
    query = select(outbox).join(told, told.c.key == outbox.c.key).where(told.c.alarm == alarm)
    rows = conn.execute(query.order_by(outbox.c.at, outbox.c.key, outbox.c.channel).limit(MESSAGES_MOST))
    records = conn.execute(select(unsent).where(unsent.c.alarm == alarm).order_by(unsent.c.at, unsent.c.reason))
    return Trace(
        alarm=found,
        journal=tuple(journal_of(conn, alarm)),
        unsent=tuple(from_row(Unsent, row) for row in records.mappings()),
        incident=incidents_of(conn, [alarm]).get(alarm),
        sendings=_sendings(conn, [entry_of(row) for row in rows.mappings()]),
    )


def sent_between(conn: Connection, channels: Collection[str], start: int, end: int, limit: int) -> Sequence[Sending]:
    """Messages to these channels that were written in start ≤ at < end, oldest first."""
    query = select(outbox).where(outbox.c.channel.in_(channels), outbox.c.at >= start, outbox.c.at < end)
    rows = conn.execute(query.order_by(outbox.c.at, outbox.c.key, outbox.c.channel).limit(limit))
    return _sendings(conn, [entry_of(row) for row in rows.mappings()])


def _sendings(conn: Connection, entries: Sequence[OutboxEntry]) -> tuple[Sending, ...]:
    tried: dict[tuple[str, str], list[Attempt]] = {}
    for key in dict.fromkeys(entry.message.key for entry in entries):
        for attempt in attempts_of(conn, key):
            tried.setdefault((key, attempt.channel), []).append(attempt)
    return tuple(Sending(entry=entry, attempts=tuple(tried.get((entry.message.key, entry.message.channel), ()))) for entry in entries)
