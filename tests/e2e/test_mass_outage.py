"""Devices that fall together, on a server that is killed while it is about to tell of it."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, rule
from e2e.webhook import Call, WebhookReceiver
from servers.mosquitto import Mosquitto
from servers.waiting import PATIENCE_S, wait_until

SILENT = rule("silent", {"kind": "absence"}, severity="major")
ALONE = {"group_by": ["rule", "device"], "group_wait": "0s", "group_interval": "0s", "channels": ["hook"]}
PLAN = {"hold": "12s", "window": "30s", "wait": "8s"}
"""Silence is counted by canaries, 5 s apart: those who fall together may be noticed by two of them. All are still held back then."""
VIETTEL, OTHERS = [f"V-{n}" for n in range(8)], [f"M-{n}" for n in range(8)]


async def speak(publisher: Publisher, speaking: dict[str, str]) -> None:
    """Those in `speaking` (device → carrier) report every second until cancelled."""
    n = 0
    while True:
        for device, carrier in list(speaking.items()):
            n += 1
            await publisher.send(telemetry(n, device, int(time.time() * 1000) - 10, carrier=carrier))
        await asyncio.sleep(1.0)


async def listed(server: ServerUnderTest) -> list[dict[str, Any]]:
    """What `ioc incidents list` says."""
    command = (sys.executable, "-m", "ioc", "incidents", "list", "--json", "--config", str(server.config_file))
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True, timeout=PATIENCE_S)
    items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return items


def about_devices(hook: WebhookReceiver) -> list[Call]:
    """What was told but for our own being away."""
    return [call for call in hook.calls if all(device is not None for _, device in call.told)]


@pytest.mark.real("mosquitto")
async def test_carrier_outage_is_told_once_over_a_kill_and_its_end_once(
    mosquitto: Mosquitto, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest]
) -> None:
    """Eight devices of one carrier fall silent and one of another; the carrier is known from what they told."""
    speaking = {**dict.fromkeys(VIETTEL, "viettel"), **dict.fromkeys(OTHERS, "mobifone")}
    server = launch(
        broker={"url": mosquitto.url},
        rules=[SILENT],
        devices=[(device, "speaker") for device in speaking],
        webhook=hook.url,
        routes=[ALONE],
        guards={"incidents": PLAN},
        cadence={"speaker": "2s"},
    )
    async with Publisher(mosquitto.port, client_id="devices") as publisher:
        talk = asyncio.create_task(speak(publisher, speaking))
        await server.begin()  # they speak already: none is missed at the start

        async def online() -> bool:
            return all(device["online"] for device in await server.everything("/api/v1/devices"))

        async def fallen() -> bool:
            return len(await server.alarms(state="active")) == 9

        async def over() -> bool:
            return not await server.everything("/api/v1/incidents", state="active")

        await wait_until(online, what="all online")
        for device in (*VIETTEL, "M-0"):
            del speaking[device]
        await wait_until(fallen, what="nine alarms")
        await asyncio.to_thread(server.kill_now)
        assert hook.calls == []
        await server.begin()
        await wait_until(lambda: len(about_devices(hook)) == 2, what="two messages")
        told = sorted(about_devices(hook), key=lambda call: len(call.told))
        assert [call.told for call in told] == [{("silent", "M-0")}, {("silent", device) for device in VIETTEL}]
        assert "cùng nhà mạng viettel" in told[1].body["text"]
        (incident,) = await listed(server)
        assert (incident["attribute"], incident["value"], incident["members"], incident["state"]) == ("carrier", "viettel", 8, "active")
        assert {alarm["incident"] for alarm in told[1].body["alarms"]} == {incident["id"]}
        held = await server.everything("/api/v1/held")
        assert {(one["device"], one["hold"], one["by"]) for one in held} == {(device, "incident", incident["id"]) for device in VIETTEL}

        async def why() -> list[str]:
            said = [line["text"] for line in (await server.get(f"/api/v1/alarms/{held[0]['alarm']}/why"))["items"]]
            return said if said[-1].startswith("Tin nhắn (raised) cho hook đã gửi xong lúc") else []

        said = await wait_until(why, what="noted as delivered, which is after the hook has it")
        assert any(f"mất kết nối hàng loạt {incident['id']} báo thay" in text for text in said)
        speaking.update(dict.fromkeys(VIETTEL, "viettel"))
        await wait_until(over, what="the incident is over")
        await wait_until(lambda: len(about_devices(hook)) == 3, what="one message about its end")
        end = about_devices(hook)[2]
        assert (end.body["event"], len(end.told)) == ("cleared", 8)
        assert "đã phục hồi 8/8" in end.body["text"]
        members = await server.everything(f"/api/v1/incidents/{incident['id']}/members")
        assert {one["device"] for one in members if one["recovered"]} == set(VIETTEL)
        talk.cancel()
