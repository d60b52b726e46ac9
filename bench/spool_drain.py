"""The spool's drain beside live traffic, into a real InfluxDB: points a second, and what live writes notice of it.

    python bench/spool_drain.py [--rows 1500] [--live 1000]

A row holds the points of a tenth of a second at 1,000 messages/s, 22 fields each, as they are spooled while the store is away; live writes
go on at `--live` points a second, ten a second.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable, Sequence

from stand import quantile, say, stand

from collectors.drain import Drain, TakenRow
from collectors.writer import Writer
from ioc.adapters.influx import InfluxStore
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.domain.point import Point

ROW = 100
FIELDS = 22
EVERY_S = 0.1


class NoBooks:
    """Books nothing, and counts how often it was asked to: the ledger's part is measured elsewhere."""

    def __init__(self) -> None:
        self.asked = 0

    async def drained(self, rows: Sequence[TakenRow]) -> None:
        """Once a request."""
        del rows
        self.asked += 1

    async def lost(self) -> None:
        """Nothing is."""


def points(first: int, count: int, at: int) -> list[Point]:
    """Of different devices."""
    dice = random.Random(first)
    fields = {f"m{n}": round(dice.uniform(0, 100), 1) for n in range(FIELDS)}
    return [
        Point.of("speaker", (("device", f"SPK-{(first + n) % 6_105:05}"),), {**fields, "lag_ms": n}, at + first + n) for n in range(count)
    ]


async def live(writer: Writer, rate: int, goes_on: Callable[[], bool]) -> list[float]:
    """How long each live write took, in ms."""
    took: list[float] = []
    count, first = int(rate * EVERY_S), 0
    due = time.monotonic()
    while goes_on():
        began = time.monotonic()
        await writer.put("ioc-1", points(first, count, 1_796_000_000_000), lambda: b"")
        took.append((time.monotonic() - began) * 1000)
        first += count
        due += EVERY_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return took


async def measure(rows: int, rate: int) -> None:
    """Live alone, then beside the drain."""
    with stand() as servers:
        store = InfluxStore(servers.influx.url, org=servers.influx.org, bucket=servers.influx.bucket, token=servers.influx.token)
        await store.prepare(0)
        file = spool_file(servers.folder / "spool.db")
        await file.open()
        spool = Spool(file, limit_bytes=4 * 10**9, clock=lambda: int(time.time() * 1000))
        writer = Writer(store, spool, clock=lambda: int(time.time() * 1000))
        books = NoBooks()
        drain = Drain(writer, spool, books, jitter=random.random)
        until = time.monotonic() + 5
        alone = await live(writer, rate, lambda: time.monotonic() < until)
        for row in range(rows):
            await spool.append("ioc-1", points(row * ROW, ROW, 1_795_000_000_000), b"")
        began, cpu = time.monotonic(), time.process_time()
        task = asyncio.create_task(drain.run())
        beside = await live(writer, rate, lambda: spool.rows > 0)
        took = time.monotonic() - began
        task.cancel()
        total, rate_live = rows * ROW, len(beside) * ROW / took
        cpu = time.process_time() - cpu
        say("live alone", f"p50 {quantile(alone, 0.5):.0f} ms, p99 {quantile(alone, 0.99):.0f} ms")
        say("live beside the drain", f"p50 {quantile(beside, 0.5):.0f} ms, p99 {quantile(beside, 0.99):.0f} ms, {rate_live:.0f}/s")
        say("drained", f"{total} points in {took:.1f} s, {total / took:.0f}/s: {total / took / rate:.1f} times the live rate")
        say("requests of the drain", f"{books.asked}, of {total / books.asked:.0f} points")
        say("processor time of ours", f"{cpu / (total + len(beside) * ROW) * 1e6:.0f} µs a point")
        say("spooled meanwhile", drain.points - rows * ROW, 0)
        await store.close()
        await file.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_500)
    parser.add_argument("--live", type=int, default=1_000)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.rows, arguments.live))
