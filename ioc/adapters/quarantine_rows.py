"""How `quarantine.db` takes messages in and lets old ones go: runs in the file's own thread, inside its transaction.

`noise` holds the sums of each device and reason, so that neither a look at the level nor the choice of what has to go
reads the messages themselves.
"""

import sqlite3
import zlib
from collections.abc import Iterable
from hashlib import blake2b

from ioc.domain.quarantined import QuarantineEntry

COPIES_AN_HOUR = 10
"""Payloads of partial messages kept for each device and reason; further ones only count, on the newest of these."""
_HOUR_MS = 3_600_000
_COUNTED_KEPT = 100_000
_ROW_COST = 256
"""What an entry takes beside topic, detail and payload, in bytes, roughly."""
_LEVEL = 1
_DETAIL_MOST = 1_024

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, topic BLOB NOT NULL, family TEXT NOT NULL, device TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, partial INTEGER NOT NULL, count INTEGER NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, replayed_at INTEGER, size INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_by_time ON entry (last_seen, id);
CREATE INDEX IF NOT EXISTS entry_by_device ON entry (device, reason, partial, first_seen);
CREATE TABLE IF NOT EXISTS noise (
    device TEXT NOT NULL, reason TEXT NOT NULL, entries INTEGER NOT NULL, messages INTEGER NOT NULL, copies INTEGER NOT NULL,
    bytes INTEGER NOT NULL, PRIMARY KEY (device, reason)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS noise_by_bytes ON noise (bytes);
CREATE TABLE IF NOT EXISTS total (
    only INTEGER PRIMARY KEY CHECK (only = 1), bytes INTEGER NOT NULL, evicted INTEGER NOT NULL
);
INSERT OR IGNORE INTO total VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS counted (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint INTEGER NOT NULL, reason TEXT NOT NULL, UNIQUE (fingerprint, reason)
)
"""


def take_in(connection: sqlite3.Connection, entries: Iterable[QuarantineEntry], limit_bytes: int) -> int:
    """Keeps or counts each entry; how many messages had to go for that."""
    for entry in entries:
        if _is_news(connection, entry):
            _keep(connection, entry)
    connection.execute("DELETE FROM counted WHERE seq <= (SELECT max(seq) FROM counted) - ?", (_COUNTED_KEPT,))
    return _evict(connection, limit_bytes)


def remove(connection: sqlite3.Connection, item: str) -> bool:
    """Forgets one entry; whether there was one."""
    found = connection.execute("SELECT seq FROM entry WHERE id = ?", (item,)).fetchone()
    if found is not None:
        _delete(connection, found[0])
    return found is not None


def _is_news(connection: sqlite3.Connection, entry: QuarantineEntry) -> bool:
    """A redelivery of what was counted before is none. Equal messages that the broker did not mark as such are."""
    if not entry.fingerprint:
        return True
    fingerprint = entry.fingerprint - (1 << 64) if entry.fingerprint >= 1 << 63 else entry.fingerprint
    known = (fingerprint, entry.refusal.reason)
    added = connection.execute("INSERT INTO counted (fingerprint, reason) VALUES (?, ?) ON CONFLICT DO NOTHING", known)
    return added.rowcount == 1 or not entry.redelivered


def _keep(connection: sqlite3.Connection, entry: QuarantineEntry) -> None:
    item = entry_id(entry)
    device, reason, detail = entry.device or "", str(entry.refusal.reason), entry.refusal.detail[:_DETAIL_MOST]
    again = connection.execute(
        "UPDATE entry SET count = count + 1, last_seen = max(last_seen, ?), detail = ?, replayed_at = NULL WHERE id = ?",
        (entry.at, detail, item),
    )
    size = 0
    if again.rowcount == 0 and not (entry.partial and _counts_on_another(connection, device, reason, entry.at)):
        packed = zlib.compress(entry.payload, _LEVEL)
        size = len(packed) + len(entry.topic) + len(detail.encode(errors="replace")) + _ROW_COST
        row = (item, entry.topic, entry.family, device, reason, detail, entry.partial, entry.at, entry.at, size, packed)
        connection.execute(
            "INSERT INTO entry (id, topic, family, device, reason, detail, partial, count, first_seen, last_seen, size, payload) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
            row,
        )
    connection.execute(
        "INSERT INTO noise VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device, reason) DO UPDATE SET entries = entries + excluded.entries, "
        "messages = messages + excluded.messages, copies = copies + excluded.copies, bytes = bytes + excluded.bytes",
        (device, reason, int(size > 0), int(not entry.partial), int(entry.partial), size),
    )
    connection.execute("UPDATE total SET bytes = bytes + ?", (size,))


def entry_id(entry: QuarantineEntry) -> str:
    """Same topic, payload and reason, same id; a copy of a partial message is another thing than a whole one."""
    digest = blake2b(digest_size=12, person=b"partial" if entry.partial else b"whole")
    for part in (entry.topic, entry.refusal.reason.encode(), entry.payload):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def _counts_on_another(connection: sqlite3.Connection, device: str, reason: str, at: int) -> bool:
    """Whether the hour's copies are used up; the newest of them then counts this one too."""
    begin = at // _HOUR_MS * _HOUR_MS
    kept = connection.execute(
        "SELECT seq FROM entry WHERE device = ? AND reason = ? AND partial = 1 AND first_seen >= ? AND first_seen < ? "
        "ORDER BY first_seen DESC, seq DESC LIMIT ?",
        (device, reason, begin, begin + _HOUR_MS, COPIES_AN_HOUR),
    ).fetchall()
    if len(kept) < COPIES_AN_HOUR:
        return False
    connection.execute("UPDATE entry SET count = count + 1, last_seen = max(last_seen, ?) WHERE seq = ?", (at, kept[0][0]))
    return True


def _evict(connection: sqlite3.Connection, limit_bytes: int) -> int:
    """While there is too much, the device and reason with most bytes lose their oldest."""
    evicted = 0
    while connection.execute("SELECT bytes FROM total").fetchone()[0] > limit_bytes:
        noisiest = connection.execute("SELECT device, reason FROM noise ORDER BY bytes DESC LIMIT 1").fetchone()
        if noisiest is None:
            break
        oldest = connection.execute(
            "SELECT seq FROM entry WHERE device = ? AND reason = ? ORDER BY first_seen, seq LIMIT 1", noisiest
        ).fetchone()
        if oldest is None:
            break
        evicted += _delete(connection, oldest[0])
    if evicted:
        connection.execute("UPDATE total SET evicted = evicted + ?", (evicted,))
    return evicted


def _delete(connection: sqlite3.Connection, seq: int) -> int:
    """How many messages the entry stood for."""
    ((device, reason, partial, count, size),) = connection.execute(
        "DELETE FROM entry WHERE seq = ? RETURNING device, reason, partial, count, size", (seq,)
    ).fetchall()
    copies = count if partial else 0
    connection.execute(
        "UPDATE noise SET entries = entries - 1, messages = messages - ?, copies = copies - ?, bytes = bytes - ? "
        "WHERE device = ? AND reason = ?",
        (count - copies, copies, size, device, reason),
    )
    connection.execute("DELETE FROM noise WHERE device = ? AND reason = ? AND entries <= 0", (device, reason))
    connection.execute("UPDATE total SET bytes = bytes - ?", (size,))
    return int(count)
