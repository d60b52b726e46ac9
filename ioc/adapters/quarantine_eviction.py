"""What goes from `quarantine.db`: what has been stored after all goes first, then the noisiest lose their oldest."""

import heapq
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

_GROUPS = 2_048
"""Devices and reasons among which one look chooses."""
_AT_ONCE = 5_000
"""Entries that one look lets go at most."""
_PIECE = 50
_ROW = "seq, device, reason, partial, count, size, replayed_at IS NOT NULL"

Row = tuple[int, str, str, int, int, int, int]


def evict(connection: sqlite3.Connection, limit_bytes: int) -> int:
    """How many messages had to go, while there was too much, that nobody had stored."""
    while (over := _used(connection) - limit_bytes) > 0 and (replayed := _replayed(connection, over)):
        delete(connection, replayed)
    evicted = 0
    while (over := _used(connection) - limit_bytes) > 0 and (loudest := _loudest(connection, over)):
        evicted += delete(connection, loudest)
    if evicted:
        connection.execute("UPDATE total SET evicted = evicted + ?", (evicted,))
    return evicted


def find(connection: sqlite3.Connection, item: str) -> list[Row]:
    """The entry with this id, to be deleted; empty where there is none."""
    return connection.execute(f"SELECT {_ROW} FROM kept WHERE id = ?", (item,)).fetchall()  # noqa: S608 - constants


def discard(connection: sqlite3.Connection, conditions: Sequence[str], values: Sequence[object]) -> int:
    """Deletes what a person has judged to be worthless, some thousand entries at most; how many messages and copies that were."""
    where = " AND ".join(conditions) or "1"
    rows = connection.execute(f"SELECT {_ROW} FROM kept WHERE {where} ORDER BY seq LIMIT ?", (*values, _AT_ONCE)).fetchall()  # noqa: S608 - constants
    gone = delete(connection, rows)
    connection.execute("UPDATE total SET evicted = evicted + ?", (gone,))
    return gone


def delete(connection: sqlite3.Connection, rows: Iterable[Row]) -> int:
    """How many messages and copies these entries stood for."""
    groups: dict[tuple[str, str], Counter[str]] = {}
    seqs = []
    for seq, device, reason, partial, count, size, replayed in rows:
        seqs.append((seq,))
        sums = groups.setdefault((device, reason), Counter())
        sums["entries"] += 1
        sums["copies" if partial else "messages"] += count
        sums["replayed"] += replayed
        sums["bytes"] += size
        sums["replayed_bytes"] += size * replayed
    connection.executemany("DELETE FROM entry WHERE seq = ?", seqs)
    connection.executemany("DELETE FROM heard WHERE seq = ?", seqs)
    connection.executemany(
        "UPDATE noise SET entries = entries - ?, messages = messages - ?, copies = copies - ?, replayed = replayed - ?, bytes = bytes - ? "
        "WHERE device = ? AND reason = ?",
        [(s["entries"], s["messages"], s["copies"], s["replayed"], s["bytes"], *group) for group, s in groups.items()],
    )
    connection.executemany("DELETE FROM noise WHERE device = ? AND reason = ? AND entries <= 0", groups.keys())
    connection.executemany(
        "UPDATE reasons SET entries = entries - ?, messages = messages - ?, copies = copies - ? WHERE reason = ?",
        [(s["entries"], s["messages"], s["copies"], reason) for (_, reason), s in groups.items()],
    )
    connection.executemany("DELETE FROM reasons WHERE reason = ? AND entries <= 0", [(reason,) for _, reason in groups])
    size, replayed_size = (sum(s[name] for s in groups.values()) for name in ("bytes", "replayed_bytes"))
    connection.execute("UPDATE total SET bytes = bytes - ?, replayed_bytes = replayed_bytes - ?", (size, replayed_size))
    return sum(s["messages"] + s["copies"] for s in groups.values())


def _used(connection: sqlite3.Connection) -> int:
    used: int = connection.execute("SELECT bytes FROM total").fetchone()[0]
    return used


def _replayed(connection: sqlite3.Connection, over: int) -> list[Row]:
    """The store has them: no loss."""
    rows = connection.execute(
        f"SELECT {_ROW} FROM kept WHERE replayed_at IS NOT NULL ORDER BY replayed_at, seq LIMIT ?",  # noqa: S608 - constants
        (_AT_ONCE,),
    )
    chosen: list[Row] = []
    while over > 0 and (row := rows.fetchone()) is not None:
        chosen.append(row)
        over -= row[5]
    return chosen


def _loudest(connection: sqlite3.Connection, over: int) -> list[Row]:
    """One after the other the oldest of whoever then has most bytes."""
    groups = connection.execute("SELECT bytes, device, reason FROM noise ORDER BY bytes DESC LIMIT ?", (_GROUPS + 1,)).fetchall()
    floor = groups.pop()[0] if len(groups) > _GROUPS else 0  # from here on somebody whom we don't see is as loud
    heap = [(-size, device, reason) for size, device, reason in groups]
    heapq.heapify(heap)
    oldest: dict[tuple[str, str], Iterator[Row]] = {}
    chosen: list[Row] = []
    while heap and over > 0 and len(chosen) < _AT_ONCE and (not chosen or -heap[0][0] >= floor):
        size, device, reason = heap[0]
        rows = oldest.get((device, reason)) or oldest.setdefault((device, reason), _oldest(connection, device, reason))
        row = next(rows, None)
        if row is None:
            heapq.heappop(heap)
            continue
        heapq.heapreplace(heap, (size + row[5], device, reason))
        chosen.append(row)
        over -= row[5]
    return chosen


def _oldest(connection: sqlite3.Connection, device: str, reason: str) -> Iterator[Row]:
    """In pieces: a statement that many groups hold open at once would be compiled anew for each."""
    query = f"SELECT {_ROW} FROM kept WHERE device = ? AND reason = ? ORDER BY first_seen, seq LIMIT ? OFFSET ?"  # noqa: S608 - constants
    for start in range(0, _AT_ONCE, _PIECE):
        rows = connection.execute(query, (device, reason, _PIECE, start)).fetchall()
        yield from rows
        if len(rows) < _PIECE:
            return
