"""Whether we work, as /readyz, the wall and the watchdog want to know it."""

from collections.abc import Callable, Sequence

from alerts.desk import Desk
from alerts.presence import Ears
from collectors.drain import Drain
from collectors.session import Session
from collectors.writer import Writer
from ioc.adapters.spool import Spool
from ioc.api.ports import Check, Checks, Platform
from ioc.app.late_store import LateStore


class HealthReader:
    """Answers at once, from what is known."""

    def __init__(
        self,
        *,
        sessions: Sequence[Session],
        ears: Sequence[Ears],
        desk: Desk,
        writer: Writer,
        drain: Drain,
        store: LateStore,
        spool: Spool,
        spooled: Callable[[], int],
        evicted: Callable[[], int],
        not_durable: Callable[[], str | None],
        rollups_fault: Callable[[], str] = lambda: "",
    ) -> None:
        self._sessions = sessions
        self._ears = ears
        self._desk = desk
        self._writer = writer
        self._drain = drain
        self._late_store = store
        self._spool = spool
        self._spooled = spooled
        self._evicted = evicted
        self._not_durable = not_durable
        self._rollups_fault = rollups_fault

    async def checks(self) -> Checks:
        """Broker, store and state."""
        return Checks(broker=self._broker(), store=self._store(), state=self._state())

    def works(self) -> bool:
        """Whether canary, store (or spool) and journal work."""
        return self._broker().ok and self._store().ok and self._state().ok

    async def platform(self) -> Platform:
        """How well we hear and store."""
        heard = [ears.hearing.heard_until for ears in self._ears]
        times = [at for at in heard if at is not None]
        return Platform(
            hearing=not self._desk.blind and len(times) == len(heard),
            heard_until=min(times, default=None),
            blind_since=self._desk.presence.deaf_since,
            spooled=self._spooled(),
            spool_bytes=self._spool.bytes_used,
            spool_limit=self._spool.limit_bytes,
            drain_rate=self._drain.rate,
            spool_oldest=self._spool.oldest_at,
            quarantine_evicted=self._evicted(),
        )

    def _broker(self) -> Check:
        faults = [session.last_error or "not connected" for session in self._sessions if not session.connected]
        if faults:
            return Check(ok=False, detail="; ".join(faults))
        if self._desk.blind:
            return Check(ok=False, detail="connected, but our own test message does not come back")
        if any(ears.hearing.heard_until is None for ears in self._ears):
            return Check(ok=False, detail="connected; waiting for our own test message")
        return Check(ok=True, detail="connected, our own test message comes back")

    def _store(self) -> Check:
        if self._writer.spool_full_since is not None:
            return Check(ok=False, detail=f"the store is away and the spool takes no more: {self._writer.spool_error}")
        if self._writer.down_since is not None and not self._late_store.prepared:
            return Check(ok=False, detail=f"spooling, the store could not be used since our start: {self._writer.last_error}")
        if self._writer.down_since is not None:
            return Check(ok=True, detail=f"spooling, the store is away: {self._writer.last_error}")
        detail = "writing"
        if self._spool.rows:
            detail += f", {self._spool.rows} spooled batches to go, {self._drain.rate:.0f} points/s"
            detail += f"; the last attempt failed: {self._drain.last_error}" if self._drain.last_error else ""
        fault = self._rollups_fault()
        return Check(ok=True, detail=f"{detail}; nothing is rolled up: {fault}" if fault else detail)

    def _state(self) -> Check:
        fault = self._desk.state_fault or self._not_durable()
        return Check(ok=True, detail="writing") if fault is None else Check(ok=False, detail=fault)
