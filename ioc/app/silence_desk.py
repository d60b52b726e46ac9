"""Silences as people put and remove them: kept first, then in force at once."""

import asyncio
from collections.abc import Sequence

from alerts.desk import Desk
from ioc.adapters.state.silences import Silences
from ioc.domain.silence import Silence


class SilenceDesk:
    """What was put or removed is kept and in force when the call returns."""

    def __init__(self, desk: Desk, kept: Silences) -> None:
        self._desk = desk
        self._kept = kept
        self._lock = asyncio.Lock()
        """One change at a time: what is in force is what was kept last."""

    async def list(self, *, after: str | None, limit: int) -> Sequence[Silence]:
        """At most `limit` silences by id, ascending, ended ones too; only ids above `after`, where given."""
        return await self._kept.list(after=after, limit=limit)

    async def get(self, silence: str) -> Silence | None:
        """One silence, or None."""
        return await self._kept.get(silence)

    async def put(self, silence: Silence) -> None:
        """Adds it, or replaces the one with its id."""
        async with self._lock:
            await self._kept.put(silence)
            await self._desk.silence(silence)

    async def remove(self, silence: str) -> bool:
        """Whether there was one to remove."""
        async with self._lock:
            removed = await self._kept.remove(silence)
            await self._desk.lift(silence)
            return removed
