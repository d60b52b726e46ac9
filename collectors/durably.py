"""What has to be on disk before anything else is done: tried until it is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from ioc.domain.point import StoreUnavailableError
from ioc.domain.state import StateUnavailableError

log = structlog.get_logger("ioc.durably")

RETRY_S = 0.5

T = TypeVar("T")


class Durably:
    """Tries each piece of work again and again; `fault` tells what can't be done at present."""

    def __init__(self) -> None:
        self._faults: dict[str, str] = {}

    @property
    def fault(self) -> str | None:
        """What can't be written to our own files now, so that nothing is acknowledged; None = all can."""
        return next((f"{what}: {detail}" for what, detail in self._faults.items()), None)

    async def __call__(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """The work's answer, once it is done; `what` names the file."""
        while True:
            try:
                done = await work()
            except (StoreUnavailableError, StateUnavailableError) as error:
                log.warning("not_durable", what=what, detail=str(error))
                self._faults[what] = str(error)
                await asyncio.sleep(RETRY_S)
            else:
                self._faults.pop(what, None)
                return done
