"""A channel that fails for half an hour in one way or another, while a message comes every ten seconds and we may die now and then."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from alerts.channel import Fault, SendError
from alerts.handover import Fallback
from alerts.outbox import Outbox
from harm.virtual_time import now_ms, run
from ioc.domain.alarm import Attempt, OutboxMessage
from ioc.domain.state import PendingMessage

MODES = ("refuses", "hangs", "lost answer", "now and then")
"""Refuses: as a server that is down or answers 500 does. Lost answer: it takes the message, and its 200 is lost."""
AFTER_MS = 60_000
"""How long the first channel may fail before the second one gets its messages."""
MINUTE_MS = 60_000
ATTEMPT_MS = 10_000 + 2_000 + 1_000
"""One that gets no answer, and a moment."""


class Shelf:
    """The outbox's rows in memory, as the state database keeps them; they survive a crash of ours."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], PendingMessage] = {}
        self.attempts: list[Attempt] = []

    def put(self, message: OutboxMessage) -> None:
        """A message is committed; one that stands there already is the same."""
        self.rows.setdefault((message.key, message.channel), PendingMessage(message=message, attempts=0, next_at=message.at))

    async def pending(self, limit: int = 100, *, channel: str | None = None) -> list[PendingMessage]:
        """As the state database answers."""
        await asyncio.sleep(0)
        found = [row for row in self.rows.values() if channel in {None, row.message.channel}]
        return sorted(found, key=lambda row: (row.next_at, row.message.at, row.message.key))[:limit]

    async def record_attempt(
        self, attempt: Attempt, *, done: bool, next_at: int | None = None, handed_to: OutboxMessage | None = None
    ) -> None:
        """As the state database journals."""
        await asyncio.sleep(0)
        key = (attempt.key, attempt.channel)
        row = self.rows.pop(key)
        self.attempts.append(attempt)
        if not done:
            at = attempt.at if next_at is None else next_at
            self.rows[key] = msgspec.structs.replace(row, attempts=row.attempts + 1, next_at=at)
        if handed_to is not None:
            self.put(handed_to)


@dataclass
class Receiver:
    """Somebody who takes messages; between `begin` and `end` it fails in its mode."""

    mode: str = ""
    begin: int = 0
    end: int = 0
    taken: list[tuple[str, int]] = field(default_factory=list)
    """(key, when) of everything that arrived there."""
    lost_answers: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=random.Random)

    async def send(self, message: OutboxMessage) -> str:
        """Takes it after a moment, unless it fails."""
        await asyncio.sleep(0.2)
        if self.begin <= now_ms() < self.end:
            await self._fail(message)
        self.taken.append((message.key, now_ms()))
        await asyncio.sleep(0.2)
        return "taken"

    async def _fail(self, message: OutboxMessage) -> None:
        match self.mode:
            case "hangs":
                await asyncio.Event().wait()
            case "lost answer":
                self.taken.append((message.key, now_ms()))
                self.lost_answers[message.key] += 1
                error = "the connection broke before the answer came"
                raise SendError(error)
            case "now and then" if self.chance.random() < 0.5:
                return
            case mode:
                raise SendError(mode, fault=Fault.CHANNEL)


@dataclass(frozen=True, slots=True)
class Told:
    """What arrived where."""

    messages: int
    missed: int
    """Messages that arrived nowhere."""
    twice: int
    """Arrivals beyond one a message, one a crash and one an answer that was lost."""
    other_keys: int
    """Arrivals under a key that no message has."""
    latest_ms: int
    """The longest time from a message to its first arrival anywhere."""
    first_works_again: bool
    """Whether the first channel took the last message."""


def live_through(mode: str, *, seed: int, minutes: int = 30, crashes: int = 0) -> Told:
    """Ten minutes of quiet, so many of failure, twenty of quiet; the second channel always works."""
    return run(_live_through(mode, random.Random(seed), minutes * MINUTE_MS, crashes))


async def _live_through(mode: str, chance: random.Random, lasts: int, crashes: int) -> Told:
    begin = 10 * MINUTE_MS
    first, second = Receiver(mode, begin, begin + lasts, chance=chance), Receiver()
    shelf, until = Shelf(), begin + lasts + 20 * MINUTE_MS
    deaths = sorted(chance.randrange(begin, until - 10 * MINUTE_MS) for _ in range(crashes))
    sent: dict[str, int] = {}
    outbox, task = _start(shelf, first, second, chance)
    while now_ms() < until:
        if deaths and deaths[0] <= now_ms():
            deaths.pop(0)
            await _end(task)
            outbox, task = _start(shelf, first, second, chance)
        if now_ms() < until - 10 * MINUTE_MS:
            key = f"k{len(sent)}"
            sent[key] = now_ms()
            shelf.put(OutboxMessage(key=key, channel="first", event="raised", at=now_ms(), body=b"{}"))
            outbox.wake()
        await asyncio.sleep(10 + chance.random() / 10)
    await _end(task)
    return _told(sent, first, second, crashes=crashes)


def _start(shelf: Shelf, first: Receiver, second: Receiver, chance: random.Random) -> tuple[Outbox, asyncio.Task[None]]:
    outbox = Outbox(
        shelf,
        {"first": first, "second": second},
        clock=now_ms,
        jitter=chance.random,
        fallbacks={"first": Fallback(channel="second", after=AFTER_MS)},
    )
    return outbox, asyncio.create_task(outbox.run())


async def _end(task: asyncio.Task[None]) -> None:
    """Whatever it was doing is cut off, as by kill -9: nothing is journalled afterwards."""
    task.cancel()
    await asyncio.wait([task])


def _told(sent: dict[str, int], first: Receiver, second: Receiver, *, crashes: int) -> Told:
    arrivals = Counter(key for key, _ in (*first.taken, *second.taken))
    earliest: dict[str, int] = {}
    for key, at in sorted((*first.taken, *second.taken), key=lambda one: one[1]):
        earliest.setdefault(key, at)
    lost = sum(first.lost_answers.values())
    extra = sum(count - 1 for count in arrivals.values())
    return Told(
        messages=len(sent),
        missed=sum(key not in arrivals for key in sent),
        twice=max(0, extra - lost - crashes),
        other_keys=sum(key not in sent for key in arrivals),
        latest_ms=max(earliest[key] - at for key, at in sent.items() if key in earliest),
        first_works_again=list(sent)[-1] in dict(first.taken),
    )
