"""What a transaction of state.db costs: the decisions of 1 and of 50 alarms with their messages, a booking, and decisions beside a queue.

    python bench/state_commits.py [--rounds 300] [--queue 16] [--folder .]

CPU is the whole process's, all threads; the file lies in `--folder`, so that the disk under it is the one that is flushed to.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from stand import quantile, say

from ioc.adapters.state.store import StateDb
from ioc.domain.alarm import Alarm, Decisions, NotificationGroup, OutboxMessage, RuleState, Severity, Step, Transition
from ioc.domain.ledger import Booking, Expectation, LedgerRow, LedgerTerms

MINUTE = 1_796_000_040_000
HOUR = 1_796_000_400_000
TEXTS = {"vi": "Cụm loa phát mà không có tiếng", "en": "The cluster plays without sound"}


def decisions(first: int, count: int) -> Decisions:
    """`count` devices fall ill at once: an alarm, its entry, its rule's state each, and a message to each of two channels."""
    numbers = range(first, first + count)
    body = '{"alarms":[' + ",".join(f'{{"id":"a{n}","summary":"{TEXTS["vi"]}"}}' for n in numbers) + "]}"
    return Decisions(
        transitions=tuple(
            Transition(seq=n, alarm=f"a{n}", rule="silent", severity=Severity.MAJOR, device=f"d{n}", unit="u1", step=Step.RAISED, at=n,
                       recorded=n, by="sample", detail="audio_dbfs = -80")
            for n in numbers
        ),
        alarms=tuple(
            Alarm(id=f"a{n}", rule="silent", severity=Severity.MAJOR, device=f"d{n}", unit="u1", since=n, summary=TEXTS, action=TEXTS,
                  labels={"team": "ky_thuat"})
            for n in numbers
        ),
        rule_states=tuple(
            RuleState(rule="silent", device=f"d{n}", phase="active", since=n, alarm=f"a{n}", memory={"side": 1}) for n in numbers
        ),
        groups=(NotificationGroup(key="0|silent|u1", due_at=first, body=b"{}"),),
        outbox=tuple(
            OutboxMessage(key=f"k{first}", channel=channel, event="raised", at=first, body=body.encode()) for channel in ("ops", "mail")
        ),
        position=numbers[-1],
    )  # fmt: skip


def booking(number: int) -> Booking:
    """A batch of 100 messages of two families, with their fingerprints."""
    rows = tuple(LedgerRow(family, MINUTE + number // 50 * 60_000, LedgerTerms(received=50, stored=50)) for family in ("speaker", "line"))
    return Booking(
        source="ioc-1",
        rows=rows,
        fingerprints=number.to_bytes(8, "big") * 100,
        heard_until=MINUTE + number,
        expected=tuple(Expectation(row.family, HOUR, certain=50) for row in rows),
    )


async def measured(what: str, rounds: int, work: Callable[[int], Awaitable[None]]) -> None:
    """One transaction after the other, each awaited."""
    took: list[float] = []
    cpu = time.process_time()
    for number in range(rounds):
        began = time.monotonic()
        await work(number)
        took.append((time.monotonic() - began) * 1_000)
    each = (time.process_time() - cpu) * 1_000 / rounds
    say(what, f"CPU {each:.2f} ms, wall median {quantile(took, 0.5):.2f} ms, p99 {quantile(took, 0.99):.2f} ms")


async def beside_a_queue(state: StateDb, first: int, rounds: int, queue: int) -> None:
    """While `queue` bookings wait at every moment."""
    ended = asyncio.Event()

    async def keep_booking(lane: int) -> None:
        number = lane
        while not ended.is_set():
            await state.book(booking(number))
            number += queue

    async with asyncio.TaskGroup() as group:
        for lane in range(queue):
            group.create_task(keep_booking(lane))
        await measured(f"decisions of 1 alarm beside {queue} bookings that wait", rounds, lambda n: state.commit(decisions(first + n, 1)))
        ended.set()


async def main() -> None:
    """Prints a line for each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--queue", type=int, default=16)
    options.add_argument("--folder", type=Path, default=Path())
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        async with await StateDb.open(Path(folder) / "state.db") as state:
            await state.take_epoch()
            await measured("decisions of 1 alarm", chosen.rounds, lambda n: state.commit(decisions(1 + n, 1)))
            await measured("decisions of 50 alarms", chosen.rounds, lambda n: state.commit(decisions(10_000 + 50 * n, 50)))
            await measured("booking of a batch", chosen.rounds, lambda n: state.book(booking(n)))
            await beside_a_queue(state, 1_000_000, chosen.rounds // 3, chosen.queue)


asyncio.run(main())
