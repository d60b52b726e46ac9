"""Fingerprints of booked deliveries: a blob a batch, pruned to the last 100,000 deliveries of each source."""

from collections import deque

from sqlalchemy import Connection, delete, insert, select

from ioc.adapters.state.schema import fingerprints as table

WIDTH = 8
KEPT_DELIVERIES = 100_000


class FingerprintShelf:
    """What each source's rows hold, remembered so that a booking reads nothing; forget it after a failed transaction."""

    def __init__(self) -> None:
        self._rows: dict[str, deque[tuple[int, int]]] = {}
        self._kept: dict[str, int] = {}
        """Deliveries of all rows of a source."""

    def forget(self) -> None:
        """The next booking reads the rows anew."""
        self._rows.clear()

    def add(self, conn: Connection, source: str, body: bytes) -> None:
        """Inserts one batch's fingerprints and deletes the batches that are no longer among the last 100,000 deliveries."""
        if not body:
            return
        if len(body) % WIDTH:
            msg = f"fingerprints take {WIDTH} bytes each, got {len(body)} bytes"
            raise ValueError(msg)
        rows = self._of(conn, source)
        number = rows[-1][0] + 1 if rows else 1
        deliveries = len(body) // WIDTH
        conn.execute(insert(table), [{"source": source, "number": number, "deliveries": deliveries, "body": body}])
        rows.append((number, deliveries))
        kept = self._kept[source] + deliveries
        dropped = 0
        while kept - rows[0][1] >= KEPT_DELIVERIES:
            dropped, count = rows.popleft()
            kept -= count
        self._kept[source] = kept
        if dropped:
            conn.execute(delete(table).where(table.c.source == source, table.c.number <= dropped))

    def _of(self, conn: Connection, source: str) -> deque[tuple[int, int]]:
        if source not in self._rows:
            query = select(table.c.number, table.c.deliveries).where(table.c.source == source).order_by(table.c.number)
            self._rows[source] = deque((number, count) for number, count in conn.execute(query))
            self._kept[source] = sum(count for _, count in self._rows[source])
        return self._rows[source]


def all_fingerprints(conn: Connection) -> dict[str, tuple[bytes, ...]]:
    """Blobs by source, newest last."""
    found: dict[str, list[bytes]] = {}
    for source, body in conn.execute(select(table.c.source, table.c.body).order_by(table.c.source, table.c.number)):
        found.setdefault(source, []).append(body)
    return {source: tuple(bodies) for source, bodies in found.items()}
