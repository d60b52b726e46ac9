"""The store away for longer than the spool holds: nothing more is acknowledged, people are told, and nothing is lost."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import pytest

from e2e import points
from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from e2e.webhook import WebhookReceiver
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

DEVICES = 20
EACH = 100


@pytest.mark.real("mosquitto", "influxdb")
async def test_full_spool_loses_nothing(
    mosquitto_factory: Callable[..., Mosquitto],
    influxdb_factory: Callable[[], InfluxDB],
    hook: WebhookReceiver,
    launch: Callable[..., ServerUnderTest],
) -> None:
    """Told as full; the rest waits at the broker; with the store back all of it is stored once, and the ledger closes."""
    mosquitto = mosquitto_factory(options={"max_queued_messages": 0, "max_inflight_messages": 0})
    influxdb = await asyncio.to_thread(influxdb_factory)
    bucket = influxdb.new_bucket()
    names = [f"SPK-{number}" for number in range(DEVICES)]
    server = launch(
        broker={"url": mosquitto.url},
        store=influx_store(influxdb, bucket),
        limits={"spool": "20kB"},
        devices=[(name, "speaker") for name in names],
        webhook=hook.url,
    )
    await server.begin()
    await asyncio.to_thread(influxdb.freeze)
    begun = int(time.time() * 1000)
    async with asyncio.TaskGroup() as group:
        for index, name in enumerate(names):
            group.create_task(_publish(mosquitto.port, name, index, begun))
    await wait_until(lambda: hook.of("raised", "ioc_spool_full"), what="told that the buffer is full")
    ready, checks = await server.ready()
    assert not ready
    assert "the spool takes no more" in checks["store"]["detail"]
    ledger = await server.ledger()
    assert ledger["stored"] == 0
    assert ledger["spooled"] < DEVICES * EACH
    await asyncio.to_thread(influxdb.thaw)
    await wait_until(lambda: hook.of("cleared", "ioc_spool_full"), what="told that it has room again")

    async def all_stored() -> bool:
        ledger = await server.ledger()
        return bool(ledger["stored"] == DEVICES * EACH and ledger["spooled"] == ledger["in_flight"] == 0)

    await wait_until(all_stored, what="all is stored")
    assert await asyncio.to_thread(points.numbers, influxdb, bucket) == Counter(dict.fromkeys(range(DEVICES * EACH), 1))


async def _publish(port: int, name: str, index: int, begun: int) -> None:
    async with Publisher(port, client_id=name) as device:
        for number in range(EACH):
            await device.send_all([telemetry(index * EACH + number, name, begun + number, amp_temp_c=40.0)])
