"""What was read and waits for the consumer, within a bound on what the consumer has not settled."""

import asyncio
from collections import deque

from collectors.delivery import CanaryBack, Delivery, SessionItem
from collectors.source import SessionLimits

_RESUME_SHARE = 0.75


class Intake:
    """One producer, one consumer, one loop."""

    def __init__(self, limits: SessionLimits) -> None:
        self._most = limits.unacknowledged
        self._most_bytes = limits.unacknowledged_bytes
        self._items: deque[SessionItem] = deque()
        self._waiter: tuple[int, asyncio.Future[None]] | None = None
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self.queued = 0
        """Deliveries not yet taken."""
        self.unsettled = 0
        """Deliveries not yet settled, taken or not."""
        self.put_mark = self._items.append
        """Adds an item that wants no settling; `wake` follows."""

    def put(self, item: Delivery | CanaryBack) -> bool:
        """Adds a message; False = no room for more. `wake` follows when the present read is over."""
        self._items.append(item)
        if type(item) is Delivery:
            self.queued += 1
            self.unsettled += 1
            self._bytes += len(item.payload)
            if self.unsettled >= self._most or self._bytes >= self._most_bytes:
                self._room.clear()
                return False
        return True

    def wake(self) -> None:
        """Lets the consumer go on if enough is there."""
        if self._waiter is not None:
            wanted, future = self._waiter
            if len(self._items) >= wanted and not future.done():
                future.set_result(None)

    async def take(self, most: int, linger: float) -> list[SessionItem]:
        """At least one item: waits for the first, then up to `linger` seconds for `most`."""
        if not self._items:
            await self._count_of(1)
        if len(self._items) < most and linger > 0:
            try:
                async with asyncio.timeout(linger):
                    await self._count_of(most)
            except TimeoutError:
                pass
        return self.take_now(most)

    def take_now(self, most: int | None = None) -> list[SessionItem]:
        """What is there, at most `most`."""
        items = self._items
        if most is None or len(items) <= most:
            taken = list(items)
            items.clear()
        else:
            taken = [items.popleft() for _ in range(most)]
        self.queued -= sum(1 for item in taken if type(item) is Delivery)
        return taken

    def settle(self, delivery: Delivery) -> None:
        """A delivery is done with."""
        self.unsettled -= 1
        self._bytes -= len(delivery.payload)

    @property
    def full(self) -> bool:
        """Whether the producer must wait for `reopen`."""
        return not self._room.is_set()

    def reopen(self) -> bool:
        """Whether a full intake has room again: true once, well below the bound."""
        if self._room.is_set() or self.unsettled >= _RESUME_SHARE * self._most or self._bytes >= _RESUME_SHARE * self._most_bytes:
            return False
        self._room.set()
        return True

    async def room(self) -> None:
        """Returns once it is not full."""
        await self._room.wait()

    async def _count_of(self, wanted: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiter = (wanted, future)
        try:
            await future
        finally:
            self._waiter = None
