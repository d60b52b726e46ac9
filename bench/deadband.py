"""A factory's values with and without a deadband, and the rollups of a province: bytes, values, CPU.

python bench/deadband.py [--lines 20] [--seconds 60] [--devices 6105]
"""

import argparse
import asyncio
import random
import sys
import time

from stand import Stand, heading, say, stand

from collectors.deadband import memories
from collectors.delivery import Delivery
from collectors.ingest import Taken
from collectors.points import PointEncoder
from ioc.adapters.influx import InfluxStore
from ioc.adapters.line_protocol import LineEncoder
from ioc.domain.family import Family
from ioc.domain.point import Point
from ioc.domain.sample import Sample

LINES, METRICS, COUNTERS = 800, 50, 20
"""200 factories with 4 lines of 50 metrics at 1 Hz: 40,000 values/s."""
CHANGES = 0.05
"""How likely a counter changes within a second."""
DAY_S = 86_400
TEXT = {"vi": "x", "en": "x"}


def family(*, banded: bool) -> Family:
    """20 counters and states that change seldom, 30 measured values with noise; the band is 1 %."""
    metrics = {
        f"m{i}": {"type": "float" if i >= COUNTERS else "int", "labels": TEXT}
        | ({"deadband": {"percent": "1" if i >= COUNTERS else "0", "heartbeat": "5m"}} if banded else {})
        for i in range(METRICS)
    }
    return Family.model_validate({"family": "factory", "labels": TEXT, "cadence": "1s", "metrics": metrics})


def samples(lines: int, seconds: int) -> list[Taken]:
    """Whole numbers change about once in 20 s; floats drift slowly and shake by 0.3 %."""
    dice, base = random.Random(7), int(time.time()) * 1000 - seconds * 1000
    state = [[dice.randrange(1000) if i < COUNTERS else 50 + dice.random() * 50 for i in range(METRICS)] for _ in range(lines)]
    taken = []
    for second in range(seconds):
        for line, values in enumerate(state):
            for i in range(METRICS):
                values[i] += dice.random() < CHANGES if i < COUNTERS else dice.gauss(0, 0.02)
            told = tuple(int(v) if i < COUNTERS else round(v * dice.gauss(1, 0.003), 2) for i, v in enumerate(values))
            ts = base + second * 1000
            news = Sample("factory", f"line-{line}", ts, ts, told, 0, live=True)
            taken.append(Taken(Delivery(b"", b"", ts, 0, 0), 0, "factory", news.device, news=news))
    return taken


def factory(lines: int, seconds: int) -> None:
    """Both ways over the same samples; extrapolated to 800 lines."""
    taken = samples(lines, seconds)
    scale = LINES / lines / seconds
    cost = {}
    for name, banded in (("whole", False), ("with a deadband of 1 %", True)):
        declared = {"factory": family(banded=banded)}
        encoder = PointEncoder(declared, memories(declared))
        began = time.process_time()
        points = [encoder.point(one) for one in taken]
        cost[name] = (time.process_time() - began) / len(taken) * 1e6
        lined = LineEncoder()
        size = sum(len(lined.line(point)) + 1 for point in points if point is not None)
        fields = sum(len(point.fields) - 1 for point in points if point is not None)
        say(f"{name}: values/s written at 40,000/s", f"{fields * scale:,.0f}")
        say(f"{name}: line protocol a day", f"{size * scale * DAY_S / 1e9:.1f} GB")
        say(f"{name}: encoding a message of 50 values", f"{cost[name]:.1f} us CPU")


async def province(servers: Stand, devices: int) -> None:
    """One minute of all devices, 25 metrics each, one sample; the CPU is this process's, without InfluxDB's."""
    names = tuple(f"m{i}" for i in range(25))
    influx = servers.influx
    store = InfluxStore(influx.url, org=influx.org, bucket=influx.new_bucket(), token=influx.token, timeout_ms=60_000)
    await store.prepare(0)
    await store.prepare_rollups(730 * DAY_S * 1000)
    start = int(time.time() * 1000) // 60_000 * 60_000 - 300_000
    points = [Point.of("speaker", (("device", f"d{i}"),), {name: float(i) for name in names}, start + i) for i in range(devices)]
    await store.write(points)
    for turn in ("first", "second"):
        began, wall = time.process_time(), time.monotonic()
        count = 0
        async for minutes in store.summarise("speaker", names, start, start + 60_000):
            await store.write_rollups("speaker", minutes)
            count += len(minutes)
        took = time.monotonic() - wall
        say(f"rolling up a minute of {count} devices, {turn}", f"{time.process_time() - began:.2f} s CPU, {took:.2f} s")
    await store.close()


def main() -> int:
    """Prints; nothing is expected of the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--devices", type=int, default=6_105)
    options = parser.parse_args()
    heading("Deadband and rollups")
    factory(options.lines, options.seconds)
    with stand() as servers:
        asyncio.run(province(servers, options.devices))
    return 0


if __name__ == "__main__":
    sys.exit(main())
