"""A vendor's devices at a real broker: their own topics and payloads, stored as the family's."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.server import ServerUnderTest
from servers.mosquitto import Mosquitto
from servers.presence import program
from servers.waiting import wait_until


def publish(broker: Mosquitto, topic: str, payload: str) -> None:
    command = [program("mosquitto_pub"), "-h", broker.host, "-p", str(broker.port), "-q", "2", "-t", topic, "-m", payload]
    subprocess.run(command, check=True, timeout=30)  # noqa: S603 - our own argv


@pytest.mark.real("mosquitto")
async def test_heartbeat_repeated_on_group_topics_is_stored_once(mosquitto: Mosquitto, launch: Callable[..., ServerUnderTest]) -> None:
    """Converted, under the family's names; the ledger counts one duplicate; what can't be read is quarantined."""
    server = launch(broker={"url": mosquitto.url, "dialects": ["group_heartbeat", "volume_steps", "attenuation_byte"]})
    await server.begin()
    second = int(time.time())
    heartbeat = json.dumps({"sn": "HB0042", "id": 7, "t": second, "st": 2, "vol": 70, "tmp": 41.5})
    for group in ("xa-ba-che", "khan-cap"):
        await asyncio.to_thread(publish, mosquitto, f"tx/{group}/HB0042", heartbeat)
    await asyncio.to_thread(publish, mosquitto, "spk/SPK-7/report", json.dumps({"time": second * 1000, "play": {"vol": 8}}))
    await asyncio.to_thread(publish, mosquitto, "amp/nha-van-hoa/AMP-1/state", json.dumps({"att": 0}))
    await asyncio.to_thread(publish, mosquitto, "tx/khan-cap/HB0042", "not json")

    async def accounted() -> dict[str, Any]:
        ledger = await server.ledger()
        return ledger if ledger["received"] == 5 and ledger["in_flight"] == 0 else {}

    ledger = await wait_until(accounted, what="five messages in the ledger")
    assert (ledger["stored"], ledger["duplicate"], ledger["quarantined"]) == (3, 1, 1)
    assert ledger["families"]["speaker"]["received"] == 5
    shown = {device: (await server.get(f"/api/v1/devices/{device}")) for device in ("HB0042", "SPK-7", "AMP-1")}
    assert shown["HB0042"]["sample"] == {"state": "playing", "volume": 70, "board_temp_c": 41.5}
    assert shown["SPK-7"]["sample"] == {"volume": 50}
    assert shown["AMP-1"]["sample"] == {"volume": 100, "network": "lan"}
    assert [device["online"] for device in shown.values()] == [True] * 3
    series = await server.get("/api/v1/devices/HB0042/series", metric="volume")
    assert [point["value"] for point in series["items"] if point["value"] is not None] == [70]
    (kept,) = (await server.get("/api/v1/quarantine"))["items"]
    assert (kept["device"], kept["reason"], kept["topic"]) == ("HB0042", "not_json", "tx/khan-cap/HB0042")
