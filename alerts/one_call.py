"""Blocking calls of a channel: in a thread of their own, one at a time, awaited no longer than a timeout."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from alerts.channel import SendError

P = ParamSpec("P")
T = TypeVar("T")


class OneCall:
    """While one call hangs, no second one starts. `who` names the receiver in errors."""

    def __init__(self, who: str, *, timeout_s: float) -> None:
        self._who = who
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="channel")
        self._running: Future[Any] | None = None

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises; SendError where it takes too long, or the one before still does."""
        if self._running is not None and not self._running.done():
            detail = f"{self._who}: the attempt before this one has not come back yet"
            raise SendError(detail)
        running = self._thread.submit(call, *args, **kwargs)
        self._running = running
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(asyncio.wrap_future(running))
        except TimeoutError:
            if running.done():
                raise
            detail = f"{self._who} gave no answer within {self._timeout_s:g} s"
            raise SendError(detail) from None

    def close(self) -> None:
        """Waits for nothing: a call that hangs ends with its own timeout."""
        self._thread.shutdown(wait=False, cancel_futures=True)
