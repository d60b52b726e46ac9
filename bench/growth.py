"""What more devices and more rules cost: CPU and memory, each by a fresh `ioc run` that empties its queue.

python bench/growth.py [--count 20000] [--rounds 3] [--devices 1000 10000 100000] [--rules 1 50 200]
"""

import argparse
import asyncio
import sys
import time

from content import Content
from contestants import Ours
from drain import drain
from process import MB
from stand import Stand, heading, stand
from throughput import QUEUEING, heard_by

DEVICES, RULES = 6_105, 50
IDLE_S = 10.0


async def measure(servers: Stand, name: str, options: argparse.Namespace, *, devices: int, rules: int, known: bool = True) -> bool:
    """One line; whether nothing was lost."""
    contents = [Content(count=options.count, devices=devices, first=turn * options.count) for turn in range(options.rounds)]
    bucket = servers.influx.new_bucket()
    ours = Ours(servers, name.replace(" ", "-"), bucket, rows=contents[0].rows if known else (), rule_count=rules)
    began = time.monotonic()
    await ours.begin(deadline=300)
    started = time.monotonic() - began
    try:
        await heard_by(servers, ours)
        found = await drain(servers, ours, contents)
        blind = len(await ours.alarms(rule="ioc_blind"))
        used = ours.cpu_s()
        await asyncio.sleep(IDLE_S)
        idle = (ours.cpu_s() - used) / IDLE_S * 100
    finally:
        await ours.end()
    print(
        f"{name:<26}{found.cpu_us:>16.1f}{found.per_s:>12.0f}{found.rss / MB:>8.0f}{found.peak / MB:>9.0f}{idle:>9.1f}{started:>9.1f}"
        f"{blind:>7}{found.lost:>6}"
    )
    return found.lost == 0


async def run(servers: Stand, options: argparse.Namespace) -> bool:
    """The table."""
    print(f"{'':26}{'CPU µs/message':>16}{'messages/s':>12}{'RSS MB':>8}{'peak MB':>9}{'idle %':>9}{'start s':>9}{'blind':>7}{'lost':>6}")
    fine = [await measure(servers, f"{n} rules", options, devices=DEVICES, rules=n) for n in options.rules]
    for devices in options.devices:
        fine.append(await measure(servers, f"{devices} registered", options, devices=devices, rules=RULES))
        fine.append(await measure(servers, f"{devices} nobody registered", options, devices=devices, rules=RULES, known=False))
    return all(fine)


def main() -> int:
    """Exit code 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="messages queued at a time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rules", type=int, nargs="+", default=[1, 50, 200])
    options = parser.parse_args()
    heading(f"Growth: rules at {DEVICES} devices, devices at {RULES} rules")
    with stand(QUEUEING) as servers:
        return 0 if asyncio.run(run(servers, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
