"""The broker away: people are told that we hear nothing, and nothing of devices."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, rule
from e2e.webhook import WebhookReceiver
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until

SILENT = rule("silent", {"kind": "absence"})
AWAY_S = 15.0


async def speak(publisher: Publisher, devices: list[str], *, every: float = 1.0) -> None:
    """The devices speak until cancelled; without a broker they try again."""
    n = 0
    while True:
        with suppress(OSError):
            if not publisher.connected:
                await publisher.connect()
            for device in devices:
                n += 1
                await publisher.send(telemetry(n, device, int(time.time() * 1000) - 10, amp_temp_c=40.0))
        await asyncio.sleep(every)


@pytest.mark.real("mosquitto")
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_broker_away_is_one_alarm_of_ours_and_none_of_devices(
    mosquitto: Mosquitto, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest], how: str
) -> None:
    """Devices that would be offline after 6 s stay undecided for 15 s without a broker: one ioc_blind, which clears."""
    away_by = mosquitto.freeze if how == "frozen" else mosquitto.kill
    back_by = mosquitto.thaw if how == "frozen" else mosquitto.start
    devices = [f"SPK-{n}" for n in range(5)]
    server = launch(
        broker={"url": mosquitto.url},
        rules=[SILENT],
        devices=[(device, "speaker") for device in devices],
        webhook=hook.url,
        cadence={"speaker": "2s"},
    )
    publisher = Publisher(mosquitto.port, client_id="devices")
    await publisher.connect()
    speaking = asyncio.create_task(speak(publisher, devices))
    try:
        await server.begin()

        async def all_online() -> bool:
            found = await server.everything("/api/v1/devices")
            return len(found) == 5 and all(device["online"] for device in found)

        await wait_until(all_online, what="all devices online")
        # Those that were not heard for a while at the start were offline since their import; that is over now, and told.
        await wait_until(lambda: asyncio.create_task(_is_quiet(server, hook)), what="no alarm, and none to be told of")
        before = len(hook.calls)
        away = time.monotonic()
        await asyncio.to_thread(away_by)
        (call,) = await wait_until(lambda: hook.of("raised", "ioc_blind"), what="told that we hear nothing")
        assert call.told == {("ioc_blind", None)}
        ready, checks = await server.ready()
        assert not ready
        assert not checks["broker"]["ok"]
        await asyncio.sleep(max(0.0, away + AWAY_S - time.monotonic()))
        unknown = await server.everything("/api/v1/devices")
        assert {device["online"] for device in unknown} == {None}
        await asyncio.to_thread(back_by)
        await wait_until(lambda: hook.of("cleared", "ioc_blind"), what="told that we hear again")
        await wait_until(all_online, what="all devices online again")
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
        await publisher.close()
    assert [(call.body["event"], call.told) for call in hook.calls[before:]] == [
        ("raised", {("ioc_blind", None)}),
        ("cleared", {("ioc_blind", None)}),
    ]
    blind = await server.alarms(rule="ioc_blind")
    assert [alarm["state"] for alarm in blind] == ["cleared"]
    assert all(alarm["since"] < blind[0]["since"] for alarm in await server.alarms(rule="silent"))


async def _is_quiet(server: ServerUnderTest, hook: WebhookReceiver) -> bool:
    raised, cleared = (Counter(told for call in hook.of(event) for told in call.told) for event in ("raised", "cleared"))
    return raised == cleared and not await server.alarms(state="active")
