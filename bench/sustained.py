"""2,800 messages/s and 70,000 values/s for ten minutes beside InfluxDB, Mosquitto and the publisher: nothing lost, and what each costs.

    python bench/sustained.py [--minutes 10] [--rate 2800] [--devices 6105] [--lines 200] [--rules 50]

How long a delivery is in flight follows from how many are (sampled once a second) and from the rate (Little's law).
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from contestants import Ours
from footprint import Province
from process import MB, cpu_s
from stand import Stand, heading, quantile, say, stand

from e2e import points
from servers.waiting import wait_until

FAMILIES = Path(__file__).with_name("families")
COUNTED = {"speaker": "uptime_s", "bench_line": "good_count"}
GAUGES = ("ioc_in_flight_deliveries", "ioc_spool_rows", "ioc_blind")


class Watch:
    """The server's own gauges, once a second."""

    def __init__(self, server: Ours) -> None:
        self._server = server
        self.seen: dict[str, list[float]] = {name: [] for name in GAUGES}
        self.peak = 0

    async def run(self) -> None:
        """Until cancelled."""
        headers = {"Authorization": f"Bearer {self._server.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                async with session.get(f"{self._server.url}/metrics") as answer:
                    self._note(await answer.text())
                self.peak = max(self.peak, self._server.rss_bytes())
                await asyncio.sleep(1.0)

    def _note(self, text: str) -> None:
        sums = dict.fromkeys(GAUGES, 0.0)
        for line in text.splitlines():
            name = line.partition(" ")[0].partition("{")[0]
            if name in sums:
                sums[name] += float(line.rpartition(" ")[2])
        for name, value in sums.items():
            self.seen[name].append(value)


async def publish(
    servers: Stand, options: argparse.Namespace, seconds: float, costs: dict[str, int]
) -> tuple[dict[str, Any], dict[str, float]]:
    """(what the publisher reports, CPU seconds by process) once it is done."""
    arguments = {"port": servers.broker.port, "devices": options.devices, "lines": options.lines, "rate": options.rate, "seconds": seconds}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("steady.py")),
        *(part for name, value in arguments.items() for part in (f"--{name}", str(value))),
        stdout=asyncio.subprocess.PIPE,
    )
    before = {name: cpu_s(pid) for name, pid in costs.items()}
    ended = asyncio.create_task(child.communicate())
    spent = {}
    while not ended.done():
        spent = {"publisher": cpu_s(child.pid)}
        await asyncio.wait({ended}, timeout=0.2)
    spent |= {name: cpu_s(pid) - before[name] for name, pid in costs.items()}
    return json.loads(ended.result()[0]), spent


async def measure(servers: Stand, options: argparse.Namespace) -> bool:
    """Prints the figures; whether nothing was lost."""
    bucket = servers.influx.new_bucket()
    rows = Province(options.devices).rows
    rows += [(f"BENCH-{n:04}", "bench_line", rows[n % len(rows)][2], f"Dây chuyền {n}") for n in range(options.lines)]
    ours = Ours(servers, "sustained", bucket, rows=rows, rule_count=options.rules, families=[str(FAMILIES)])
    await ours.begin()
    watch = Watch(ours)
    watching = asyncio.create_task(watch.run())
    try:
        began = time.monotonic()
        costs = {"ours": ours.pid, "Mosquitto": servers.broker.pid, "InfluxDB": servers.influx.pid}
        sent, spent = await publish(servers, options, options.minutes * 60, costs)
        took = time.monotonic() - began
        messages = sum(sent[family] for family in COUNTED)

        async def booked() -> bool:
            ledger = await ours.ledger()
            return bool(ledger["in_flight"] == 0 and ledger["spooled"] == 0 and ledger["received"] >= messages)

        await wait_until(booked, 120, "everything booked")
        caught_up = time.monotonic() - began - took
        ledger = await ours.ledger()
        alarms = [alarm for alarm in await ours.alarms() if alarm["device"] is not None]
        rss = ours.rss_bytes()
    finally:
        watching.cancel()
        await ours.end()
    stored = {family: points.count(servers.influx, bucket, family, field) for family, field in COUNTED.items()}
    in_flight = watch.seen["ioc_in_flight_deliveries"]
    rate = messages / took
    say("published, PUBACKed", f"{messages}: {rate:.0f} messages/s, {sent['values'] / took:.0f} values/s; at most {sent['late_s']} s late")
    say("in flight, p50 and p99", f"{quantile(in_flight, 0.5):.0f} and {quantile(in_flight, 0.99):.0f} deliveries")
    say("as an age", f"{quantile(in_flight, 0.5) / rate * 1000:.0f} ms and {quantile(in_flight, 0.99) / rate * 1000:.0f} ms")
    say("last PUBACK → last booking", f"{caught_up:.1f} s")
    say("most batches in the spool", f"{max(watch.seen['ioc_spool_rows']):.0f}; seconds blind {sum(watch.seen['ioc_blind']):.0f}")
    for name, seconds in spent.items():
        each = f", {seconds / messages * 1e6:.1f} µs a message" if name == "ours" else ""
        say(f"CPU of {name}", f"{seconds / took * 100:.0f} % of one core{each}")
    say("RSS, and the most", f"{rss / MB:.0f} MB, {watch.peak / MB:.0f} MB")
    closed = sum(ledger[term] for term in ("stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight"))
    return all(
        [
            say("points lost", messages - sum(stored.values()), 0),
            say("ledger: received", ledger["received"], messages),
            say("ledger: stored", ledger["stored"], messages),
            say("ledger: received less its outcomes", ledger["received"] - closed, 0),
            say("devices' alarms", len(alarms), 0),
        ]
    )


def main() -> int:
    """Exit code 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=int, default=2_800)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--rules", type=int, default=50)
    options = parser.parse_args()
    heading(f"{options.rate} messages/s for {options.minutes:g} minutes, {options.rules} rules")
    with stand() as servers:
        return 0 if asyncio.run(measure(servers, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
