"""A session with a consumer, as tests of the session need it."""

import asyncio
import time
from contextlib import suppress
from typing import Self

from collectors.delivery import CanaryBack, Connected, Delivery, Disconnected, SessionItem
from collectors.ending import Ending, Kind
from collectors.session import Session
from collectors.source import SessionLimits, SourceSettings
from servers.waiting import wait_until


def unix_ms() -> int:
    """The real clock."""
    return time.time_ns() // 1_000_000


class Listener:
    """Runs a session, takes everything it gives and acknowledges it unless `holding`."""

    def __init__(self, settings: SourceSettings, limits: SessionLimits | None = None, *, holding: bool = False) -> None:
        self.session = Session(settings, clock=unix_ms, limits=limits or SessionLimits(canary_every=0.5, backoff_first=0.1))
        self.items: list[SessionItem] = []
        self.unsettled: list[SessionItem] = []
        self.stale = 0
        self.holding = holding

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self.session.run())
        self._consuming = asyncio.create_task(self._consume())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def connected(self) -> Self:
        """Once subscribed and hearing itself."""
        await wait_until(lambda: self.session.connected and self.canaries, what=f"the session hears itself ({self.session.last_error})")
        return self

    async def acknowledged(self) -> None:
        """Once the broker has read all our PUBACKs.

        Mosquitto reads one packet of a connection at a time: a client that takes the session over meanwhile gets again what the
        unread ones acknowledge. A canary sent after them comes back after them.
        """
        await wait_until(lambda: self.session.unacknowledged == 0, what="all is settled")
        after = unix_ms()
        await wait_until(lambda: any(canary.sent_at > after for canary in self.canaries), what="a later canary comes back")

    async def stop(self) -> None:
        """Ends it cleanly."""
        for task in (self._running, self._consuming):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def crash(self) -> None:
        """Ends it as a kill would: the broker sees the connection break."""
        self.break_off()
        await self.stop()

    def break_off(self) -> None:
        """The connection breaks under the session."""
        connection = self.session._connection
        if connection is not None:
            connection.abort(Ending(Kind.LOST, "connection lost: by the test"))

    def settle(self) -> int:
        """Acknowledges what is held; how many were stale."""
        stale = self.session.acknowledge(self.unsettled)
        self.unsettled = []
        return stale

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries so far."""
        return [item for item in self.items if isinstance(item, Delivery)]

    @property
    def payloads(self) -> list[bytes]:
        """Their payloads."""
        return [delivery.payload for delivery in self.deliveries]

    @property
    def canaries(self) -> list[CanaryBack]:
        """All canaries that came back."""
        return [item for item in self.items if isinstance(item, CanaryBack)]

    @property
    def connections(self) -> list[Connected]:
        """All accepted connections."""
        return [item for item in self.items if isinstance(item, Connected)]

    @property
    def endings(self) -> list[Disconnected]:
        """All ends of connections."""
        return [item for item in self.items if isinstance(item, Disconnected)]

    async def _consume(self) -> None:
        while True:
            items = await self.session.receive(most=1000, linger=0.01)
            self.items += items
            self.unsettled += items
            if not self.holding:
                self.stale += self.settle()
