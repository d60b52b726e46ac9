"""Line 13: a connection that stands and carries nothing any more."""

import asyncio
import time
from collections.abc import Callable

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from collectors.source import SourceSettings
from e2e.publisher import Publisher
from e2e.server import influx_store
from harm.tap import BrokerTap
from servers.waiting import wait_until

RATE = 200
KEEPALIVE_S = SourceSettings(url="mqtt://x", client_id="x").keepalive_s


async def run(stage: Stage, findings: Findings) -> None:
    """The relay between broker and us stops forwarding both ways and closes nothing; new connections are served."""
    broker, influx = stage.broker(), stage.influx()
    bucket = influx.new_bucket()
    tap = await stage.stack.enter_async_context(BrokerTap(broker.port))
    server = stage.server(broker={"url": tap.url}, store=influx_store(influx, bucket), devices=oracle.rows())
    await server.begin()
    async with Publisher(broker.port, client_id="publisher", window=5_000) as publisher:
        sending = asyncio.create_task(publisher.send_all(oracle.steady(60 * RATE, rate=RATE), rate=RATE))
        await wait_until(lambda: len(tap.acknowledged) > RATE, what="it hears")
        before = len(tap.passages)
        tap.stop_forwarding()
        began = time.monotonic()
        red = asyncio.create_task(_until_red(server.answers, began))
        await wait_until(lambda: len(tap.passages) > before, 120, "it connects anew")
        findings.note("keepalive", f"{KEEPALIVE_S} s")
        findings.at_most("connects anew after", time.monotonic() - began, 1.5 * KEEPALIVE_S + 5, "s")
        findings.note("/readyz red after (s)", await red)
        await wait_until(server.answers, what="it hears again")
        await sending
    await oracle.quiet(server)
    oracle.compare(findings, influx, bucket, publisher.acknowledged)
    findings.must("ledger: left unexplained", oracle.closes(await server.ledger()), 0)


async def _is_red(answers: Callable[[], bool]) -> bool:
    return not await asyncio.to_thread(answers)


async def _until_red(answers: Callable[[], bool], began: float) -> float:
    await wait_until(lambda: asyncio.create_task(_is_red(answers)), 120, "/readyz red")
    return round(time.monotonic() - began, 1)


LINES = (
    Line(
        13,
        "half-open TCP: a relay stops forwarding both ways",
        f"detected ≤ 1.5 × keepalive + 5 s = {1.5 * KEEPALIVE_S + 5:g} s; lost 0",
        (run,),
        within_s=300,
    ),
)
