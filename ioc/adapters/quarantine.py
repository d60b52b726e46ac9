"""The quarantine: what could not be stored, kept complete until it is replayed or must make room."""

import sqlite3
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ioc.adapters.quarantine_rows import SCHEMA, remove, take_in
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.point import StoreUnavailableError
from ioc.domain.quarantined import QuarantineEntry

_COLUMNS = "id, topic, family, device, reason, detail, partial, count, first_seen, last_seen, replayed_at, payload"


class QuarantineError(StoreUnavailableError):
    """quarantine.db can't be read or written: what would have to be kept there may not be acknowledged."""


class QuarantinedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Identical messages with the same trouble, kept once; times Unix ms."""

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
    payload: bytes

    @property
    def topic_text(self) -> str:
        r"""The topic for people: bytes that are no UTF-8 as \xNN."""
        return self.topic.decode(errors="backslashreplace")


class QuarantineStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the quarantine holds now."""

    bytes_used: int
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

    def __init__(self, path: Path, *, limit_bytes: int) -> None:
        self._file = SqliteFile(path, SCHEMA, error=QuarantineError)
        self._limit = limit_bytes

    async def open(self) -> None:
        """Creates the file where there is none."""
        await self._file.open()

    async def close(self) -> None:
        """Closes the file."""
        await self._file.close()

    async def add(self, entries: Sequence[QuarantineEntry]) -> int:
        """How many older messages had to go; on return the entries are on disk, all of them or (error) none."""
        if not entries:
            return 0
        return await self._file.write(lambda connection: take_in(connection, entries, self._limit))

    async def list(
        self,
        *,
        device: str | None = None,
        devices: Collection[str] | None = None,
        reason: str | None = None,
        family: str | None = None,
        replayed: bool | None = False,
        after: str | None = None,
        limit: int = 100,
    ) -> list[QuarantinedMessage]:
        """Newest first by last_seen; `after` = the id of the last one seen. `devices` = only these; replayed None = both."""
        asked, values = _conditions(
            {"device": device, "reason": reason, "family": family},
            devices=devices,
            replayed=replayed,
        )
        return await self._file.read(lambda connection: _list(connection, asked, values, after, limit))

    async def get(self, item: str) -> QuarantinedMessage | None:
        """One message, or None."""
        return await self._file.read(lambda connection: _get(connection, item))

    async def mark_replayed(self, item: str, at: int) -> bool:
        """Notes that it has been stored after all; False = there is no such message."""
        return await self._file.write(
            lambda connection: connection.execute("UPDATE entry SET replayed_at = ? WHERE id = ?", (at, item)).rowcount == 1
        )

    async def remove(self, item: str) -> bool:
        """Forgets it; False = there is no such message."""
        return await self._file.write(lambda connection: remove(connection, item))

    async def stats(self) -> QuarantineStats:
        """Level and counts."""
        return await self._file.read(lambda connection: _stats(connection, self._limit))


def _conditions(equal: dict[str, str | None], *, devices: Collection[str] | None, replayed: bool | None) -> tuple[list[str], list[Any]]:
    asked = [f"{column} = ?" for column, value in equal.items() if value is not None]
    values: list[Any] = [value for value in equal.values() if value is not None]
    if devices is not None:
        asked.append("device IN (SELECT value FROM json_each(?))")
        values.append(msgspec.json.encode(sorted(devices)).decode())
    if replayed is not None:
        asked.append("replayed_at IS NOT NULL" if replayed else "replayed_at IS NULL")
    return asked, values


def _list(connection: sqlite3.Connection, asked: list[str], values: list[Any], after: str | None, limit: int) -> list[QuarantinedMessage]:
    if after is not None:
        seen = connection.execute("SELECT last_seen FROM entry WHERE id = ?", (after,)).fetchone()
        if seen is None:
            return []
        asked, values = [*asked, "(last_seen, id) < (?, ?)"], [*values, seen[0], after]
    where = " AND ".join(asked) or "TRUE"
    found = connection.execute(f"SELECT {_COLUMNS} FROM entry WHERE {where} ORDER BY last_seen DESC, id DESC LIMIT ?", (*values, limit))  # noqa: S608 - constants
    return [_message(row) for row in found]


def _get(connection: sqlite3.Connection, item: str) -> QuarantinedMessage | None:
    found = connection.execute(f"SELECT {_COLUMNS} FROM entry WHERE id = ?", (item,)).fetchone()  # noqa: S608 - constants
    return None if found is None else _message(found)


def _message(row: tuple[Any, ...]) -> QuarantinedMessage:
    item, topic, family, device, reason, detail, partial, count, first_seen, last_seen, replayed_at, packed = row
    return QuarantinedMessage(
        id=item, topic=topic, family=family, device=device or None, reason=reason, detail=detail, partial=bool(partial), count=count,
        first_seen=first_seen, last_seen=last_seen, replayed_at=replayed_at, payload=zlib.decompress(packed),
    )  # fmt: skip


def _stats(connection: sqlite3.Connection, limit_bytes: int) -> QuarantineStats:
    used, evicted = connection.execute("SELECT bytes, evicted FROM total").fetchone()
    sums = connection.execute("SELECT coalesce(sum(entries), 0), coalesce(sum(messages), 0), coalesce(sum(copies), 0) FROM noise")
    entries, messages, copies = sums.fetchone()
    by_reason = dict(connection.execute("SELECT reason, sum(messages + copies) FROM noise GROUP BY reason ORDER BY reason"))
    return QuarantineStats(
        bytes_used=used, limit_bytes=limit_bytes, entries=entries, messages=messages, copies=copies, evicted=evicted, by_reason=by_reason
    )
