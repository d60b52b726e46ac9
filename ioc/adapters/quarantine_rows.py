"""How `quarantine.db` takes messages in: runs in the file's own thread, inside its transaction, a batch at a time.

`noise` holds the sums of each device and reason, `reasons` those of each reason, so that neither a look at the level nor the
choice of what has to go reads the messages themselves. A flood of junk must not hold up others: a batch is counted in memory
first and written in a handful of statements, and how often something came stands apart from it, since pages of narrow rows
are rewritten more cheaply.
"""

import sqlite3
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

import msgspec

from ioc.domain.quarantined import QuarantineEntry

COPIES_AN_HOUR = 10
"""Payloads of partial messages kept for each device and reason; further ones only count, on the newest of these."""
_HOUR_MS = 3_600_000
_COUNTED_KEPT = 100_000
ROW_COST = 256
"""What an entry takes beside topic, detail and payload, in bytes, roughly."""
_LEVEL = 1
_SMALL = 512
"""Payloads up to here are compressed with small tables: filling zlib's full ones takes longer than the payload itself."""
_DETAIL_MOST = 1_024

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, topic BLOB NOT NULL, family TEXT NOT NULL, device TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, partial INTEGER NOT NULL, first_seen INTEGER NOT NULL, replayed_at INTEGER,
    recovered INTEGER NOT NULL DEFAULT 0, stored_at INTEGER, fields TEXT NOT NULL, size INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS heard (seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, last_seen INTEGER NOT NULL);
