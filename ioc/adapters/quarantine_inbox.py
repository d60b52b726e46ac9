"""How `quarantine.db` bears a flood of junk: batches are laid down as they came, and sorted in many at a time.

Sorting a message in touches pages all over the file; laid down it takes some hundred bytes. Whoever reads the messages
themselves sorts them in first, the sums count them at once.
"""

import sqlite3
import zlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from ioc.adapters.quarantine_eviction import evict
from ioc.adapters.quarantine_rows import ROW_COST, sort_in
from ioc.domain.quarantined import QuarantineEntry

FLOOD = 100
"""Batches larger than this are laid down."""
_ENTRIES_MOST = 20_000
_BYTES_MOST = 16 << 20
_SHARE_OF_LIMIT = 8
_LEVEL = 1

_entries = msgspec.msgpack.Decoder(list[QuarantineEntry])


class Waiting(msgspec.Struct, frozen=True):
    """What is laid down; of its messages and copies those are counted twice that were delivered and counted before."""

    entries: int
    size: int
    """Bytes that it will take at most once it is sorted in."""
    by_reason: dict[str, tuple[int, int]]
    """Messages and copies."""


def take_in(connection: sqlite3.Connection, entries: Sequence[QuarantineEntry], limit_bytes: int, *, flood: int = FLOOD) -> int:
    """Keeps or counts each entry, now or later; how many messages had to go for that."""
    if len(entries) <= flood or not _lay_down(connection, entries, min(_BYTES_MOST, limit_bytes // _SHARE_OF_LIMIT)):
        sort_all_in(connection)
        sort_in(connection, entries)
    return evict(connection, limit_bytes - waiting(connection).size)


def sort_all_in(connection: sqlite3.Connection) -> None:
    """Nothing is laid down any more."""
    found = connection.execute("SELECT packed FROM inbox ORDER BY seq").fetchall()
    if found:
        sort_in(connection, [entry for (packed,) in found for entry in _entries.decode(zlib.decompress(packed))])
        connection.execute("DELETE FROM inbox")


def waiting(connection: sqlite3.Connection) -> Waiting:
    """What is laid down now."""
    sums: Counter[str] = Counter()
    copies: Counter[str] = Counter()
    entries = size = 0
    for count, text, length in connection.execute("SELECT entries, sums, size FROM inbox"):
        entries, size = entries + count, size + length
        for reason, (whole, partial) in msgspec.json.decode(text).items():
            sums[reason] += whole
            copies[reason] += partial
    return Waiting(entries, size, {reason: (sums[reason], copies[reason]) for reason in sums})


def _lay_down(connection: sqlite3.Connection, entries: Sequence[QuarantineEntry], bytes_most: int) -> bool:
    """False = there is no room for it."""
    present, held = connection.execute("SELECT coalesce(sum(entries), 0), coalesce(sum(size), 0) FROM inbox").fetchone()
    if present + len(entries) > _ENTRIES_MOST:
        return False
    size = sum(ROW_COST + len(entry.topic) + len(entry.payload) for entry in entries)
    if held + size > bytes_most:
        return False
    sums: dict[str, list[int]] = {}
    for entry in entries:
        sums.setdefault(entry.refusal.reason, [0, 0])[entry.partial] += 1
    packed = zlib.compress(msgspec.msgpack.encode(entries), _LEVEL)
    row = (len(entries), msgspec.json.encode(sums).decode(), size, packed)
    connection.execute("INSERT INTO inbox (entries, sums, size, packed) VALUES (?, ?, ?, ?)", row)
    return True
