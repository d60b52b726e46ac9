"""The store away: what is heard is spooled, alarms go on, and then every point is there."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import pytest

from e2e import points
from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from e2e.webhook import WebhookReceiver
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

HOT = rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80})
AWAY_S = 15.0


def now() -> int:
    return int(time.time() * 1000)


@pytest.mark.real("mosquitto", "influxdb")
@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_store_away_is_spooled_while_alarms_go_on(
    mosquitto: Mosquitto, influxdb_factory: Callable[[], InfluxDB], hook: WebhookReceiver, launch: Callable[..., ServerUnderTest], how: str
) -> None:
    """15 s without the store, gone or hanging: told meanwhile, messages acknowledged and alarms raised; then every point is there."""
    influxdb = await asyncio.to_thread(influxdb_factory)
    bucket = influxdb.new_bucket()
    server = launch(
        broker={"url": mosquitto.url}, store=influx_store(influxdb, bucket), rules=[HOT], devices=[("SPK-1", "speaker")], webhook=hook.url
    )
    await server.begin()
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        await device.send_all(telemetry(n, "SPK-1", now() - 1_000 + n, amp_temp_c=40.0) for n in range(20))
        await wait_until(lambda: asyncio.create_task(_drained(server, 20)), what="stored")
        await asyncio.to_thread(influxdb.stop if how == "stopped" else influxdb.freeze)
        away = time.time() * 1000
        ill = now() - 500  # a time ahead of its arrival would be stored at the arrival, beside others
        await device.send_all(telemetry(n, "SPK-1", ill + n, amp_temp_c=40.0 if n < 60 else 95.0) for n in range(20, 100))
        await wait_until(lambda: hook.of("raised", "hot"), what="alarms go on")
        await wait_until(lambda: hook.of("raised", "ioc_store_down"), what="told that the store is away")
        await wait_until(lambda: asyncio.create_task(_booked(server, 100)), what="acknowledged")
        ledger = await server.ledger()
        assert (ledger["stored"], ledger["spooled"]) == (20, 80)
        ready, checks = await server.ready()
        assert ready
        assert "spool" in checks["store"]["detail"]
        await device.send_all([telemetry(100, "SPK-1", now(), amp_temp_c=40.0)])
        await wait_until(lambda: hook.of("cleared", "hot"), what="alarms clear meanwhile")
        await asyncio.sleep(max(0.0, AWAY_S - (time.time() * 1000 - away) / 1000))
        await asyncio.to_thread(influxdb.start if how == "stopped" else influxdb.thaw)
        await wait_until(lambda: hook.of("cleared", "ioc_store_down"), what="told that the store is back")
    await wait_until(lambda: asyncio.create_task(_drained(server, 101)), what="drained")
    assert await asyncio.to_thread(points.numbers, influxdb, bucket) == Counter(dict.fromkeys(range(101), 1))
    assert len(hook.of("raised", "ioc_store_down")) == 1


@pytest.mark.real("mosquitto", "influxdb")
async def test_restart_keeps_what_was_spooled(
    mosquitto: Mosquitto, influxdb_factory: Callable[[], InfluxDB], launch: Callable[..., ServerUnderTest]
) -> None:
    """Spooled, killed, started while the store is still away, and only then drained: each message once, the ledger closed."""
    influxdb = await asyncio.to_thread(influxdb_factory)
    bucket = influxdb.new_bucket()
    server = launch(broker={"url": mosquitto.url}, store=influx_store(influxdb, bucket), devices=[("SPK-1", "speaker")])
    await server.begin()
    await asyncio.to_thread(influxdb.stop)
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        await device.send_all(telemetry(n, "SPK-1", None if n % 10 == 0 else now() - 500_000 + n) for n in range(50))
        await wait_until(lambda: asyncio.create_task(_booked(server, 50)), what="spooled")
        server.kill_now()
        await server.begin(until="/healthz")
        await device.send_all(telemetry(n, "SPK-1", now() - 500_000 + n) for n in range(50, 60))
        await wait_until(lambda: asyncio.create_task(_booked(server, 60)), what="spooled too")
        assert (await server.ledger())["spooled"] == 60
    await server.end()
    await asyncio.to_thread(influxdb.start)
    await server.begin()
    await wait_until(lambda: asyncio.create_task(_drained(server, 60)), what="drained")
    assert await asyncio.to_thread(points.numbers, influxdb, bucket) == Counter(dict.fromkeys(range(60), 1))


async def _booked(server: ServerUnderTest, count: int) -> bool:
    """`count` have come and nothing is on its way; what the broker delivers again after a kill is a duplicate."""
    ledger = await server.ledger()
    return bool(ledger["received"] - ledger["duplicate"] == count and ledger["in_flight"] == 0)


async def _drained(server: ServerUnderTest, count: int) -> bool:
    ledger = await server.ledger()
    return bool(ledger["stored"] == count and ledger["spooled"] == 0)
