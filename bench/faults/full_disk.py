"""Line 6: no room on the disk, and room again."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from e2e.server import ServerUnderTest, influx_store
from e2e.steadfast import Steadfast
from harm.tap import BrokerTap
from servers.limits import bound_files
from servers.waiting import wait_until

RATE = 500
SECONDS = 45
FILES = ("spool.db", "state.db", "quarantine.db")
_ROOT = Path(__file__).resolve().parents[2]


async def files_that_cannot_grow(stage: Stage, findings: Findings) -> None:
    """RLIMIT_FSIZE on the running process: not one of its files takes another byte beyond what the smallest has; the store is there."""
    await _bounded(stage, findings, name="RLIMIT_FSIZE", store_away=False)


async def files_that_cannot_grow_without_store(stage: Stage, findings: Findings) -> None:
    """The same while the store is away, so that everything would have to go into the spool."""
    await _bounded(stage, findings, name="RLIMIT_FSIZE and no store", store_away=True)


async def _bounded(stage: Stage, findings: Findings, *, name: str, store_away: bool) -> None:
    seconds = stage.scaled(SECONDS, 25)
    broker, influx = stage.broker(), stage.influx()
    bucket = influx.new_bucket()
    tap = await stage.stack.enter_async_context(BrokerTap(broker.port))
    server = stage.server(broker={"url": tap.url}, store=influx_store(influx, bucket), devices=oracle.rows())
    await server.begin()
    async with Steadfast(broker.port, client_id="publisher", window=5_000) as publisher:
        sending = asyncio.create_task(publisher.send_all(oracle.steady(seconds * RATE, rate=RATE), rate=RATE))
        await wait_until(lambda: len(tap.acknowledged) > RATE, what="it acknowledges")
        if store_away:
            await asyncio.to_thread(influx.stop)
        bound_files(server.pid, 4_096)
        stopped = await _last_acknowledgement(tap, 8.0)
        ready = await _ready(server)
        at_rest = len(tap.acknowledged)
        findings.at_most(f"{name}: last PUBACK after the disk was full", stopped, 1.0, "s")
        findings.must(f"{name}: /readyz while full", ready, expected=False)
        findings.must(f"{name}: the process lives", server.running, expected=True)
        bound_files(server.pid, None)
        if store_away:
            await asyncio.to_thread(influx.start)
        await wait_until(lambda: len(tap.acknowledged) > at_rest, what="it acknowledges again")
        await sending
    await oracle.quiet(server)
    oracle.compare(findings, influx, bucket, publisher.acknowledged, name=f"{name}: ")
    findings.must(f"{name}: ledger left unexplained", oracle.closes(await server.ledger()), 0)
    await server.end()
    findings.must(f"{name}: files that are damaged", _damaged(server.data_dir), "none")


async def spool_at_its_limit(stage: Stage, findings: Findings) -> None:
    """The store away and `limits.spool` reached: people are told; with the store back nothing is missing."""
    broker, influx, hook = stage.broker(), stage.influx(), await stage.hook()
    bucket = influx.new_bucket()
    server = stage.server(
        broker={"url": broker.url}, store=influx_store(influx, bucket), devices=oracle.rows(), webhook=hook.url, limits={"spool": "200kB"}
    )
    await server.begin()
    async with Steadfast(broker.port, client_id="publisher", window=5_000) as publisher:
        sending = asyncio.create_task(publisher.send_all(oracle.steady(stage.scaled(SECONDS, 25) * RATE, rate=RATE), rate=RATE))
        await asyncio.to_thread(influx.stop)
        began = time.monotonic()
        await wait_until(lambda: hook.of("raised", "ioc_spool_full"), what="told that the spool is full")
        findings.must("spool at its limit: alarm `ioc_spool_full` sent", len(hook.of("raised", "ioc_spool_full")), 1)
        findings.note("spool at its limit: told after the store fell (s)", round(time.monotonic() - began, 1))
        full = (await server.ledger())["spooled"]
        await asyncio.sleep(2.0)
        findings.must("spool at its limit: taken in beyond it", (await server.ledger())["spooled"] - full, 0)
        await asyncio.to_thread(influx.start)
        await wait_until(lambda: hook.of("cleared", "ioc_spool_full"), what="told that there is room again")
        await sending
    await oracle.quiet(server)
    oracle.compare(findings, influx, bucket, publisher.acknowledged, name="spool at its limit: ")
    findings.must("spool at its limit: ledger left unexplained", oracle.closes(await server.ledger()), 0)


async def page_limits(_stage: Stage, findings: Findings) -> None:
    """PRAGMA max_page_count on each file, by the adapters' own tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "tests/adapters", "-k", "full_disk"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=_ROOT, capture_output=True, text=True, timeout=300, check=False)
    findings.must("PRAGMA max_page_count on spool, state, quarantine and series: exit code of the tests", done.returncode, 0)
    findings.note("PRAGMA max_page_count: tests", done.stdout.strip().splitlines()[-1])


async def _last_acknowledgement(tap: BrokerTap, watch_s: float) -> float:
    """Seconds from now to the last PUBACK that leaves within `watch_s`."""
    began, last, seen = time.monotonic(), 0.0, len(tap.acknowledged)
    while time.monotonic() - began < watch_s:
        if len(tap.acknowledged) != seen:
            seen, last = len(tap.acknowledged), time.monotonic() - began
        await asyncio.sleep(0.02)
    return last


async def _ready(server: ServerUnderTest) -> bool:
    with suppress(OSError):
        return (await server.ready())[0]
    return False


def _damaged(data_dir: Path) -> str:
    found = []
    for name in FILES:
        connection = sqlite3.connect(f"file:{data_dir / name}?mode=ro", uri=True)
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        connection.close()
        if verdict != "ok":
            found.append(f"{name}: {verdict}")
    return ", ".join(found) or "none"


LINES = (
    Line(
        6,
        "disk full (RLIMIT_FSIZE on the process, limits.spool, PRAGMA max_page_count on the files), then freed",
        "stops acknowledging ≤ 1 s, no crash, no damaged file, lost 0, alarm sent",
        (files_that_cannot_grow, files_that_cannot_grow_without_store, spool_at_its_limit, page_limits),
    ),
)