CREATE VIEW IF NOT EXISTS kept AS SELECT * FROM entry JOIN heard USING (seq);
CREATE INDEX IF NOT EXISTS heard_by_time ON heard (last_seen, seq);
CREATE INDEX IF NOT EXISTS entry_by_device ON entry (device, reason, first_seen);
CREATE INDEX IF NOT EXISTS entry_replayed ON entry (replayed_at) WHERE replayed_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS noise (
    device TEXT NOT NULL, reason TEXT NOT NULL, entries INTEGER NOT NULL, messages INTEGER NOT NULL, copies INTEGER NOT NULL,
    replayed INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (device, reason)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS noise_by_bytes ON noise (bytes);
CREATE TABLE IF NOT EXISTS reasons (
    reason TEXT PRIMARY KEY, entries INTEGER NOT NULL, messages INTEGER NOT NULL, copies INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (
    only INTEGER PRIMARY KEY CHECK (only = 1), bytes INTEGER NOT NULL, replayed_bytes INTEGER NOT NULL, evicted INTEGER NOT NULL
);
INSERT OR IGNORE INTO total VALUES (1, 0, 0, 0);
CREATE TABLE IF NOT EXISTS counted (until INTEGER PRIMARY KEY, marks BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY, entries INTEGER NOT NULL, sums TEXT NOT NULL, size INTEGER NOT NULL, packed BLOB NOT NULL
)
"""
"""`counted`: marks of what was counted last, 8 bytes each, with their number since the beginning. `inbox`: batches as they came."""


class _Heard(msgspec.Struct):
    """What a batch says of one item."""

    entry: QuarantineEntry
    count: int = 0
    last_seen: int = 0


def sort_in(connection: sqlite3.Connection, entries: Sequence[QuarantineEntry]) -> None:
    """Keeps or counts each entry."""
    _keep(connection, _news(connection, entries))


def entry_id(entry: QuarantineEntry) -> str:
    """Same topic, payload and reason, same id; a copy of a partial message is another thing than a whole one."""
    digest = blake2b(digest_size=12, person=b"partial" if entry.partial else b"whole")
    for part in (entry.topic, entry.refusal.reason.encode(), entry.payload):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def _news(connection: sqlite3.Connection, entries: Sequence[QuarantineEntry]) -> list[QuarantineEntry]:
    """Without redeliveries of what was counted before. Equal messages that the broker did not mark as such are news."""
    counted: set[int] | None = None
    met: dict[int, None] = {}
    news = []
    for entry in entries:
        if entry.fingerprint:
            mark = _mark(entry)
            if entry.redelivered:
                counted = _counted(connection) if counted is None else counted
                if mark in met or mark in counted:
                    continue
            met[mark] = None
        news.append(entry)
    _remember(connection, met)
    return news


def _mark(entry: QuarantineEntry) -> int:
    """Which delivery was refused for what; 64 bits."""
    return entry.fingerprint ^ int.from_bytes(blake2b(entry.refusal.reason.encode(), digest_size=8).digest(), "little")


def _counted(connection: sqlite3.Connection) -> set[int]:
    marks = array("Q")
    for (row,) in connection.execute("SELECT marks FROM counted"):
        marks.frombytes(row)
    return set(marks)


def _remember(connection: sqlite3.Connection, met: Iterable[int]) -> None:
    marks = array("Q", met)
    if not marks:
        return
    (until,) = connection.execute("SELECT coalesce(max(until), 0) + ? FROM counted", (len(marks),)).fetchone()
    connection.execute("INSERT INTO counted VALUES (?, ?)", (until, marks.tobytes()))
    connection.execute("DELETE FROM counted WHERE until <= ?", (until - _COUNTED_KEPT,))


def _keep(connection: sqlite3.Connection, news: Iterable[QuarantineEntry]) -> None:
    named = [(entry_id(entry), entry) for entry in news]
    known = _known(connection, {item for item, _ in named})
    copies = _Copies(connection)
    heard: dict[str, _Heard] = {}
    for item, entry in named:
        kept = item
        if item not in heard and item not in known and entry.partial:
            kept = copies.place(item, entry)
        one = heard.setdefault(kept, _Heard(entry))
        one.count += 1
        one.last_seen = max(one.last_seen, entry.at)
    older = known | copies.older
    _count(connection, {older[item]: one for item, one in heard.items() if item in older})
    _sum(connection, heard.values(), _add(connection, {item: one for item, one in heard.items() if item not in older}))


def _known(connection: sqlite3.Connection, items: Iterable[str]) -> dict[str, int]:
    asked = msgspec.json.encode(list(items)).decode()
    return dict(connection.execute("SELECT id, seq FROM entry WHERE id IN (SELECT value FROM json_each(?))", (asked,)))


def _count(connection: sqlite3.Connection, again: Mapping[int, _Heard]) -> None:
    """What came again waits again, also when it had been stored after all."""
    if not again:
        return
    asked = msgspec.json.encode(list(again)).decode()
    replayed = connection.execute(
        "SELECT device, reason, size, seq FROM entry WHERE replayed_at IS NOT NULL AND seq IN (SELECT value FROM json_each(?))", (asked,)
    ).fetchall()
    connection.executemany("UPDATE entry SET replayed_at = NULL WHERE seq = ?", [row[3:] for row in replayed])
    connection.executemany("UPDATE noise SET replayed = replayed - 1 WHERE device = ? AND reason = ?", [row[:2] for row in replayed])
    connection.execute("UPDATE total SET replayed_bytes = replayed_bytes - ?", (sum(row[2] for row in replayed),))
    connection.executemany(
        "UPDATE heard SET count = count + ?, last_seen = max(last_seen, ?) WHERE seq = ?",
        [(again[seq].count, again[seq].last_seen, seq) for seq in sorted(again)],
    )


def _add(connection: sqlite3.Connection, added: Mapping[str, _Heard]) -> Counter[tuple[str, str]]:
    """Bytes by device and reason."""
    sizes: Counter[tuple[str, str]] = Counter()
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()

    def rows() -> Iterator[tuple[object, ...]]:
        for seq, (item, one) in enumerate(added.items(), last + 1):
            entry = one.entry
            packed = _pack(entry.payload)
            detail = entry.refusal.detail[:_DETAIL_MOST]
            size = len(packed) + len(entry.topic) + len(detail.encode(errors="replace")) + ROW_COST
            sizes[_group(entry)] += size
            yield (
                seq, item, entry.topic, entry.family, entry.device or "", str(entry.refusal.reason), detail, entry.partial,
                entry.at, entry.stored_at, msgspec.json.encode(entry.fields).decode(), size, packed,
            )  # fmt: skip

    connection.executemany(
        "INSERT INTO entry (seq, id, topic, family, device, reason, detail, partial, first_seen, stored_at, fields, size, payload) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows(),
    )
    heard = ((seq, one.count, one.last_seen) for seq, one in enumerate(added.values(), last + 1))
    connection.executemany("INSERT INTO heard VALUES (?, ?, ?)", heard)
    _count_entries(connection, Counter(_group(one.entry) for one in added.values()))
    return sizes


def _pack(payload: bytes) -> bytes:
    if len(payload) > _SMALL:
        return zlib.compress(payload, _LEVEL)
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 12, 4)
    return packer.compress(payload) + packer.flush()


def _group(entry: QuarantineEntry) -> tuple[str, str]:
    return entry.device or "", str(entry.refusal.reason)


def _count_entries(connection: sqlite3.Connection, added: Counter[tuple[str, str]]) -> None:
    connection.executemany(
        "INSERT INTO noise VALUES (?, ?, ?, 0, 0, 0, 0) ON CONFLICT DO UPDATE SET entries = entries + excluded.entries",
        [(device, reason, entries) for (device, reason), entries in added.items()],
    )
    by_reason: Counter[str] = Counter()
    for (_, reason), entries in added.items():
        by_reason[reason] += entries
    connection.executemany(
        "INSERT INTO reasons VALUES (?, ?, 0, 0) ON CONFLICT DO UPDATE SET entries = entries + excluded.entries", by_reason.items()
    )


def _sum(connection: sqlite3.Connection, heard: Iterable[_Heard], sizes: Counter[tuple[str, str]]) -> None:
    """Adds the batch to the sums."""
    counts: dict[tuple[str, str], list[int]] = {}
    for one in heard:
        counts.setdefault(_group(one.entry), [0, 0])[one.entry.partial] += one.count
    connection.executemany(
        "UPDATE noise SET messages = messages + ?, copies = copies + ?, bytes = bytes + ? WHERE device = ? AND reason = ?",
        [(*counts[group], sizes[group], *group) for group in counts],
    )
    connection.executemany(
        "UPDATE reasons SET messages = messages + ?, copies = copies + ? WHERE reason = ?",
        [(*count, reason) for (_, reason), count in counts.items()],
    )
    connection.execute("UPDATE total SET bytes = bytes + ?", (sizes.total(),))


class _Copies:
    """Where a new copy of a partial message is counted: on itself, or on the newest of its hour when those are used up."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._hours: dict[tuple[str, str, int], list[tuple[int, str, int | None]]] = {}
        self.older: dict[str, int] = {}
        """Items from before this batch on which something was counted, with their `seq`."""

    def place(self, item: str, entry: QuarantineEntry) -> str:
        """The id of the item that counts this entry."""
        device, reason = _group(entry)
        hour = (device, reason, entry.at // _HOUR_MS)
        kept = self._hours.get(hour)
        if kept is None:
            kept = self._hours[hour] = self._read(*hour)
        if len(kept) < COPIES_AN_HOUR:
            kept.append((entry.at, item, None))
            return item
        _, newest, seq = max(kept, key=lambda one: one[0])
        if seq is not None:
            self.older[newest] = seq
        return newest

    def _read(self, device: str, reason: str, hour: int) -> list[tuple[int, str, int | None]]:
        return self._connection.execute(
            "SELECT first_seen, id, seq FROM entry WHERE device = ? AND reason = ? AND partial = 1 AND first_seen >= ? AND first_seen < ? "
            "ORDER BY first_seen DESC, seq DESC LIMIT ?",
            (device, reason, hour * _HOUR_MS, (hour + 1) * _HOUR_MS, COPIES_AN_HOUR),
        ).fetchall()
