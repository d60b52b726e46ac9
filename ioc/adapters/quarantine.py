"""The quarantine: what could not be stored, kept complete until it is replayed or must make room."""

import contextlib
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from ioc.adapters.quarantine_eviction import delete, discard, find
from ioc.adapters.quarantine_inbox import FLOOD, sort_all_in, take_in, waiting
from ioc.adapters.quarantine_rows import SCHEMA
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.point import StoreUnavailableError
from ioc.domain.quarantined import QuarantineEntry, QuarantineFilter, QuarantineGroup
from ioc.domain.state import CursorError

T = TypeVar("T")

_ANY = QuarantineFilter()
_COLUMNS = (
    "seq, id, topic, family, device, reason, detail, partial, count, first_seen, last_seen, replayed_at, recovered, stored_at, "
    "fields, payload"
)

_AMONG = "device IN (SELECT value FROM json_each(?))"
_LONGEST_NUMBER = 16


class QuarantineError(StoreUnavailableError):
    """quarantine.db can't be read or written: what would have to be kept there may not be acknowledged."""


class QuarantinedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Identical messages with the same trouble, kept once; times Unix ms."""

    seq: int
    """In the order in which they came first."""
    id: str
    """Derived from topic, payload and reason."""
    topic: bytes
    family: str
    device: str | None
    reason: str
    detail: str
    partial: bool
    """A copy: the rest of the message was stored."""
    count: int
    """How often it came; the newest copy of a device, reason and hour also counts those of which no copy was kept."""
    first_seen: int
    last_seen: int
    replayed_at: int | None
    """When it was stored after all; it came not again since."""
    recovered: bool
    """The ledger counts it as recovered, also if it came again since."""
    stored_at: int | None
    """Of a copy: the time under which the rest was stored."""
    fields: tuple[str, ...]
    """Of a copy: the fields that were not stored."""
    payload: bytes

    @property
    def topic_text(self) -> str:
        r"""The topic for people: bytes that are no UTF-8 as \xNN."""
        return self.topic.decode(errors="backslashreplace")

    @property
    def cursor(self) -> str:
        """Where a page ends that ends with it: also once it has gone."""
        return f"{self.last_seen}-{self.seq}"


class QuarantineStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the quarantine holds now."""

    bytes_used: int
    replayed_bytes: int
    """Of those: stored after all; they go first when room is needed."""
    limit_bytes: int
    entries: int
    messages: int
    """Whole messages."""
    copies: int
    """Partial messages, with those of which no copy was kept."""
    evicted: int
    """Messages and copies that had to go since the beginning."""
    by_reason: dict[str, int]
    """Messages and copies."""


