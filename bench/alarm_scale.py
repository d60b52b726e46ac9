"""Alarms at a province's scale: decision latency at 2,800 messages/s and 200 rules, a restart with 10,000 alarms, a backtest.

    python bench/alarm_scale.py [--minutes 5] [--alarms 10000] [--hours 6] [--devices 6105] [--rules 200] [--part latency,restart,backtest]

Latency is from a message's send to the event stream's word of its alarm, which follows the commit of the journal.
"""

import argparse
import asyncio
import random
import sys
import time
from contextlib import suppress
from itertools import islice
from zoneinfo import ZoneInfo

from contestants import Ours, rules
from feed import packet, send_all
from footprint import Province
from latency import Probe, stream
from process import MB
from stand import Stand, heading, quantile, say, stand
from sustained import FAMILIES, publish

from alerts.notify_file import NotifyFile
from alerts.proving.backdrop import Backdrop
from alerts.proving.backtest import Span, run
from alerts.proving.course import Course
from alerts.proving.history import History
from alerts.rule import Rule
from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import rule
from ioc.adapters.embedded import EmbeddedStore
from ioc.domain.point import Point
from ioc.domain.registry import Device
from ruling.stage import FAMILIES as SHIPPED
from servers.waiting import wait_until

FAULTY = rule("probe", {"kind": "state", "metric": "state", "is": "fault"})
PROBE_EVERY_S, PROBES = 0.25, 100
LINES = 200
START = 1_772_730_000_000
HOUR_MS, CADENCE_MS = 3_600_000, 60_000
SOON_MS = 2_000
AIM = 5_000
"""Times real time that a backtest of the province should reach."""


async def latency(servers: Stand, options: argparse.Namespace) -> bool:
    """From the send of a message to the event stream's word of its alarm, which follows the journal's commit."""
    probes = [f"PROBE-{n:03}" for n in range(PROBES)]
    rows = Province(options.devices).rows
    rows += [(f"BENCH-{n:04}", "bench_line", rows[n % len(rows)][2], f"Dây chuyền {n}") for n in range(LINES)]
    rows += [(name, "speaker", rows[0][2], name) for name in probes]
    ours = Ours(
        servers,
        "latency",
        servers.influx.new_bucket(),
        rows=rows,
        rule_count=options.rules - 1,
        more_rules=[FAULTY],
        families=[str(FAMILIES)],
    )
    await ours.begin()
    seen: dict[Probe, float] = {}
    sent: dict[Probe, float] = {}
    told = asyncio.create_task(stream(ours, seen))
    asking = asyncio.create_task(_ask(servers, probes, sent))
    try:
        load = argparse.Namespace(devices=options.devices, lines=LINES, rate=options.rate)
        published, spent = await publish(servers, load, options.minutes * 60, {"ours": ours.pid})
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await wait_until(lambda: sent.keys() <= seen.keys(), 60, "every probe is told of")
        rss = ours.rss_bytes()
    finally:
        told.cancel()
        asking.cancel()
        await ours.end()
    late = [seen[one] - at for one, at in sent.items()]
    messages = sum(published[family] for family in ("speaker", "bench_line"))
    say("messages, probes", f"{messages}, {len(late)}")
    say("publish → journal, p50 and p99", f"{quantile(late, 0.5):.0f} and {quantile(late, 0.99):.0f} ms")
    say("CPU of ours", f"{spent['ours'] / messages * 1e6:.1f} µs a message")
    say("RSS", f"{rss / MB:.0f} MB")
    return quantile(late, 0.99) <= SOON_MS


async def _ask(servers: Stand, probes: list[str], sent: dict[Probe, float]) -> None:
    """Probes fall ill and recover, one after the other, each once."""
    async with Publisher(servers.broker.port, client_id="probes") as publisher:
        for state, step in (("fault", "raised"), ("idle", "cleared")):
            for n, device in enumerate(probes):
                at = time.time() * 1000
                await publisher.send(telemetry(n, device, int(at), state=state))
                sent[device, step] = at
                await asyncio.sleep(PROBE_EVERY_S)


