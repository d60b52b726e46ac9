"""A publisher that outlives its broker: connects again, and sends again what was not acknowledged."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

from e2e.message import Message
from e2e.publisher import Publisher

_AGAIN_S = 0.2
_TURN_S = 0.005


class Steadfast(Publisher):
    """As `Publisher`; `send_all` ends only when every message has been acknowledged."""

    async def send_all(self, messages: Iterable[Message], *, rate: float | None = None) -> None:
        """Sends them in order at `rate` a second, over as many connections as it takes."""
        began = time.monotonic()
        for number, message in enumerate(messages):
            if rate is not None and (early := began + number / rate - time.monotonic()) > _TURN_S:
                await asyncio.sleep(early)
            while True:
                try:
                    await self.send(message)
                    if number % 100 == 0:
                        await self.flush()
                    break
                except OSError:
                    await self._again()
                    if message in self._out.values():
                        break
        await self._settle_for_good()

    @property
    def connected(self) -> bool:
        """Whether the connection stands; a failed write is known before the listener has had its turn."""
        return super().connected and self._writer is not None and not self._writer.is_closing()

    async def _settle_for_good(self) -> None:
        while self.waiting:
            try:
                await self.settle()
            except OSError:
                await self._again()

    async def _again(self) -> None:
        while True:
            with suppress(OSError):
                await self.connect()
                return
            await asyncio.sleep(_AGAIN_S)