class QuarantineFile:
    """Bounded by `limit_bytes`: when full, the device and reason with most bytes lose their oldest. QuarantineError on failure."""

    def __init__(self, path: Path, *, limit_bytes: int, flood: int = FLOOD) -> None:
        """Batches of more than `flood` entries are laid down first and sorted in later."""
        self._file = SqliteFile(path, SCHEMA, error=QuarantineError)
        self._limit = limit_bytes
        self._flood = flood
        self.level = QuarantineStats(
            bytes_used=0, replayed_bytes=0, limit_bytes=limit_bytes, entries=0, messages=0, copies=0, evicted=0, by_reason={}
        )
        """As of the last change: asks no file."""

    async def open(self) -> None:
        """Creates the file where there is none."""
        await self._file.open()
        await self.stats()

    async def close(self) -> None:
        """Closes the file."""
        await self._file.close()

    async def add(self, entries: Sequence[QuarantineEntry]) -> int:
        """How many older messages had to go; on return the entries are on disk, all of them or (error) none."""
        if not entries:
            return 0

        def work(connection: sqlite3.Connection) -> tuple[int, QuarantineStats]:
            return take_in(connection, entries, self._limit, flood=self._flood), _stats(connection, self._limit)

        evicted, self.level = await self._file.write(work)
        return evicted

    async def summary(
        self,
        *,
        by: Literal["device", "reason"] | None = None,
        devices: Collection[str] | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[QuarantineGroup]:
        """Sums by device, by reason, or (None) by both, most messages and copies first; leaves out the first `after`."""
        return await self._read(lambda connection: _summary(connection, by, devices, after, limit))

    async def list(
        self, wanted: QuarantineFilter = _ANY, *, devices: Collection[str] | None = None, after: str | None = None, limit: int = 100
    ) -> list[QuarantinedMessage]:
        """Newest first by last_seen; `after` = the cursor of the last one seen (else CursorError).

        `devices` = only these; the filter's units are not known here.
        """
        asked, values = _conditions(wanted, devices)
        if after is not None:
            asked, values = [*asked, "(last_seen, seq) < (?, ?)"], [*values, *_position(after)]
        return await self._read(lambda connection: _list(connection, asked, values, limit))

    async def get(self, item: str) -> QuarantinedMessage | None:
        """One message, or None."""
        return await self._read(lambda connection: _get(connection, item))

    async def mark_replayed(self, items: Collection[str], at: int) -> int:
        """Notes that they have been stored after all; how many of them there are."""

        def work(connection: sqlite3.Connection) -> tuple[int, QuarantineStats]:
            sort_all_in(connection)
            return sum(_mark(connection, item, at) for item in items), _stats(connection, self._limit)

        marked, self.level = await self._file.write(work)
        return marked

    async def remove(self, item: str) -> bool:
        """Forgets it; False = there is no such message."""

        def work(connection: sqlite3.Connection) -> tuple[bool, QuarantineStats]:
            sort_all_in(connection)
            found = find(connection, item)
            delete(connection, found)
            return bool(found), _stats(connection, self._limit)

        removed, self.level = await self._file.write(work)
        return removed

    async def discard(self, wanted: QuarantineFilter) -> int:
        """Forgets some thousand of the messages that the filter lets through; how many there were, 0 = none is left."""
        asked, values = _conditions(wanted, None)

        def work(connection: sqlite3.Connection) -> tuple[int, QuarantineStats]:
            sort_all_in(connection)
            return discard(connection, asked, values), _stats(connection, self._limit)

        gone, self.level = await self._file.write(work)
        return gone

    async def stats(self) -> QuarantineStats:
        """Level and counts."""
        self.level = await self._file.read(lambda connection: _stats(connection, self._limit))
        return self.level

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if await self._file.read(lambda connection: waiting(connection).entries):
            with contextlib.suppress(QuarantineError):  # a full disk: what is sorted in can still be read
                self.level = await self._file.write(self._sorted_in)
        return await self._file.read(work)

    def _sorted_in(self, connection: sqlite3.Connection) -> QuarantineStats:
        sort_all_in(connection)
        return _stats(connection, self._limit)


def _position(cursor: str) -> tuple[int, int]:
    at, _, seq = cursor.partition("-")
    if not all(part.isdecimal() and len(part) <= _LONGEST_NUMBER for part in (at, seq)):
        msg = f"{cursor[:60]!r} is no cursor of this list"
        raise CursorError(msg)
    return int(at), int(seq)


def _conditions(wanted: QuarantineFilter, devices: Collection[str] | None) -> tuple[list[str], list[Any]]:
    given = {
        "device = ?": wanted.device,
        "reason = ?": wanted.reason,
        "family = ?": wanted.family,
        "last_seen >= ?": wanted.start,
        "last_seen < ?": wanted.end,
        "partial = ?": wanted.partial,
    }
    asked = [condition for condition, value in given.items() if value is not None]
    values: list[Any] = [value for value in given.values() if value is not None]
    if devices is not None:
        asked.append(_AMONG)
        values.append(_json(devices))
    if wanted.replayed is not None:
        asked.append("replayed_at IS NOT NULL" if wanted.replayed else "replayed_at IS NULL")
    return asked, values


def _json(devices: Collection[str]) -> str:
    return msgspec.json.encode(sorted(devices)).decode()


def _list(connection: sqlite3.Connection, asked: list[str], values: list[Any], limit: int) -> list[QuarantinedMessage]:
    where = " AND ".join(asked) or "TRUE"
    found = connection.execute(f"SELECT {_COLUMNS} FROM kept WHERE {where} ORDER BY last_seen DESC, seq DESC LIMIT ?", (*values, limit))  # noqa: S608 - constants
    return [_message(row) for row in found]


def _summary(
    connection: sqlite3.Connection, by: Literal["device", "reason"] | None, devices: Collection[str] | None, after: int, limit: int
) -> list[QuarantineGroup]:
    keys = "device, reason" if by is None else by
    where, values = ("TRUE", ()) if devices is None else (_AMONG, (_json(devices),))
    found = connection.execute(
        f"SELECT {'NULL' if by == 'reason' else 'device'}, {'NULL' if by == 'device' else 'reason'}, sum(entries), sum(messages), "  # noqa: S608 - constants
        f"sum(copies), sum(replayed), sum(bytes) FROM noise WHERE {where} GROUP BY {keys} "
        f"ORDER BY sum(messages + copies) DESC, {keys} LIMIT ? OFFSET ?",
        (*values, limit, after),
    )
    return [
        QuarantineGroup(device=device, reason=reason, entries=entries, messages=messages, copies=copies, replayed=replayed, bytes=size)
        for device, reason, entries, messages, copies, replayed, size in found
    ]


def _get(connection: sqlite3.Connection, item: str) -> QuarantinedMessage | None:
    found = connection.execute(f"SELECT {_COLUMNS} FROM kept WHERE id = ?", (item,)).fetchone()  # noqa: S608 - constants
    return None if found is None else _message(found)


def _mark(connection: sqlite3.Connection, item: str, at: int) -> bool:
    found = connection.execute("SELECT device, reason, size, replayed_at IS NULL FROM entry WHERE id = ?", (item,)).fetchone()
    if found is None:
        return False
    device, reason, size, waited = found
    connection.execute("UPDATE entry SET replayed_at = ?, recovered = 1 WHERE id = ?", (at, item))
    connection.execute("UPDATE noise SET replayed = replayed + ? WHERE device = ? AND reason = ?", (waited, device, reason))
    connection.execute("UPDATE total SET replayed_bytes = replayed_bytes + ?", (size * waited,))
    return True


def _message(row: tuple[Any, ...]) -> QuarantinedMessage:
    (
        seq, item, topic, family, device, reason, detail, partial, count, first_seen, last_seen,
        replayed_at, recovered, stored_at, fields, packed,
    ) = row  # fmt: skip
    return QuarantinedMessage(
        seq=seq,
        id=item, topic=topic, family=family, device=device or None, reason=reason, detail=detail, partial=bool(partial), count=count,
        first_seen=first_seen, last_seen=last_seen, replayed_at=replayed_at, recovered=bool(recovered), stored_at=stored_at,
        fields=tuple(msgspec.json.decode(fields)), payload=zlib.decompress(packed),
    )  # fmt: skip


def _stats(connection: sqlite3.Connection, limit_bytes: int) -> QuarantineStats:
    used, replayed, evicted = connection.execute("SELECT bytes, replayed_bytes, evicted FROM total").fetchone()
    rows = connection.execute("SELECT reason, entries, messages, copies FROM reasons ORDER BY reason").fetchall()
    laid = waiting(connection)
    by_reason = Counter({reason: messages + copies for reason, _, messages, copies in rows})
    by_reason.update({reason: sum(both) for reason, both in laid.by_reason.items()})
    return QuarantineStats(
        bytes_used=used + laid.size, replayed_bytes=replayed, limit_bytes=limit_bytes, entries=sum(row[1] for row in rows),
        messages=sum(row[2] for row in rows) + sum(both[0] for both in laid.by_reason.values()),
        copies=sum(row[3] for row in rows) + sum(both[1] for both in laid.by_reason.values()),
        evicted=evicted, by_reason=dict(by_reason),
    )  # fmt: skip
