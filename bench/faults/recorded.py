"""Line 25: what was decided live is decided again from the recording."""

import asyncio
import random
import subprocess
import sys
import time

from faults.findings import Findings
from faults.line import Line, Stage

from e2e.message import event, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, rule
from harm.day import Day, clock_in_hand, site
from harm.recorded_days import random_days, replayed
from servers.ports import free_port

DAYS = 30
DEVICES = [f"SPK-{n:03}" for n in range(100)]
RULES = (
    rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80}, **{"for": "3s", "keep_firing_for": "2s"}),
    rule("silent", {"kind": "absence"}),
    rule("tamper", {"kind": "event", "name": "tamper"}, keep_firing_for="5s"),
)


async def days(stage: Stage, findings: Findings) -> None:
    """On a clock in our hand, with a state database and a store, restarts, blind spells, acts and silences as the dice say."""
    out = stage.folder / "days.rec"
    with clock_in_hand() as clock:
        wanted = stage.scaled(DAYS, 2)
        restarts = await random_days(Day(site(stage.folder, free_port()), clock), out, days=wanted, seed=stage.seed)
    code, found = await asyncio.to_thread(replayed, out, "--check")
    findings.note("simulated: days, restarts", f"{wanted}, {restarts}")
    _compare(findings, "simulated", code, found)


async def traffic(stage: Stage, findings: Findings) -> None:
    """A real broker, 100 devices, two kill -9 of `ioc run` meanwhile, and an end by SIGTERM."""
    broker, hook = stage.broker(), await stage.hook()
    server = stage.server(
        broker={"url": broker.url},
        rules=RULES,
        devices=[(device, "speaker") for device in DEVICES],
        webhook=hook.url,
        cadence={"speaker": "3s"},
    )
    await server.begin()
    out = stage.folder / "traffic.rec"
    await asyncio.to_thread(_record, server, "--out", str(out), "--for", "2h")
    dice = random.Random(stage.seed)
    async with Publisher(broker.port, client_id="devices", window=5_000) as publisher:
        for turn in range(3):
            if turn:
                await asyncio.to_thread(server.kill_now)
                await server.begin()
            await _speak(publisher, dice, stage.scaled(60, 10))
    await asyncio.to_thread(_record, server, "--stop")
    code, found = await asyncio.to_thread(replayed, out, "--check")
    _compare(findings, "real traffic", code, found)


async def _speak(publisher: Publisher, dice: random.Random, seconds: int) -> None:
    for _ in range(seconds):
        turn = time.monotonic()
        for device in dice.sample(DEVICES, 60):
            at = int(time.time() * 1000) - dice.randint(0, 100)
            if dice.randrange(100) == 0:
                await publisher.send(event(0, device, at, "tamper"))
            else:
                await publisher.send(telemetry(0, device, at, amp_temp_c=dice.choice((40.0, 40.0, 95.0))))
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - turn)))


def _record(server: ServerUnderTest, *args: str) -> None:
    command = [sys.executable, "-m", "ioc", "record", "--config", str(server.config_file), *args]
    subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603  our own argv


def _compare(findings: Findings, name: str, code: int, found: dict[str, object]) -> None:
    findings.note(f"{name}: journal entries, messages", f"{len(found['journal'])}, {len(found['messages'])}")
    findings.must(f"{name}: decisions that differ", found["deviating"], 0)
    findings.must(f"{name}: replay --check ends with", code, 0)


LINES = (
    Line(
        25,
        "recorded is live: 30 days on a test's clock, real traffic with two kill -9",
        "alarm and message lists byte-equal",
        (days, traffic),
        within_s=1_800,
    ),
)
