"""Line 16: a flood of retained messages at the start, and Wills before and after births."""

import asyncio
import time
from collections.abc import Iterator

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from e2e.message import Message, status, telemetry
from e2e.publisher import Publisher
from e2e.server import influx_store, rule
from servers.waiting import wait_until

DEVICES = 2_000
CADENCE_S, KEEPALIVE_S = 3, 10
RULES = (rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80}), rule("silent", {"kind": "absence"}))


def _now() -> int:
    return int(time.time() * 1000)


def left_behind(devices: list[str]) -> Iterator[Message]:
    """What stands retained at the broker: births and Wills without regard to the truth, and telemetry that would raise alarms."""
    for n, device in enumerate(devices):
        yield status(device, online=n % 2 == 0, ts=_now() - 3_600_000)
        hot = telemetry(n, device, _now() - 1_000, amp_temp_c=95.0)
        hot.retain = True
        yield hot


async def run(stage: Stage, findings: Findings) -> None:
    """Half of the devices speak, half are dead; a quarter of the living get a Will just before or just after their birth."""
    devices = [f"SPK-{n:04}" for n in range(stage.scaled(DEVICES, 400))]
    alive, dead = devices[: len(devices) // 2], devices[len(devices) // 2 :]
    broker, influx, hook = stage.broker(), stage.influx(), await stage.hook()
    bucket = influx.new_bucket()
    async with Publisher(broker.port, client_id="past", window=5_000) as past:
        await past.send_all(left_behind(devices))
    server = stage.server(
        broker={"url": broker.url},
        store=influx_store(influx, bucket),
        rules=RULES,
        devices=[(device, "speaker") for device in devices],
        webhook=hook.url,
        cadence={"speaker": f"{CADENCE_S}s"},
    )
    await server.begin()
    async with Publisher(broker.port, client_id="devices", window=5_000) as publisher:
        sent = await _speak(publisher, alive)
        raised = list(hook.of("raised", "hot"))
        ledger = await oracle.quiet(server)
        listed = {device["id"]: device["online"] for device in await server.everything("/api/v1/devices")}
    findings.note("retained messages at the start", 2 * len(devices))
    findings.must("ledger: retained", ledger["retained"], 2 * len(devices))
    findings.must("alarms from retained telemetry", len(raised), 0)
    findings.must("living devices not online after 2 keepalives", sum(listed[device] is not True for device in alive), 0)
    findings.must("dead devices not offline after 2 keepalives", sum(listed[device] is not False for device in dead), 0)
    findings.must(
        "points from retained messages",
        sum(oracle.stored(influx, bucket, [Message(0, "", b"", ts=_now() - 3_700_000), *sent]).values()) - len(sent),
        0,
    )
    findings.must("ledger: left unexplained", oracle.closes(ledger), 0)


async def _speak(publisher: Publisher, alive: list[str]) -> list[Message]:
    """Births, Wills before and after them, then telemetry at each cadence for two keepalives."""
    started = time.monotonic()
    n, sent = 1_000_000, []
    for index, device in enumerate(alive):
        order = [True] if index % 4 > 1 else [False, True] if index % 4 else [True, False]
        for online in order:
            await publisher.send(status(device, online=online, ts=_now()))
    while time.monotonic() - started < 2 * KEEPALIVE_S:
        turn = time.monotonic()
        for device in alive:
            n += 1
            sent.append(telemetry(n, device, _now() - 10, amp_temp_c=40.0))
            await publisher.send(sent[-1])
            if n % 100 == 0:
                await publisher.flush()
        await asyncio.sleep(max(0.0, CADENCE_S - (time.monotonic() - turn)))
    await publisher.settle()
    await wait_until(lambda: not publisher.waiting, what="all is acknowledged")
    return sent


LINES = (
    Line(
        16,
        "retained flood at the start, Wills before and after births",
        f"wrong online/offline 0 after 2 keepalives ({2 * KEEPALIVE_S} s); alarms from retained messages 0",
        (run,),
    ),
)
