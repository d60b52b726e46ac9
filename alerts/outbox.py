"""Sends what the outbox holds: every message to its channel at least once, each attempt journalled."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from alerts.channel import Channel, Fault, SendError
from ioc.domain.alarm import Attempt
from ioc.domain.state import FencedError, PendingMessage, StateUnavailableError

log = structlog.get_logger("ioc.outbox")

_HOUR_MS = 3_600_000
_POLL_MS = 30_000
"""Looks at the queue at least this often, whatever it was told."""
_PAGE = 64
_LOG_EVERY_MS = 60_000
_ATTEMPT_MARGIN_S = 2.0


class OutboxStore(Protocol):
    """Where the messages wait and the attempts are journalled."""

    async def pending(self, limit: int = 100, *, channel: str | None = None) -> Sequence[PendingMessage]:
        """Messages that have not ended, the longest due first."""
        ...

    async def record_attempt(self, attempt: Attempt, *, done: bool, next_at: int | None = None) -> None:
        """Journals an attempt; `done` ends the message, else it is due again at `next_at`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How failures are followed up (ms)."""

    first: int = 1_000
    longest: int = 300_000
    longest_asked: int = _HOUR_MS
    """The longest wait that a receiver may ask for."""
    give_up: int = 24 * _HOUR_MS
    attempt: int = 10_000
    """Time for one attempt."""
    probe_after: int = 3
    """From this attempt on a failing message no longer holds up the next one."""

    def wait(self, failures: int, jitter: float) -> int:
        """Time until the next attempt after so many failures in a row (≥ 1): doubling, between half and all of it by `jitter` (0–1)."""
        full = min(self.longest, self.first << min(failures - 1, 30))
        return round(full * (0.5 + 0.5 * jitter))


@dataclass(slots=True, kw_only=True)
class ChannelState:
    """How a channel fares: `failing_since` None = the last attempt went through, or none was made."""

    failures: int = 0
    failing_since: int | None = None
    last_error: str = ""
    delivered: int = 0
    given_up: int = 0


class Outbox:
    """One worker for each channel, so that a slow or dead one holds up no other.

    Within a channel messages go one by one, oldest first, also after an outage. A message that keeps failing while others pass
    waits on its own. `clock` gives Unix ms, `jitter` numbers from 0 to 1.
    """

    def __init__(
        self,
        store: OutboxStore,
        channels: Mapping[str, Channel],
        *,
        clock: Callable[[], int],
        jitter: Callable[[], float],
        retry: Retry | None = None,
    ) -> None:
        retry = retry or Retry()
        self._store = store
        self._clock = clock
        self._retry = retry
        self._workers = {
            name: _Worker(name=name, channel=channel, store=store, clock=clock, jitter=jitter, retry=retry)
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


@dataclass(slots=True, kw_only=True)
class _Worker:
    """The messages of one channel."""

    name: str
    channel: Channel
    store: OutboxStore
    clock: Callable[[], int]
    jitter: Callable[[], float]
    retry: Retry
    state: ChannelState = field(default_factory=ChannelState)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    paused_until: int = 0
    suspects: dict[str, None] = field(default_factory=dict)
    """Keys of messages that failed while another passed: they no longer speak for the channel."""
    logged_at: int | None = None

    async def run(self) -> None:
        while True:
            try:
                wait = await self.round()
            except StateUnavailableError as error:
                self._complain("outbox_unreadable", str(error))
                wait = self.retry.first
            except FencedError:
                raise
            except Exception:
                log.exception("outbox_worker_failed", channel=self.name)
                wait = self.retry.longest
            await self._rest(wait)

    async def round(self) -> int:
        """Sends what is due; the answer is the time (ms) until there may be more to do."""
        self.woken.clear()
        if (pause := self.paused_until - self.clock()) > 0:
            return pause
        rows = await self.store.pending(_PAGE, channel=self.name)
        now = self.clock()
        due = [row for row in rows if row.next_at <= now]
        if not due:
            return min([_POLL_MS, *(row.next_at - now for row in rows)])
        return await self._send_all(sorted(due, key=lambda row: (row.next_at, row.message.at)))

    async def _send_all(self, rows: list[PendingMessage]) -> int:
        """Sends in order. A failure of the channel ends the round; a message's third one first lets another message try."""
        failed: tuple[PendingMessage, SendError] | None = None
        while rows:
            # After a failure another one each time: the next in line may be just as bad.
            row = rows.pop(0 if failed is None else self.state.failures % len(rows))
            error = await self._attempt(row)
            if error is None:
                if failed is not None:
                    self.suspects[failed[0].message.key] = None
                failed = None
            elif self._speaks_for_channel(row, error):
                if failed is not None or row.attempts + 1 < self.retry.probe_after:
                    return self._pause(error)
                failed = row, error
        return 0 if failed is None else self._pause(failed[1])

    async def _attempt(self, row: PendingMessage) -> SendError | None:
        """One try, journalled; the failure, if it was one."""
        error: SendError | None = None
        receipt = ""
        try:
            async with asyncio.timeout(self.retry.attempt / 1000 + _ATTEMPT_MARGIN_S):
                receipt = await self.channel.send(row.message)
        except SendError as failure:
            error = failure
        except TimeoutError:
            error = SendError("no answer in time")
        except Exception as unexpected:
            log.exception("channel_broken", channel=self.name, key=row.message.key)
            error = SendError(f"unexpected {type(unexpected).__name__} in the channel's code, see the log")
        now = self.clock()
        if error is None:
            await self._record(row, now, ok=True, detail=receipt, done=True, next_at=None)
            self._recovered()
            return None
        await self._record_failure(row, now, error)
        return error

    async def _record_failure(self, row: PendingMessage, now: int, error: SendError) -> None:
        if now - row.message.at >= self.retry.give_up:
            detail = f"given up after {row.attempts + 1} attempts: {error.detail}"
            await self._record(row, now, ok=False, detail=detail, done=True, next_at=None)
            self.state.given_up += 1
            log.error("message_given_up", channel=self.name, key=row.message.key, detail=detail)
            return
        # A failure of the channel leaves the message its place in the queue; the channel pauses instead.
        own = row.next_at if self._speaks_for_channel(row, error) else now + self._wait(row.attempts + 1, error)
        await self._record(row, now, ok=False, detail=error.detail, done=False, next_at=own)

    async def _record(self, row: PendingMessage, now: int, *, ok: bool, detail: str, done: bool, next_at: int | None) -> None:
        attempt = Attempt(key=row.message.key, channel=self.name, at=now, ok=ok, detail=detail)
        await self.store.record_attempt(attempt, done=done, next_at=next_at)
        if done:
            self.suspects.pop(row.message.key, None)

    def _speaks_for_channel(self, row: PendingMessage, error: SendError) -> bool:
        return error.fault is Fault.CHANNEL and row.message.key not in self.suspects

    def _pause(self, error: SendError) -> int:
        now = self.clock()
        self.state.last_error = error.detail
        self.state.failures += 1
        self.state.failing_since = self.state.failing_since or now
        self._complain("channel_failing", self.state.last_error)
        wait = self._wait(self.state.failures, error)
        self.paused_until = now + wait
        return wait

    def _wait(self, failures: int, error: SendError) -> int:
        asked = min(error.retry_after_ms or 0, self.retry.longest_asked)
        return max(asked, self.retry.wait(failures, self.jitter()))

    def _recovered(self) -> None:
        self.state.delivered += 1
        if self.state.failing_since is not None:
            log.info("channel_works_again", channel=self.name, failed_ms=self.clock() - self.state.failing_since)
        self.state.failures, self.state.failing_since, self.logged_at = 0, None, None

    def _complain(self, event: str, detail: str) -> None:
        """Once a minute while it lasts."""
        now = self.clock()
        if self.logged_at is None or now - self.logged_at >= _LOG_EVERY_MS:
            self.logged_at = now
            log.warning(event, channel=self.name, detail=detail, failures=self.state.failures)

    async def _rest(self, wait_ms: int) -> None:
        """Until the time is over; new messages end it early, unless the channel pauses."""
        wake_early = self.paused_until <= self.clock()
        if wait_ms <= 0:
            return
        if not wake_early:
            await asyncio.sleep(wait_ms / 1000)
            return
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self.woken.wait()
        except TimeoutError:
            pass
