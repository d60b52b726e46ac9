"""Line 3: ten minutes without the store at 1,000 messages/s, and how it catches up."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage
from latency import RULES, Province
from stand import quantile, spread

from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from e2e.webhook import WebhookReceiver
from servers.influxdb import InfluxDB

RATE = 1_000
AWAY_S = 600
BEFORE_S = 15
CATCH_UP_S = 165
MB = 2**20
_LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class Watched:
    """What was seen from outside, once a second."""

    rss: list[int] = field(default_factory=list)
    spooled: list[tuple[float, int]] = field(default_factory=list)
    """(seconds, deliveries in the spool) since the store came back."""
    first_live_s: float | None = None
    """Seconds from the store's return to its first live point."""
    live_age: list[float] = field(default_factory=list)
    """Seconds by which the newest point in the store was behind, while the spool drained."""


async def run(stage: Stage, findings: Findings) -> None:
    """The store is stopped and started again under load; devices fall ill and recover all the time."""
    away, catch_up = stage.scaled(AWAY_S, 30), stage.scaled(CATCH_UP_S, 40)
    broker, influx, hook = stage.broker(), stage.influx(), await stage.hook()
    bucket = influx.new_bucket()
    seconds = BEFORE_S + away + catch_up
    province = Province(seconds=seconds, rate=RATE, probes_a_s=2, ill_for=20, sites=0)
    server = stage.server(
        broker={"url": broker.url}, store=influx_store(influx, bucket), rules=RULES[:1], devices=province.rows(), webhook=hook.url
    )
    await server.begin()
    async with Publisher(broker.port, client_id="publisher", window=5_000) as publisher:
        began = time.time()
        sending = asyncio.create_task(publisher.send_all(province.messages(began), rate=RATE))
        watched = Watched()
        watching = asyncio.create_task(_watch_memory(server, watched))
        await asyncio.sleep(BEFORE_S)
        await asyncio.to_thread(influx.stop)
        fell = time.time() * 1000
        await asyncio.sleep(away)
        await asyncio.to_thread(influx.start)
        rose = time.time() * 1000
        await _watch_drain(server, influx, bucket, watched)
        drained = time.time() * 1000
        await sending
        watching.cancel()
    await oracle.quiet(server)
    findings.note("store away", f"{(rose - fell) / 1000:.0f} s")
    oracle.compare(findings, influx, bucket, publisher.acknowledged)
    findings.must("ledger: left unexplained", oracle.closes(await server.ledger()), 0)
    findings.at_most("RSS, most", max(watched.rss) / MB, 300, "MB")
    _alarms(findings, province, hook, fell, rose)
    _drain(findings, watched, (drained - rose) / 1000)


def _alarms(findings: Findings, province: Province, hook: WebhookReceiver, fell: float, rose: float) -> None:
    called = {(str(device), call.body["event"]): call.at for call in reversed(hook.calls) for name, device in call.told if name == "faulty"}
    asked = {probe: sent.sent_at for probe, sent in province.probes.items() if fell <= sent.sent_at <= rose}
    delays = [called[probe] - at for probe, at in asked.items() if probe in called]
    findings.note("publish → webhook during the outage", spread(delays))
    findings.must("alarms and recoveries of the outage that nobody was told of", len(asked.keys() - called.keys()), 0)
    findings.at_most("publish → webhook during the outage, p99", quantile(delays, 0.99) / 1000 if delays else 0.0, 5.0, "s")
    findings.must("told once that the store is away", len(hook.of("raised", "ioc_store_down")), 1)


def _drain(findings: Findings, watched: Watched, took: float) -> None:
    first = max((count for _, count in watched.spooled), default=0)
    findings.note("deliveries in the spool when the store came back", first)
    findings.note("drained after", f"{took:.1f} s")
    falls = [(at, count) for at, count in watched.spooled if count]
    rate = (
        (falls[0][1] - falls[-1][1]) / (falls[-1][0] - falls[0][0])
        if len(falls) > 1 and falls[-1][0] > falls[0][0]
        else first / max(took, 1.0)
    )
    findings.at_least("drained a second beside live traffic", rate, 5 * RATE, "deliveries (5 × the live rate)")
    findings.note("first live point after the store's return (s)", watched.first_live_s and round(watched.first_live_s, 1))
    if watched.live_age:
        findings.note("newest live point behind while draining", spread([age * 1000 for age in watched.live_age]))
        findings.at_most("newest live point behind while draining, median", quantile(watched.live_age, 0.5), 5.0, "s")


async def _watch_memory(server: ServerUnderTest, watched: Watched) -> None:
    while True:
        watched.rss.append(server.rss_bytes())
        await asyncio.sleep(_LOOK_EVERY_S)


async def _watch_drain(server: ServerUnderTest, influx: InfluxDB, bucket: str, watched: Watched, deadline: float = 600.0) -> None:
    """Until the spool is empty."""
    began, back = time.monotonic(), int(time.time() * 1000) - oracle.BEHIND_MS
    while time.monotonic() - began < deadline:
        spooled = (await server.ledger())["spooled"]
        watched.spooled.append((time.monotonic(), spooled))
        if not spooled:
            return
        now = int(time.time() * 1000)
        with suppress(RuntimeError, OSError):
            query = f'SELECT last("lag_ms") AS "lag" FROM "speaker" WHERE time > {back}ms'  # noqa: S608 - our own numbers
            rows = await asyncio.to_thread(influx.influxql, bucket, query)
            if rows and watched.first_live_s is None:
                watched.first_live_s = time.monotonic() - began
            if rows:
                watched.live_age.append((now - oracle.BEHIND_MS - rows[0]["time"]) / 1000)
        await asyncio.sleep(_LOOK_EVERY_S)


LINES = (
    Line(
        3,
        "the store away for 10 minutes at 1,000 messages/s",
        "lost 0; RSS ≤ 300 MB; alarms of the outage told, p99 ≤ 5 s; drain ≥ 5 × the live rate; live points not starved meanwhile",
        (run,),
        within_s=1_500,
    ),
)
