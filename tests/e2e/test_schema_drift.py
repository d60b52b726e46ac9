"""A firmware update that changes what devices tell, from the broker to the operator."""

import time
from collections.abc import Callable

import pytest

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

DEVICES = [f"loa-{n}" for n in range(5)]


def told(firmware: str, base: int, first: int, **values: object) -> list[Message]:
    """Ten messages of each device."""
    return [
        telemetry(first + 5 * turn + n, device, base + turn, fw=firmware, state="idle", **values)
        for turn in range(10)
        for n, device in enumerate(DEVICES)
    ]


@pytest.mark.real("mosquitto")
async def test_firmware_update_raises_an_event_for_each_field_that_changed(
    mosquitto: Mosquitto, launch: Callable[..., ServerUnderTest]
) -> None:
    """New, lost and re-typed, naming group and counts; once, also over a kill; an acknowledgement ends the alarm."""
    server = launch(broker={"url": mosquitto.url}, shipped_rules=False)
    await server.begin()
    base = int(time.time() * 1000) - 50_000
    async with Publisher(mosquitto.port, client_id="publisher") as publisher:
        await publisher.send_all(told("1.0", base, 0, volume=70, mains_v=231.5))
        await publisher.send_all(told("1.1", base + 1_000, 100, volume="70", codec="opus"))

        async def raised() -> bool:
            drifts = await server.everything("/api/v1/drift")
            return len(drifts) == 3 and all(one["devices"] == 5 for one in drifts)

        await wait_until(raised, what="three drifts of five devices")

        async def alarmed() -> bool:
            return [alarm["state"] for alarm in await server.alarms(rule="ioc_schema_drift")] == ["active"]

        await wait_until(alarmed, what="an alarm")
        server.kill_now()
        await server.begin()
        await publisher.send_all(told("1.1", base + 2_000, 200, volume="70", codec="opus"))

        async def booked() -> bool:
            ledger = await server.ledger()
            return bool(ledger["received"] - ledger["duplicate"] == 150 and ledger["in_flight"] == 0)

        await wait_until(booked, what="everything booked")
    drifts = await server.everything("/api/v1/drift")
    group = {"family": "speaker", "dialect": "native", "firmware": "1.1", "before": "1.0", "devices": 5}
    assert all({key: one[key] for key in group} == group for one in drifts)
    assert sorted((one["kind"], one["field"], one["old_type"], one["new_type"]) for one in drifts) == [
        ("lost", "mains_v", "number", None),
        ("new", "codec", None, "string"),
        ("retyped", "volume", "number", "string"),
    ]
    assert all('"codec": "opus"' in sample for one in drifts for sample in one["samples"])
    for one in drifts:
        await server.post(f"/api/v1/drift/{one['id']}/ack")

    async def cleared() -> bool:
        return [alarm["state"] for alarm in await server.alarms(rule="ioc_schema_drift")] == ["cleared"]

    await wait_until(cleared, what="the alarm's end")
    assert len([line for line in server.logged() if line.get("event") == "schema_drift"]) == 3
