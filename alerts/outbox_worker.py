"""One channel's worker: sends what is due, pauses with the channel, hands over what the channel does not take in time."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from alerts.channel import Channel, Fault, SendError
from alerts.handover import Fallback, deadline, handed, is_for_fallback
from ioc.domain.alarm import Attempt, OutboxMessage
from ioc.domain.state import FencedError, PendingMessage, StateUnavailableError

log = structlog.get_logger("ioc.outbox")

_HOUR_MS = 3_600_000
_POLL_MS = 30_000
"""Looks at the queue at least this often, whatever it was told."""
_PAGE = 64
_LOG_EVERY_MS = 60_000
_ATTEMPT_MARGIN_S = 2.0
_END_WITHIN_S = 2.0
"""How long the end waits for an attempt that is under way."""


class OutboxStore(Protocol):
    """Where the messages wait and the attempts are journalled."""

    async def pending(self, limit: int = 100, *, channel: str | None = None) -> Sequence[PendingMessage]:
        """Messages that have not ended, the longest due first."""
        ...

    async def record_attempt(
        self, attempt: Attempt, *, done: bool, next_at: int | None = None, handed_to: OutboxMessage | None = None
    ) -> None:
        """Journals an attempt; `done` ends the message, else it is due at `next_at`. `handed_to` is queued in the same transaction."""
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
    handed_over: int = 0


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt that failed; `ended` = it was the message's last one on this channel."""

    row: PendingMessage
    error: SendError
    ended: bool


@dataclass(slots=True, kw_only=True)
class Worker:
    """The messages of one channel."""

    name: str
    channel: Channel
    store: OutboxStore
    clock: Callable[[], int]
    jitter: Callable[[], float]
    retry: Retry
    fallback: Fallback | None
    wake: Callable[[str], None]
    """Tells another channel's worker that a message stands there."""
    state: ChannelState = field(default_factory=ChannelState)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    paused_until: int = 0
    suspects: dict[str, None] = field(default_factory=dict)
    """Keys of messages that failed while another passed: they no longer speak for the channel."""
    logged_at: int | None = None

    async def run(self) -> None:
        """Rounds until cancelled."""
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
        """Sends what is due, hands over what waits too long; the answer is the time (ms) until there may be more to do."""
        self.woken.clear()
        pause = self.paused_until - self.clock()
        if pause > 0 and self.fallback is None:
            return pause
        rows = await self.store.pending(_PAGE, channel=self.name)
        now = self.clock()
        waiting = [row for row in rows if pause > 0 or row.next_at > now]
        wait = await self._hand_over(waiting, now)
        due = [row for row in rows if row.next_at <= now]
        if pause > 0 or not due:
            return min([wait, *([pause] if pause > 0 else [row.next_at - now for row in waiting])])
        return await self._send_all(sorted(due, key=lambda row: (row.next_at, row.message.at)))

    async def _hand_over(self, waiting: Sequence[PendingMessage], now: int) -> int:
        """Gives the fallback what has waited long enough; time until the next look (ms), 0 where something went."""
        if self.fallback is None:
            return _POLL_MS
        deadlines = [(deadline(row, self.state.failing_since, self.fallback.after), row) for row in waiting]
        over = [row for at, row in deadlines if at is not None and at <= now]
        for row in over:
            why = self.state.last_error if self.state.failing_since is not None else "not taken in time"
            await self._end_here(row, now, self.fallback, why)
        if over:
            return 0
        return min([_POLL_MS, *(at - now for at, _ in deadlines if at is not None)])

    async def _end_here(self, row: PendingMessage, now: int, fallback: Fallback, why: str) -> None:
        await self._record(
            row, now, ok=False, detail=f"handed to {fallback.channel}: {why}", done=True, next_at=None, handed_to=handed(row, fallback)
        )
        self.state.handed_over += 1
        log.warning("message_handed_over", channel=self.name, to=fallback.channel, key=row.message.key, detail=why)
        self.wake(fallback.channel)

    async def _send_all(self, rows: list[PendingMessage]) -> int:
        """Sends in order. A failure of the channel ends the round; a message's third one first lets another message try."""
        failed: _Failure | None = None
        while rows:
            # After a failure another one each time: the next in line may be just as bad.
            row = rows.pop(0 if failed is None else self.state.failures % len(rows))
            failure = await self._attempt_whole(row)
            if failure is None:
                if failed is not None and not failed.ended:
                    self.suspects[failed.row.message.key] = None
                failed = None
            elif self._speaks_for_channel(row, failure.error):
                if failed is not None or row.attempts + 1 < self.retry.probe_after:
                    return self._pause(failure.error)
                failed = failure
        return 0 if failed is None else self._pause(failed.error)

    async def _attempt_whole(self, row: PendingMessage) -> "_Failure | None":
        """One try that the end lets finish: cut off between the receiver's answer and our note of it, it would come twice."""
        going = asyncio.ensure_future(self._attempt(row))
        try:
            return await asyncio.shield(going)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_WITHIN_S):
                    await asyncio.gather(going, return_exceptions=True)
            raise

    async def _attempt(self, row: PendingMessage) -> "_Failure | None":
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
        return _Failure(row, error, ended=await self._record_failure(row, now, error))

    async def _record_failure(self, row: PendingMessage, now: int, error: SendError) -> bool:
        """Whether the message ends here: it goes to the fallback, or is given up."""
        if self.fallback is not None and is_for_fallback(
            row, error, now, failing_since=self.state.failing_since, after=self.fallback.after
        ):
            await self._end_here(row, now, self.fallback, error.detail)
            return True
        if now - row.message.at >= self.retry.give_up:
            detail = f"given up after {row.attempts + 1} attempts: {error.detail}"
            await self._record(row, now, ok=False, detail=detail, done=True, next_at=None)
            self.state.given_up += 1
            log.error("message_given_up", channel=self.name, key=row.message.key, detail=detail)
            return True
        # A failure of the channel leaves the message its place in the queue; the channel pauses instead.
        own = row.next_at if self._speaks_for_channel(row, error) else now + self._wait(row.attempts + 1, error)
        await self._record(row, now, ok=False, detail=error.detail, done=False, next_at=own)
        return False

    async def _record(
        self,
        row: PendingMessage,
        now: int,
        *,
        ok: bool,
        detail: str,
        done: bool,
        next_at: int | None,
        handed_to: OutboxMessage | None = None,
    ) -> None:
        attempt = Attempt(key=row.message.key, channel=self.name, at=now, ok=ok, detail=detail)
        await self.store.record_attempt(attempt, done=done, next_at=next_at, handed_to=handed_to)
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
        """Until the time is over; new messages end it early, unless the channel pauses and nobody else could take them."""
        wake_early = self.fallback is not None or self.paused_until <= self.clock()
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
