"""Every message has an end that somebody can look up: short versions of the figures in docs/measurements.md."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e import points, traffic
from e2e.killing import kill_run
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until


@pytest.mark.real("mosquitto", "influxdb")
async def test_ledger_agrees_with_publisher_store_and_quarantine(
    mosquitto: Mosquitto, influxdb: InfluxDB, launch: Callable[..., ServerUnderTest]
) -> None:
    """Of 2,000 messages with 1 % of each fault 1,980 are stored, of them 40 partial, and 20 quarantined: by class."""
    bucket = influxdb.new_bucket()
    server = launch(broker={"url": mosquitto.url}, store=influx_store(influxdb, bucket), shipped_rules=True)
    await server.begin()
    base = int(time.time() * 1000) - 20_000
    async with Publisher(mosquitto.port, client_id="publisher") as publisher:
        await publisher.send_all(traffic.accounting(2_000, seed=3, base=base, devices=100))
    sent = Counter(message.kind for message in publisher.acknowledged)
    assert sent == {"good": 1920, "wrong_type": 20, "cut": 20, "no_ts": 20, "overflow": 20}

    async def booked() -> bool:
        ledger = await server.ledger()
        return bool(ledger["received"] == 2_000 and ledger["in_flight"] == ledger["spooled"] == 0)

    await wait_until(booked, what="everything booked, also what a slow store had spooled")
    ledger = await server.ledger()
    terms = ("stored", "spooled", "quarantined", "duplicate", "retained", "returned", "partial", "clock_corrected", "overwritten")
    assert [ledger[term] for term in terms] == [1_980, 0, 20, 0, 0, 0, 40, 0, 0]
    carried = await asyncio.to_thread(points.numbers, influxdb, bucket)
    assert carried == Counter({message.n: 1 for message in publisher.acknowledged if message.kind != "cut"})
    kept: Counter[tuple[str, bool]] = Counter()
    for item in await server.everything("/api/v1/quarantine"):
        kept[item["reason"], item["partial"]] += item["count"]
    assert kept == {("not_json", False): 20, ("wrong_type", True): 20, ("not_finite", True): 20}
    # What carries a time of its own is stored at it; what carries none, when it came.
    asked = {message.n: message.ts for message in publisher.acknowledged if message.kind != "cut"}
    stored = {row["uptime_s"]: row["time"] for row in await asyncio.to_thread(points.rows, influxdb, bucket, "speaker", "uptime_s")}
    assert all(stored[n] == ts for n, ts in asked.items() if ts is not None)


@pytest.mark.real("mosquitto", "influxdb")
async def test_kill_loses_nothing_doubles_nothing_and_tells_the_same(mosquitto: Mosquitto, influxdb: InfluxDB, tmp_path: Path) -> None:
    """After three kills -9 under load points, journal and messages are those of a server that heard the same and was left alone."""
    run = await kill_run(tmp_path, mosquitto, influxdb, seconds=40, kills=3, rate=300, seed=5)
    assert run.acknowledged.total() == 12_000
    for seen in (run.killed, run.clean):
        assert seen.telemetry == Counter(run.telemetry)
        assert seen.events == Counter(run.events)
        assert (seen.ledger["stored"], seen.ledger["in_flight"], seen.ledger["spooled"]) == (12_000, 0, 0)
        assert seen.unsent == seen.unwritten == 0
        assert seen.keys == {call.key for call in seen.calls}
        assert all(call.signed for call in seen.calls)
    assert run.clean.journal.total() > 0
    assert run.killed.journal == run.clean.journal
    assert run.killed.outbox == run.clean.outbox
