"""Line 10: a store that takes half a second longer for every request, under a flood."""

import asyncio
import time
from dataclasses import dataclass, field

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from collectors.source import SessionLimits
from e2e.server import ServerUnderTest, influx_store
from e2e.steadfast import Steadfast
from harm.store_proxy import StoreProxy
from harm.tap import BrokerTap
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto

DELAY_S = 0.5
FLOOD = 150_000
STEADY_S, RATE = 30, 1_000
MB = 2**20


@dataclass(slots=True)
class Peaks:
    """The most that was seen."""

    rss: list[int] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    """PUBLISH packets that passed to us and that we have not acknowledged, as the wire has it."""
    waiting: list[int] = field(default_factory=list)
    """Messages that the broker had taken and not yet handed to us."""


async def run(stage: Stage, findings: Findings) -> None:
    """First 1,000 messages/s, then a flood as fast as the broker takes it."""
    broker, influx = stage.broker(options={"max_inflight_messages": 0}), stage.influx()
    bucket = influx.new_bucket()
    tap = await stage.stack.enter_async_context(BrokerTap(broker.port))
    proxy = await stage.stack.enter_async_context(StoreProxy(influx.url))
    server = stage.server(broker={"url": tap.url}, store={**influx_store(influx, bucket), "url": proxy.url}, devices=oracle.rows())
    await server.begin()
    proxy.delay_s = DELAY_S
    await _load(stage, findings, server, broker, influx, bucket, tap)


async def _load(  # noqa: PLR0917 - the parts of one stage
    stage: Stage, findings: Findings, server: ServerUnderTest, broker: Mosquitto, influx: InfluxDB, bucket: str, tap: BrokerTap
) -> None:
    calm, count = stage.scaled(STEADY_S, 8) * RATE, stage.scaled(FLOOD, 40_000)
    async with Steadfast(broker.port, client_id="publisher", window=20_000) as publisher:
        for name, messages, rate in (
            (f"{RATE} messages/s", oracle.steady(calm, rate=RATE), float(RATE)),
            ("flood", oracle.steady(count, rate=50_000, first=calm), None),
        ):
            peaks, began = Peaks(), time.monotonic()
            watch = asyncio.create_task(_watch(server, publisher, tap, peaks))
            await publisher.send_all(messages, rate=rate)
            took = time.monotonic() - began
            await oracle.booked(server, len(publisher.acknowledged), 180.0)
            watch.cancel()
            findings.note(f"{name}: publishing took (s)", round(took, 1))
            findings.at_most(f"{name}: RSS, most", max(peaks.rss) / MB, 300, "MB")
            findings.at_most(f"{name}: in flight by our own count, most", max(peaks.in_flight), SessionLimits().unacknowledged)
            findings.note(f"{name}: unacknowledged on the wire, with what sockets and relay hold, most", max(peaks.unread))
            findings.note(f"{name}: waiting at the broker, most", max(peaks.waiting))
    oracle.compare(findings, influx, bucket, publisher.acknowledged)
    findings.must("ledger: left unexplained", oracle.closes(await server.ledger()), 0)


async def _watch(server: ServerUnderTest, publisher: Steadfast, tap: BrokerTap, peaks: Peaks) -> None:
    while True:
        peaks.rss.append(server.rss_bytes())
        peaks.in_flight.append((await server.ledger())["in_flight"])
        peaks.unread.append(sum(len(passage.pending) for passage in tap.passages[-1:]))
        peaks.waiting.append(max(0, len(publisher.acknowledged) - tap.handed))
        await asyncio.sleep(0.25)


LINES = (
    Line(
        10,
        "slow consumer: the store takes 500 ms longer for every request",
        "RAM bounded (≤ 300 MB); in flight ≤ 20,000; lost 0; what waits at the broker is visible",
        (run,),
    ),
)
