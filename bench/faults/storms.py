"""Lines 17 to 19: a broker away, a commune that falls, alarms that come and go."""

import asyncio
import time
from contextlib import suppress

from faults.findings import Findings
from faults.line import Line, Stage

from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, rule
from harm import blindness, coming_and_going, mass_outage
from servers.waiting import wait_until

DEVICES, AWAY_S, CADENCE_S = 2_000, 600, 10
SEEDS = 20
SILENT = rule("silent", {"kind": "absence"})


async def blind(stage: Stage, findings: Findings) -> None:
    """On a clock in our hand: 2,000 devices a minute apart, no broker for 10 minutes, three devices that die meanwhile."""
    told = await blindness.live_through(stage.scaled(DEVICES, 500), AWAY_S)
    findings.must("simulated: our own alarm", told.ours, ["raised", "cleared"])
    findings.must("simulated: devices' alarms while we heard nothing", told.while_deaf, 0)
    findings.must("simulated: alarms of devices that live", told.living, 0)
    findings.must("simulated: dead devices found afterwards", told.dead, blindness.DEAD)
    findings.note("simulated: the first of them after we heard again (s)", told.earliest_s)


async def broker_down(stage: Stage, findings: Findings) -> None:
    """The same with a real broker, which is killed and started again."""
    broker, hook = stage.broker(), await stage.hook()
    devices = [f"SPK-{n:04}" for n in range(stage.scaled(DEVICES, 200))]
    server = stage.server(
        broker={"url": broker.url},
        rules=[SILENT],
        devices=[(device, "speaker") for device in devices],
        webhook=hook.url,
        cadence={"speaker": f"{CADENCE_S}s"},
    )
    await server.begin()
    publisher = Publisher(broker.port, client_id="devices", window=5_000)
    await publisher.connect()
    speaking = asyncio.create_task(_speak(publisher, devices))
    try:
        await wait_until(lambda: asyncio.create_task(_all_online(server)), 120, "all devices online")
        before = len(hook.calls)
        await asyncio.to_thread(broker.kill)
        began = time.monotonic()
        await wait_until(lambda: hook.of("raised", "ioc_blind"), what="told that we hear nothing")
        findings.at_most("broker killed: told that we hear nothing after", time.monotonic() - began, 10, "s")
        await asyncio.sleep(max(0.0, began + stage.scaled(AWAY_S, 60) - time.monotonic()))
        await asyncio.to_thread(broker.start)
        await wait_until(lambda: hook.of("cleared", "ioc_blind"), 120, "told that we hear again")
        await wait_until(lambda: asyncio.create_task(_all_online(server)), 120, "all devices online again")
        await asyncio.sleep(4 * CADENCE_S)
        told = [(call.body["event"], sorted(call.told)) for call in hook.calls[before:]]
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
        await publisher.close()
    findings.note("broker killed: devices", len(devices))
    findings.must("broker killed: all that was told", told, [(event, [("ioc_blind", None)]) for event in ("raised", "cleared")])


async def outage(stage: Stage, findings: Findings) -> None:
    """200 of 2,000 with three other faults, as a power cut and over a minute; on a clock in our hand."""
    for name, spread_s, most_alone in (("power cut", 0, 0), ("over a minute", 60, 1)):
        runs = [await mass_outage.live_through(DEVICES, seed, spread_s=spread_s) for seed in range(stage.scaled(SEEDS, 3))]
        findings.note(f"{name}: runs", len(runs))
        findings.must(f"{name}: messages about the commune other than one and one recovery", _others(runs), 0)
        findings.must(f"{name}: messages about the three others", {tuple(one.unrelated) for one in runs}, {("raised",) * 3})
        findings.at_most(f"{name}: messages about one of its devices alone, in any run", max(one.alone for one in runs), most_alone)
        findings.at_most(f"{name}: longest delay of the three others", max(one.delay_s for one in runs), 30, "s")
        findings.must(f"{name}: the commune's alarms left open", sum(one.open for one in runs), 0)


async def flapping(stage: Stage, findings: Findings) -> None:
    """50 devices come and go every 10 s for an hour, and are well for two."""
    devices = stage.scaled(50, 5)
    raised, most, untold = await coming_and_going.live_through(devices)
    findings.must("alarms raised", raised, devices * coming_and_going.HOUR_S // coming_and_going.PERIOD_S)
    findings.at_most("messages about one device in any hour", most, 3)
    findings.must("devices of which nobody was told", untold, 0)


def _others(runs: list[mass_outage.Told]) -> int:
    return sum(one.outage != ["raised", "cleared"] for one in runs)


async def _all_online(server: ServerUnderTest) -> bool:
    found = await server.everything("/api/v1/devices")
    return bool(found) and all(device["online"] for device in found)


async def _speak(publisher: Publisher, devices: list[str]) -> None:
    """Each device once in a cadence until cancelled; without a broker they try again."""
    n = 0
    while True:
        turn = time.monotonic()
        with suppress(OSError):
            if not publisher.connected:
                await publisher.connect()
            for device in devices:
                n += 1
                await publisher.send(telemetry(n, device, int(time.time() * 1000) - 10, amp_temp_c=40.0))
                if n % 50 == 0:
                    await asyncio.sleep(CADENCE_S * 0.8 * 50 / len(devices))
        await asyncio.sleep(max(0.0, CADENCE_S - (time.monotonic() - turn)))


LINES = (
    Line(
        17,
        "self-blindness: broker away for 10 min, 2,000 devices",
        "devices' alarms 0; “we are blind” 1",
        (blind, broker_down),
        within_s=1_200,
    ),
    Line(
        18,
        "mass outage: 200 of 2,000 drop within 60 s, 3 unrelated faults inside",
        "messages 1 + 3, recovery 1; unrelated delay ≤ 30 s (a device that is first by half a minute may be told alone)",
        (outage,),
    ),
    Line(19, "flapping every 10 s for 1 h", "messages ≤ 2 + 1 summary for each device", (flapping,)),
)