async def restart(servers: Stand, options: argparse.Namespace) -> bool:
    """Kills a server with so many active alarms, and starts it again."""
    devices = [f"SPK-{n:05}" for n in range(options.alarms)]
    rows = [(name, "speaker", "", name) for name in devices]
    ours = Ours(servers, "restart", servers.influx.new_bucket(), rows=rows, more_rules=[FAULTY])
    await ours.begin()
    now = int(time.time() * 1000)
    told = b'{"ts": %d, "state": "fault"}' % now
    await send_all(servers.broker.port, (packet(f"ioc/v1/speaker/{name}/telemetry".encode(), told) for name in devices))

    async def stands() -> bool:
        return len(await ours.alarms(state="active", rule="probe")) == options.alarms

    await wait_until(stands, 300, "all alarms stand")
    await asyncio.to_thread(ours.kill_now)
    began = time.monotonic()
    await ours.begin()
    say("restart with active alarms", f"{options.alarms}: ready after {time.monotonic() - began:.1f} s")
    kept = len(await ours.alarms(state="active", rule="probe"))
    await ours.end()
    return say("active alarms afterwards", kept, options.alarms)


async def backtest(servers: Stand, options: argparse.Namespace) -> bool:
    """So many hours of the province in the embedded store, read once through all rules."""
    names = [f"SPK-{n:05}" for n in range(options.devices)]
    store = EmbeddedStore(servers.folder / "series.db", clock=lambda: START + options.hours * HOUR_MS)
    await store.prepare(36_500 * 24 * HOUR_MS)
    dice = random.Random(11)
    points = (_said(name, at, place, dice) for at in range(0, int(options.hours * HOUR_MS), CADENCE_MS) for place, name in enumerate(names))
    while piece := list(islice(points, 20_000)):
        await store.write(piece)
    devices = [Device(device=name, family="speaker", registered_at=0) for name in names]
    plan = NotifyFile.model_validate({"channels": {"o": {"kind": "file", "path": "o"}}, "routes": [{"channels": ["o"]}]}).plan
    backdrop = Backdrop(
        site="bench",
        language="vi",
        zone=ZoneInfo("Asia/Ho_Chi_Minh"),
        families=SHIPPED,
        rules=[Rule.model_validate(one) for one in rules(options.rules)],
        clock_rules=(),
        plan=plan,
        unit=lambda _: None,
    )
    course, history = Course(backdrop, devices), History(SHIPPED, {one.device: one for one in devices})
    began, used = time.monotonic(), time.process_time()
    await run(store, history, [course], Span(start=START, end=START + int(options.hours * HOUR_MS)), reached=lambda _: None)
    took, used = time.monotonic() - began, time.process_time() - used
    await store.close()
    lasted = options.hours * 3600
    say("backtest", f"{history.samples} samples in {took:.1f} s, {used / history.samples * 1e6:.2f} µs of CPU each")
    say("times real time; per core", f"{lasted / took:.0f}; {lasted / used:.0f} (aim {AIM})")
    return say("alarms that nobody should have", len(course.chronicle.alarms), 0)


def _said(name: str, at: int, place: int, dice: random.Random) -> Point:
    fields: dict[str, float | int | str] = {
        "state": "idle", "volume": 70, "audio_dbfs": -85.0, "amp_temp_c": 35 + 10 * dice.random(), "mains_v": 225.0, "rssi_dbm": -70,
        "lag_ms": 200,
    }  # fmt: skip
    return Point.of("speaker", (("device", name),), fields, START + at + place * CADENCE_MS // 10_000)


PARTS = {"latency": latency, "restart": restart, "backtest": backtest}


def main() -> int:
    """Exit code 1 when something is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=int, default=2_800)
    parser.add_argument("--alarms", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--part", default=",".join(PARTS))
    options = parser.parse_args()
    heading(f"Alarms: {options.rules} rules, {options.devices} devices, {options.rate} messages/s")
    with stand() as servers:
        fine = [asyncio.run(PARTS[part](servers, options)) for part in options.part.split(",")]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
