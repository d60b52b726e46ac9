"""Line 5: one bad point among 5,000, at the adapter and through the whole system."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web
from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import influx_store
from harm.store_proxy import StoreProxy, Write
from ioc.adapters.influx import InfluxStore
from ioc.domain.point import Point
from servers.influxdb import InfluxDB

POINTS = 5_000
BAD = 1_234
MOST_REQUESTS = 27
BODY_MOST = 100_000
"""Bytes of line protocol above which the proxy answers 413."""
HOUR_MS = 3_600_000
_SHORT = {"retentionRules": [{"type": "expire", "everySeconds": 3_600, "shardGroupDurationSeconds": 3_600}]}


@dataclass(frozen=True, slots=True)
class Case:
    """One way to be bad: `bad` are the fields and the age of the point, `refused` what is refused of it."""

    name: str
    fields: dict[str, object]
    age_ms: int
    whole: bool


CASES = (
    Case("type conflict", {"audio_dbfs": -20.0}, 0, whole=False),
    # Older than the shard of the good points, too: InfluxDB looks at a point's age only where it would have to open a shard.
    Case("beyond retention", {"volume": 5}, 72 * HOUR_MS, whole=True),
    Case("413 above 100 kB", {}, 0, whole=False),
)


async def adapter(stage: Stage, findings: Findings) -> None:
    """One call with 5,000 points, one of them bad."""
    influx = stage.influx()
    for case in CASES:
        bucket = influx.new_bucket(retention_s=3_600)
        proxy = await stage.stack.enter_async_context(StoreProxy(influx.url))
        store = InfluxStore(proxy.url, org=influx.org, bucket=bucket, token=influx.token)
        now = int(time.time() * 1000)
        points = [Point.of("speaker", (("device", f"D{n:04}"),), {"volume": n, "lag_ms": 0}, now - 60_000) for n in range(POINTS)]
        if case.fields:
            points[BAD] = Point.of("speaker", (("device", f"D{BAD:04}"),), dict(case.fields), now - 60_000 - case.age_ms)
        if case.fields.get("audio_dbfs"):
            influx.write(bucket, f'speaker,device=other audio_dbfs="loud" {now - 60_000}')
        else:
            proxy.fault = _too_large if not case.fields else proxy.fault
        refusals = await store.write(points)
        await store.close()
        found = influx.influxql(bucket, 'SELECT count("volume") AS "n" FROM "speaker"')[0]["n"]
        bad = 1 if case.fields else 0
        findings.must(f"adapter, {case.name}: points stored", found, POINTS - bad)
        findings.must(f"adapter, {case.name}: points refused", len({refusal.index for refusal in refusals}), bad)
        if refusals:
            findings.note(f"adapter, {case.name}: reason", refusals[0].detail[:110])
        findings.at_most(f"adapter, {case.name}: requests", len(proxy.writes), MOST_REQUESTS)


async def _too_large(_write: Write, body: bytes) -> web.Response | None:
    size = len(gzip.decompress(body)) if body[:2] == b"\x1f\x8b" else len(body)
    return web.json_response({"code": "request too large", "message": "request too large"}, status=413) if size > BODY_MOST else None


async def end_to_end(stage: Stage, findings: Findings) -> None:
    """5,000 messages, one of them bad for the store and for nobody else."""
    broker, influx = stage.broker(), stage.influx()
    for case in CASES:
        bucket = influx.new_bucket(retention_s=3_600 * 24 * 90)
        proxy = await stage.stack.enter_async_context(StoreProxy(influx.url))
        root = f"ioc/{bucket}"
        server = stage.server(
            broker={"url": broker.url, "client_id": bucket, "topic_root": root},
            store={**influx_store(influx, bucket), "url": proxy.url},
            devices=[(f"D{n:04}", "speaker") for n in range(POINTS)],
        )
        await server.begin()
        async with Publisher(broker.port, client_id=f"publisher-{bucket}", window=5_000) as publisher:
            # Only now has the server surely compared bucket and types with its own.
            await publisher.send_all([telemetry(POINTS, "D0000", int(time.time() * 1000) - 9_000, root=root, state="idle", volume=1)])
            await oracle.booked(server, 1)
            await asyncio.to_thread(_spoil, influx, bucket, case)
            proxy.writes.clear()
            proxy.fault = proxy.fault if case.fields else _too_large
            await publisher.send_all(_messages(case, root))
        await oracle.quiet(server)
        requests = len(proxy.writes)
        found = await asyncio.to_thread(influx.influxql, bucket, 'SELECT count("lag_ms") AS "n" FROM "speaker"')
        kept = [item for item in await server.everything("/api/v1/quarantine") if item["reason"] == "store_refused"]
        findings.must(f"end to end, {case.name}: points stored, with one before", found[0]["n"], 1 + POINTS - case.whole)
        findings.must(f"end to end, {case.name}: in quarantine with the store's words", len(kept), 1 if case.fields else 0)
        for item in kept:
            findings.note(f"end to end, {case.name}: reason", str(item["detail"])[:110])
        findings.must(f"end to end, {case.name}: ledger left unexplained", oracle.closes(await server.ledger()), 0)
        findings.note(f"end to end, {case.name}: write requests, with those of good batches", requests)
        await server.end()


def _spoil(influx: InfluxDB, bucket: str, case: Case) -> None:
    """Makes the store one that refuses the bad point, once the server has compared its types with ours."""
    if "audio_dbfs" in case.fields:
        influx.write(bucket, f'speaker,device=other audio_dbfs="loud" {int(time.time() * 1000)}')
    elif case.whole:
        influx.request("PATCH", f"/api/v2/buckets/{influx.bucket_id(bucket)}", _SHORT)


def _messages(case: Case, root: str) -> Iterator[Message]:
    base = int(time.time() * 1000) - 5_000
    for n in range(POINTS):
        if n == BAD and case.fields:
            yield telemetry(n, f"D{n:04}", base - case.age_ms, root=root, **case.fields)
        else:
            yield telemetry(n, f"D{n:04}", base, root=root, state="idle", volume=n % 101)


LINES = (
    Line(
        5,
        "partial write: 1 bad of 5,000 by type conflict or beyond retention; 413",
        "4,999 stored, 1 in quarantine with the store's reason (a conflict costs that field only), ≤ 27 requests",
        (adapter, end_to_end),
    ),
)
