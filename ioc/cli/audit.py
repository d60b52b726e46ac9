"""`ioc ledger audit`: an hour of the ledger beside the points that the store holds of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.app.clock import now_ms
from ioc.cli.action import act
from ioc.cli.failure import Failure
from ioc.cli.place import Place
from ioc.config import settings as declared

HOUR_MS = 3_600_000
EVENTS = "event"
"""Events of all families share a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One hour; `families` = family → (stored deliveries by arrival, points by their own time)."""

    start: int
    families: dict[str, tuple[int, int]]
    events: int
    spooled: int
    """Deliveries of the hour that still wait for the store."""

    @property
    def stored(self) -> int:
        """Deliveries that the ledger says are stored."""
        return sum(stored for stored, _ in self.families.values())

    @property
    def points(self) -> int:
        """Points of all families and events."""
        return sum(points for _, points in self.families.values()) + self.events


def compare(where: Place, start: int) -> Compared:
    """The hour that begins at `start` (Unix ms)."""
    ledger: dict[str, Any] = act(where, "ledger", start=start, end=start + HOUR_MS)
    stored = {family: int(terms["stored"]) for family, terms in ledger["families"].items()}
    names = sorted({*stored, *(where.config.families if where.config else ())})
    counts = asyncio.run(_count(where, names, start))
    families = {name: (stored.get(name, 0), counts[name]) for name in names if stored.get(name) or counts[name]}
    return Compared(start=start, families=families, events=counts[EVENTS], spooled=int(ledger["spooled"]))


async def _count(where: Place, families: Iterable[str], start: int) -> dict[str, int]:
    store = await _open(where)
    try:
        counts = {family: await store.count(family, start, start + HOUR_MS) for family in families}
        return {**counts, EVENTS: await store.count(EVENTS, start, start + HOUR_MS, "body")}
    finally:
        await store.close()


async def _open(where: Place) -> InfluxStore | EmbeddedStore:
    settings = where.config.settings.store if where.config else declared.EmbeddedStore()
    if isinstance(settings, declared.InfluxStore):
        token = settings.token.get_secret_value() if settings.token is not None else ""
        return InfluxStore(settings.url, org=settings.org, bucket=settings.bucket, token=token, ca_file=settings.ca_file)
    path = where.data_dir / "series.db"
    if not path.exists():
        msg = f"there is no store {path} yet; a server makes it at its first start"
        raise Failure(msg)
    store = EmbeddedStore(path, clock=now_ms)
    await store.prepare(0)
    return store
