"""Line 21: a channel that fails for half an hour in one way or another, while we die now and then."""

import asyncio
import time

from faults.findings import Findings
from faults.line import Line, Stage

from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import rule
from harm import failing_channel
from harm.failing_channel import AFTER_MS, ATTEMPT_MS, MODES
from servers.waiting import wait_until

SEEDS, CRASHES = 30, 20
DEVICES = 20
HOT = rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80})


async def modes(stage: Stage, findings: Findings) -> None:
    """Half an hour each, in virtual time, 299 messages; without crashes of ours and with twenty."""
    for mode in MODES:
        for crashes in (0, CRASHES):
            share = range(stage.seed * 1_000, stage.seed * 1_000 + stage.scaled(SEEDS, 3))
            runs = [await asyncio.to_thread(failing_channel.live_through, mode, seed=seed, crashes=crashes) for seed in share]
            name = f"{mode}, {crashes} crashes"
            findings.must(f"{name}: missed", sum(one.missed for one in runs), 0)
            findings.must(f"{name}: beyond one a crash and one a lost answer, or under another key", _beyond(runs), 0)
            bound = AFTER_MS + (3 if crashes else 1) * ATTEMPT_MS
            findings.at_most(f"{name}: latest arrival anywhere", max(one.latest_ms for one in runs) / 1_000, bound / 1_000, "s")
            findings.must(f"{name}: first channel works again", all(one.first_works_again for one in runs), expected=True)


async def killed(stage: Stage, findings: Findings) -> None:
    """A webhook that answers 500; `ioc run` is killed twice meanwhile."""
    broker, hook = stage.broker(), await stage.hook()
    devices = [f"SPK-{n}" for n in range(DEVICES)]
    server = stage.server(broker={"url": broker.url}, rules=[HOT], devices=[(device, "speaker") for device in devices], webhook=hook.url)
    await server.begin()
    hook.answer = 500
    async with Publisher(broker.port, client_id="devices") as publisher:
        for n, device in enumerate(devices):
            await publisher.send(telemetry(n, device, int(time.time() * 1000), amp_temp_c=95.0))
        await wait_until(lambda: not publisher.waiting, what="all is acknowledged")
    for _ in range(2):
        await asyncio.sleep(stage.scaled(60, 5))
        await asyncio.to_thread(server.kill_now)
        await server.begin()
    hook.answer = 200
    await wait_until(lambda: len({call.key for call in hook.of("raised", "hot")}) == DEVICES, 400, "all is told")
    told = [device for call in hook.of("raised", "hot") for _, device in call.told]
    findings.must("500, killed twice: alarms of which nobody was told", len(set(devices) - set(told)), 0)
    findings.at_most("500, killed twice: messages that came again", len(told) - len(set(told)), 2)


def _beyond(runs: list[failing_channel.Told]) -> int:
    return sum(one.twice + one.other_keys for one in runs)


LINES = (
    Line(
        21,
        "channel refuses, hangs, or loses its answers for 30 min; we are killed meanwhile",
        "missed 0; ≤ 1 duplicate a crash or lost answer, under the same key; the second channel within a minute and an attempt",
        (modes, killed),
    ),
)
