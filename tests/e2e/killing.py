"""The same input at the same time into two servers: one is killed again and again, one is left alone."""

import asyncio
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from e2e import points
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from e2e.traffic import ASKED, Steady
from e2e.webhook import Call, WebhookReceiver
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.waiting import PATIENCE_S, wait_until

LAG_MS, LAG_MIXED_MS = 1_000, 80
"""By how much the devices' times lie behind ours, so that none is ahead of its arrival, also where our clock is being slewed.

Mixed it has to be less than the time between two messages of a device: a time that we assign then lies between its neighbours'.
"""

Entry = tuple[str, str, str, int | None]
"""(rule, device, step or state told, at): the time is None for devices without a clock."""


@dataclass(slots=True)
class Seen:
    """What one server made of the input."""

    telemetry: Counter[int]
    """Message number → points that carry it."""
    events: Counter[int]
    ledger: dict[str, int]
    journal: Counter[Entry]
    outbox: Counter[Entry]
    """What people were told: (rule, device, active or cleared, the alarm's since).

    Not by message: what had happened before a message was due goes into one, so that a server that was away tells in one
    message what the other told in two.
    """
    messages: Counter[str]
    """By event."""
    unwritten: int
    """Journal entries without a point of their own in `alarm`, and points without an entry."""
    unsent: int
    calls: Sequence[Call]
    keys: set[str]


@dataclass(slots=True)
class KillRun:
    """What was sent, and what became of it in both servers."""

    acknowledged: Counter[str]
    telemetry: set[int]
    events: set[int]
    killed: Seen
    clean: Seen
    kills: list[float] = field(default_factory=list)
    """Seconds from the start of the traffic."""
    back_after: list[float] = field(default_factory=list)
    """Seconds from a kill to /readyz, where no other kill came between."""


async def kill_run(
    folder: Path, broker: Mosquitto, influx: InfluxDB, *, seconds: float, kills: int, rate: int, seed: int, mixed: bool = False
) -> KillRun:
    """Runs it; about `seconds` and half a minute more."""
    lag = LAG_MIXED_MS if mixed else LAG_MS
    base = int(time.time() * 1000) - lag + 8_000
    traffic = Steady(seconds=seconds, rate=rate, seed=seed, base=base, mixed=mixed)
    async with WebhookReceiver() as hook, WebhookReceiver() as clean_hook:
        buckets = influx.new_bucket(), influx.new_bucket()
        killed, clean = (
            ServerUnderTest(
                folder / name,
                broker={"url": broker.url, "client_id": name},
                store=influx_store(influx, bucket),
                rules=ASKED,
                devices=traffic.rows(),
                webhook=receiver.url,
            )
            for name, bucket, receiver in zip(("killed", "clean"), buckets, (hook, clean_hook), strict=True)
        )
        try:
            await asyncio.gather(killed.begin(), clean.begin())
            async with Publisher(broker.port, client_id="publisher", window=5_000) as publisher:
                await asyncio.sleep(max(0.0, (base + lag) / 1000 - time.time()))
                began = time.monotonic()
                sending = asyncio.create_task(publisher.send_all(traffic.messages(), rate=rate))
                moments, back = await _kill(killed, began, seconds=seconds, kills=kills, seed=seed)
                await sending
            ledgers = await asyncio.gather(_settle(killed, publisher), _settle(clean, publisher))
            await asyncio.gather(killed.end(), clean.end())
        finally:
            await asyncio.gather(killed.end(), clean.end())
        clocked = set(traffic.with_clock)
        results = [
            _seen(server, influx, bucket, ledger=ledger, calls=receiver.calls, clocked=clocked)
            for server, bucket, ledger, receiver in zip((killed, clean), buckets, ledgers, (hook, clean_hook), strict=True)
        ]
    return KillRun(
        acknowledged=Counter(message.kind for message in publisher.acknowledged),
        telemetry={message.n for message in publisher.acknowledged if message.kind != "event"},
        events={message.n for message in publisher.acknowledged if message.kind == "event"},
        killed=results[0],
        clean=results[1],
        kills=moments,
        back_after=back,
    )


async def _kill(server: ServerUnderTest, began: float, *, seconds: float, kills: int, seed: int) -> tuple[list[float], list[float]]:
    """Kills at seeded moments, whatever the server is doing then, and starts it again at once."""
    dice = random.Random(f"kills {seed}")
    moments = sorted(dice.uniform(2.0, seconds - 2.0) for _ in range(kills))
    back: list[float] = []
    for moment, following in zip(moments, [*moments[1:], None], strict=True):
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        await asyncio.to_thread(server.kill_now)
        fell = time.monotonic()
        await asyncio.to_thread(server.launch)
        left = None if following is None else began + following - time.monotonic()
        if await _is_back(server, left):
            back.append(time.monotonic() - fell)
    return moments, back


async def _is_back(server: ServerUnderTest, within: float | None) -> bool:
    deadline = time.monotonic() + (PATIENCE_S if within is None else within)
    while time.monotonic() < deadline:
        if await asyncio.to_thread(server.answers):
            return True
        await asyncio.sleep(0.05)
    return False


async def _settle(server: ServerUnderTest, publisher: Publisher) -> dict[str, int]:
    """The ledger once everything is booked and every message has left; as it stands after some minutes where that does not come.

    There are hundreds of messages, and each is noted on the disk as delivered before the next one leaves.
    """

    async def settled() -> dict[str, int] | None:
        ledger = await server.ledger()
        booked = ledger["in_flight"] == 0 and ledger["spooled"] == 0 and ledger["stored"] >= len(publisher.acknowledged)
        if not booked:
            return None
        messages = await server.everything("/api/v1/messages")
        return ledger if all(message["done_at"] is not None for message in messages) else None

    with suppress(AssertionError):
        found: dict[str, int] = await wait_until(settled, 2 * PATIENCE_S, what="all is booked and sent")
        return found
    return await server.ledger()


def _seen(
    server: ServerUnderTest, influx: InfluxDB, bucket: str, *, ledger: dict[str, int], calls: Sequence[Call], clocked: set[str]
) -> Seen:
    bodies = Counter(json.loads(row["body"])["n"] for row in points.rows(influx, bucket, "event", "body"))
    database = sqlite3.connect(f"file:{server.data_dir / 'state.db'}?mode=ro", uri=True)
    with database:
        journal = Counter(
            (rule, device, step, at if device in clocked else None)
            for rule, device, step, at in database.execute("SELECT rule, device, step, at FROM journal WHERE device IS NOT NULL")
        )
        entries = Counter(database.execute("SELECT alarm, step FROM journal"))
        keys = set()
        outbox: Counter[Entry] = Counter()
        messages: Counter[str] = Counter()
        for key, event, body in database.execute("SELECT key, event, body FROM outbox"):
            keys.add(key)
            messages[event] += 1
            for alarm in json.loads(body)["alarms"]:
                if alarm["device"] is not None:
                    outbox[alarm["rule"], alarm["device"], alarm["state"], alarm["since"] if alarm["device"] in clocked else None] += 1
        (unsent,) = database.execute("SELECT count(*) FROM outbox WHERE NOT delivered").fetchone()
    database.close()
    told = Counter((row["id"], row["transition"]) for row in points.rows(influx, bucket, "alarm", "id", "transition"))
    return Seen(
        telemetry=points.numbers(influx, bucket),
        events=bodies,
        ledger=ledger,
        journal=journal,
        outbox=outbox,
        messages=messages,
        unwritten=(entries - told).total() + (told - entries).total(),
        unsent=unsent,
        calls=list(calls),
        keys=keys,
    )
