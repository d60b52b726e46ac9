"""An outbox at work over a state database, with channels that fail as told."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from alerts.channel import Channel
from alerts.handover import Fallback
from alerts.outbox import Outbox
from alerts.outbox_worker import Retry
from ioc.adapters.state.store import StateDb
from ioc.domain.alarm import Decisions, OutboxMessage

QUICK = Retry(first=1, longest=4, give_up=1_000_000)


class Clock:
    """Moves on by itself a little whenever it is read, so that waits end."""

    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


class Receiver:
    """A channel that fails as told, and keeps what it took."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.tried: list[str] = []
        self.taken: list[str] = []
        self.judge: Callable[[OutboxMessage], Exception | None] = lambda _message: None

    async def send(self, message: OutboxMessage) -> str:
        """Takes the message, or raises the next failure."""
        self.tried.append(message.key)
        failure = self.failures.pop(0) if self.failures else self.judge(message)
        if failure is not None:
            raise failure
        self.taken.append(message.key)
        return "taken"


class Slow:
    """A channel that answers when told."""

    def __init__(self) -> None:
        self.asked = False
        self.answers = asyncio.Event()

    async def send(self, message: OutboxMessage) -> str:
        """Takes the message, and says so later."""
        del message
        self.asked = True
        await self.answers.wait()
        return "taken"


class Hanging:
    """A channel that never answers."""

    async def send(self, message: OutboxMessage) -> str:
        """Waits for ever."""
        await asyncio.Event().wait()
        return message.key


async def put(state: StateDb, *keys: str, channel: str = "ops") -> None:
    """Commits a message for each key, in this order."""
    messages = [OutboxMessage(key=key, channel=channel, event="raised", at=n, body=b"{}") for n, key in enumerate(keys)]
    await state.commit(Decisions(outbox=tuple(messages)))


class Running:
    """An outbox at work until the block ends."""

    def __init__(self, state: StateDb, retry: Retry = QUICK, fallbacks: Mapping[str, Fallback] | None = None, **channels: Channel) -> None:
        self.clock = Clock()
        self.outbox = Outbox(state, channels, clock=self.clock, jitter=lambda: 1.0, retry=retry, fallbacks=fallbacks)

    async def __aenter__(self) -> Outbox:
        self.task = asyncio.create_task(self.outbox.run())
        return self.outbox

    async def __aexit__(self, *_failure: object) -> None:
        self.task.cancel()
        with pytest.raises((asyncio.CancelledError, BaseExceptionGroup)):
            await self.task
