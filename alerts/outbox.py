"""Sends what the outbox holds: every message to its channel at least once, each attempt journalled."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from alerts.channel import Channel
from alerts.handover import Fallback
from alerts.outbox_worker import ChannelState, OutboxStore, Retry, Worker
from ioc.domain.alarm import Attempt
from ioc.domain.state import StateUnavailableError

log = structlog.get_logger("ioc.outbox")

_HOUR_MS = 3_600_000
_PAGE = 64


class Outbox:
    """One worker for each channel, so that a slow or dead one holds up no other.

    Within a channel messages go one by one, oldest first, also after an outage. A message that keeps failing while others pass
    waits on its own. What a channel with a fallback does not take in time goes to that one, under the same key. `clock` gives
    Unix ms, `jitter` numbers from 0 to 1.
    """

    def __init__(
        self,
        store: OutboxStore,
        channels: Mapping[str, Channel],
        *,
        clock: Callable[[], int],
        jitter: Callable[[], float],
        fallbacks: Mapping[str, Fallback] | None = None,
        retry: Retry | None = None,
    ) -> None:
        retry = retry or Retry()
        self._store = store
        self._clock = clock
        self._retry = retry
        self._workers = {
            name: Worker(
                name=name,
                channel=channel,
                store=store,
                clock=clock,
                jitter=jitter,
                retry=retry,
                fallback=(fallbacks or {}).get(name),
                wake=self._wake_one,
            )
            for name, channel in channels.items()
        }

    @property
    def states(self) -> dict[str, ChannelState]:
        """How each channel fares."""
        return {name: worker.state for name, worker in self._workers.items()}

    def wake(self) -> None:
        """New messages stand in the outbox."""
        for worker in self._workers.values():
            worker.woken.set()

    def _wake_one(self, channel: str) -> None:
        if channel in self._workers:
            self._workers[channel].woken.set()

    async def run(self) -> None:
        """Sends until cancelled. A message whose attempt was cut off is sent again at the next start, with the same key."""
        async with asyncio.TaskGroup() as tasks:
            for name, worker in self._workers.items():
                tasks.create_task(worker.run(), name=f"outbox-{name}")
            tasks.create_task(self._end_strays(), name="outbox-strays")

    async def _end_strays(self) -> None:
        """Ends messages to channels that the notify file no longer has, once they are as old as any message may become."""
        while True:
            try:
                for row in await self._store.pending(_PAGE):
                    message, now = row.message, self._clock()
                    if message.channel not in self._workers and now - message.at >= self._retry.give_up:
                        detail = f"given up: the notify file has no channel {message.channel} any more"
                        attempt = Attempt(key=message.key, channel=message.channel, at=now, ok=False, detail=detail)
                        await self._store.record_attempt(attempt, done=True)
                        log.error("message_given_up", channel=message.channel, key=message.key, detail=detail)
            except StateUnavailableError as error:
                log.warning("outbox_unreadable", error=str(error))
            await asyncio.sleep(_HOUR_MS / 1000)
