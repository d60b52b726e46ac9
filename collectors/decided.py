"""What is decided and waits for the store: joined, so that a slow write or booking costs once."""

import asyncio

import msgspec

from collectors.delivery import SessionItem
from collectors.ingest import Taken
from ioc.domain.point import Point


class Batch(msgspec.Struct):
    """Deliveries and other items in order of arrival, what became of the deliveries, and the points that tell of our decisions."""

    items: list[SessionItem]
    taken: list[Taken]
    points: list[Point]


class Decided:
    """One that puts, one that takes. Bounded by the session, which reads on only while few enough deliveries are unacknowledged."""

    def __init__(self, enough: int) -> None:
        """`enough`: so many deliveries are worth a write at once."""
        self._enough = enough
        self._waiting: Batch | None = None
        self._changed = asyncio.Event()
        self._ended = False

    def put(self, batch: Batch) -> None:
        """Adds a batch behind what waits."""
        if self._waiting is None:
            self._waiting = batch
        else:
            self._waiting.items += batch.items
            self._waiting.taken += batch.taken
            self._waiting.points += batch.points
        self._changed.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._changed.set()

    async def take(self, not_before: float) -> Batch | None:
        """All that waits, at `not_before` (loop time), or as soon as it is enough; None once nothing more comes."""
        while not self._ended and self._waiting is None:
            await self._change()
        try:
            async with asyncio.timeout_at(not_before):
                while not self._ended and self._waiting is not None and len(self._waiting.taken) < self._enough:
                    await self._change()
        except TimeoutError:
            pass
        taken, self._waiting = self._waiting, None
        return taken

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
