"""From a device's message to a point, an alarm, a message to people, and its end."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e import points
from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from e2e.webhook import WebhookReceiver
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

HOT = rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80, "clear_below": 70}, severity="major")
UNIT = "04792-2025"
DEVICES = [("SPK-1", "speaker", UNIT, "Cụm loa 1")]


def now() -> int:
    return int(time.time() * 1000)


@pytest.mark.real("mosquitto", "influxdb")
async def test_message_becomes_point_alarm_and_webhook_and_clears(
    mosquitto: Mosquitto, influxdb: InfluxDB, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest]
) -> None:
    """Stored as sent, raised once, told signed, seen on the API, acknowledged there, and told again when it clears."""
    bucket = influxdb.new_bucket()
    server = launch(broker={"url": mosquitto.url}, store=influx_store(influxdb, bucket), rules=[HOT], devices=DEVICES, webhook=hook.url)
    await server.begin()
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        ill = now() - 1_000
        await device.send_all([telemetry(1, "SPK-1", ill, amp_temp_c=91.5, state="playing"), telemetry(2, "SPK-1", ill + 1, amp_temp_c=92)])
        (call,) = await wait_until(lambda: hook.of("raised"), what="told")
        (alarm,) = await server.alarms()
        assert call.signed
        assert call.body["alarms"] == [alarm]
        assert {key: alarm[key] for key in ("rule", "severity", "device", "unit", "state", "acknowledged")} == {
            "rule": "hot",
            "severity": "major",
            "device": "SPK-1",
            "unit": UNIT,
            "state": "active",
            "acknowledged": False,
        }

        async def shown() -> bool:
            answer = await server.get("/api/v1/devices/SPK-1")
            return bool(answer["online"] is True and answer["sample"]["amp_temp_c"] == 92.0)

        await wait_until(shown, what="its last value is shown")
        acknowledged = await server.post(f"/api/v1/alarms/{alarm['id']}/ack", {"comment": "on my way"})
        assert acknowledged["acknowledged"] is True
        await device.send_all([telemetry(3, "SPK-1", ill + 2, amp_temp_c=75.0), telemetry(4, "SPK-1", ill + 3, amp_temp_c=60.0)])
        (ended,) = await wait_until(lambda: hook.of("cleared"), what="told of the end")
    assert ended.signed
    assert ended.key != call.key
    (alarm,) = await server.alarms()
    assert (alarm["state"], alarm["acknowledged"]) == ("cleared", True)
    journal = await server.everything(f"/api/v1/alarms/{alarm['id']}/journal")
    assert [entry["step"] for entry in journal] == ["raised", "acknowledged", "cleared"]

    def stored_rows() -> list[dict[str, Any]]:
        rows = points.rows(influxdb, bucket, "speaker", "uptime_s", "amp_temp_c", "state")
        return rows if len(rows) == 4 else []

    stored = await wait_until(lambda: asyncio.to_thread(stored_rows), what="points, which alarms don't wait for")
    assert [(row["time"], row["uptime_s"], row["amp_temp_c"], row["state"]) for row in stored] == [
        (ill, 1, 91.5, "playing"),
        (ill + 1, 2, 92.0, None),
        (ill + 2, 3, 75.0, None),
        (ill + 3, 4, 60.0, None),
    ]

    def told() -> list[tuple[str, int, str]]:
        rows = points.rows(influxdb, bucket, "alarm", "transition", "acked", "by")
        found = [(row["transition"], row["acked"], row["by"]) for row in sorted(rows, key=lambda row: row["time"])]
        return found if len(found) == 3 else []

    assert sorted(await wait_until(lambda: asyncio.to_thread(told), what="transitions in the store")) == [
        ("acknowledged", 1, journal[1]["by"]),
        ("cleared", 1, "sample"),
        ("raised", 0, "sample"),
    ]


@pytest.mark.real("mosquitto")
async def test_embedded_store_needs_nothing_else(
    mosquitto: Mosquitto, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest]
) -> None:
    """Without InfluxDB the same path ends in the data folder, and the API reads the series back."""
    server = launch(broker={"url": mosquitto.url}, rules=[HOT], devices=DEVICES, webhook=hook.url)
    await server.begin()
    sent = now()
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        await device.send_all(telemetry(n, "SPK-1", sent + n, amp_temp_c=90.0) for n in range(10))
    await wait_until(lambda: hook.of("raised"), what="told")

    async def series() -> bool:
        answer = await server.get("/api/v1/devices/SPK-1/series", metric="amp_temp_c")
        return bool(answer["items"] if "items" in answer else answer["points"])

    await wait_until(series, what="readable")

    async def booked() -> bool:
        ledger = await server.ledger()
        return (ledger["received"], ledger["stored"], ledger["in_flight"]) == (10, 10, 0)

    await wait_until(booked, what="ten messages are booked")


@pytest.mark.real("mosquitto", "influxdb")
async def test_unknown_device_is_held_until_approved(
    mosquitto: Mosquitto, influxdb: InfluxDB, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest]
) -> None:
    """A stranger's points are stored and it is listed, but it raises nothing; approved, its next sample does."""
    bucket = influxdb.new_bucket()
    server = launch(broker={"url": mosquitto.url}, store=influx_store(influxdb, bucket), rules=[HOT], devices=DEVICES, webhook=hook.url)
    await server.begin()
    async with Publisher(mosquitto.port, client_id="NEW-1") as device:
        await device.send_all([telemetry(1, "NEW-1", now(), amp_temp_c=95.0)])

        async def held() -> list[dict[str, object]]:
            return await server.everything("/api/v1/devices", approved="false")

        (listed,) = await wait_until(held, what="listed")
        assert (listed["id"], listed["family"], listed["approved"]) == ("NEW-1", "speaker", False)
        assert await server.alarms() == []
        approved = await server.post("/api/v1/devices/NEW-1/approve", {"unit": UNIT})
        assert (approved["approved"], approved["unit"]) == (True, UNIT)
        assert await server.alarms() == []
        await device.send_all([telemetry(2, "NEW-1", now(), amp_temp_c=95.0)])
        (call,) = await wait_until(lambda: hook.of("raised"), what="told")
    assert call.told == {("hot", "NEW-1")}
    await wait_until(
        lambda: asyncio.to_thread(lambda: points.count(influxdb, bucket) == 2), what="both points, which alarms don't wait for"
    )
