"""The outbox: messages to channels, each tried until it is delivered or given up, every attempt kept."""

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping, insert, select, tuple_, update

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import attempts
from ioc.adapters.state.schema import outbox as table
from ioc.adapters.state.upsert import insert_missing
from ioc.domain.alarm import Attempt, OutboxMessage
from ioc.domain.state import CursorError, OutboxEntry, PendingMessage


def add_messages(conn: Connection, messages: Iterable[OutboxMessage]) -> None:
    """Queues the messages, due at once; one whose (key, channel) is known already changes nothing."""
    rows = [{**to_row(message), "attempts": 0, "next_at": message.at, "done_at": None, "delivered": False} for message in messages]
    insert_missing(conn, table, rows)


def pending_messages(conn: Connection, limit: int, channel: str | None) -> list[PendingMessage]:
    """Messages that have not ended, the longest due first; `channel` narrows to one."""
    query = select(table).where(table.c.next_at.is_not(None)).order_by(table.c.next_at, table.c.at, table.c.key, table.c.channel)
    if channel is not None:
        query = query.where(table.c.channel == channel)
    rows = conn.execute(query.limit(limit))
    return [
        PendingMessage(message=from_row(OutboxMessage, row), attempts=row["attempts"], next_at=row["next_at"]) for row in rows.mappings()
    ]


def add_attempt(conn: Connection, attempt: Attempt, *, done: bool, next_at: int | None, handed_to: OutboxMessage | None) -> None:
    """Journals an attempt; `done` ends the message, else it is due again at `next_at` (None = at once); queues `handed_to`."""
    mine = (table.c.key == attempt.key, table.c.channel == attempt.channel)
    tried = conn.execute(select(table.c.attempts).where(*mine)).scalar_one_or_none()
    if tried is None:
        msg = f"no message {attempt.key!r} to channel {attempt.channel!r} in the outbox"
        raise LookupError(msg)
    conn.execute(insert(attempts), [{**to_row(attempt), "number": tried + 1}])
    ended = {"next_at": None, "done_at": attempt.at, "delivered": attempt.ok}
    again = {"next_at": attempt.at if next_at is None else next_at}
    conn.execute(update(table).where(*mine).values(attempts=tried + 1, **(ended if done else again)))
    add_messages(conn, () if handed_to is None else (handed_to,))


def list_messages(conn: Connection, limit: int, cursor: str | None) -> tuple[list[OutboxEntry], str | None]:
    """A page of messages, newest first, and the cursor of the next page or None; a cursor is `<key>:<channel>`."""
    c = table.c
    query = select(table).order_by(c.at.desc(), c.key.desc(), c.channel.desc()).limit(limit + 1)
    if cursor is not None:
        key, _, channel = cursor.partition(":")
        query = query.where(tuple_(c.at, c.key, c.channel) < (_at(conn, key, channel), key, channel))
    rows = conn.execute(query).mappings().all()
    page = [entry_of(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return page, None
    return page, f"{page[-1].message.key}:{page[-1].message.channel}"


def _at(conn: Connection, key: str, channel: str) -> int:
    at = conn.execute(select(table.c.at).where(table.c.key == key, table.c.channel == channel)).scalar_one_or_none()
    if at is None:
        msg = f"cursor {key[:40]!r}:{channel[:40]!r} names no message; use the `next` of the page before, or none for the first page"
        raise CursorError(msg)
    return int(at)


def one_message(conn: Connection, key: str, channel: str) -> OutboxMessage | None:
    """The message as it was queued, or None."""
    row = conn.execute(select(table).where(table.c.key == key, table.c.channel == channel)).mappings().one_or_none()
    return None if row is None else from_row(OutboxMessage, row)


def attempts_of(conn: Connection, key: str) -> list[Attempt]:
    """All attempts for a key on any channel, oldest first."""
    query = select(attempts).where(attempts.c.key == key).order_by(attempts.c.at, attempts.c.channel, attempts.c.number)
    return [from_row(Attempt, row) for row in conn.execute(query).mappings()]


def entry_of(row: RowMapping) -> OutboxEntry:
    """A row of the outbox as lists show it."""
    return OutboxEntry(
        message=from_row(OutboxMessage, row),
        attempts=row["attempts"],
        next_at=row["next_at"],
        done_at=row["done_at"],
        delivered=row["delivered"],
    )
