"""Silences as people put and remove them: kept first, then in force at once."""

import asyncio
from collections.abc import Sequence

from alerts.desk import Desk
from ioc.adapters.state.silences import Silences
from ioc.app.silence_reporter import SilenceReporter
from ioc.domain.silence import Hidden, Silence


class SilenceDesk:
    """What was put or removed is kept and in force when the call returns."""

    def __init__(self, desk: Desk, kept: Silences, reporter: SilenceReporter) -> None:
        self._desk = desk
        self._kept = kept
        self._reporter = reporter
        self._lock = asyncio.Lock()
        """One change at a time: what is in force is what was kept last."""

    async def list(self, *, after: str | None, limit: int) -> Sequence[Silence]:
        """At most `limit` silences by id, ascending, ended ones too; only ids above `after`, where given."""
        return await self._kept.list(after=after, limit=limit)

    async def get(self, silence: str) -> Silence | None:
        """One silence, or None."""
        return await self._kept.get(silence)

    async def hidden(self, silence: str) -> Sequence[Hidden]:
        """Alarms whose first message it has held back, the first held back first."""
        return await self._kept.hidden(silence)

    async def put(self, silence: Silence) -> None:
        """Adds it, or replaces the one with its id."""
        async with self._lock:
            await self._kept.put(silence)
            await self._desk.silence(silence)

    async def remove(self, silence: str) -> bool:
        """Whether there was one to remove; what it hid is told first."""
        async with self._lock:
            known = await self._kept.get(silence)
            if known is not None:
                await self._reporter.close(known)
            removed = await self._kept.remove(silence)
            await self._desk.lift(silence)
            return removed
