"""Starting, stopping and starting again; what is wrong with a server is named."""

import asyncio
import subprocess
import time
from collections.abc import Callable

import pytest

from e2e.message import status, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from e2e.webhook import WebhookReceiver
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.waiting import PATIENCE_S, wait_until

HOT = rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80})


def now() -> int:
    return int(time.time() * 1000)


@pytest.mark.real("mosquitto")
@pytest.mark.parametrize("ending", ["terminated", "killed"])
async def test_second_start_goes_on_with_the_alarm(
    mosquitto: Mosquitto, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest], ending: str
) -> None:
    """An active alarm is not raised or told a second time after a restart, keeps its id, and clears."""
    server = launch(broker={"url": mosquitto.url}, rules=[HOT], devices=[("SPK-1", "speaker")], webhook=hook.url)
    await server.begin()
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        ill = now()
        await device.send_all([telemetry(1, "SPK-1", ill, amp_temp_c=95.0)])
        await wait_until(lambda: hook.of("raised"), what="told")
        (before,) = await server.alarms(device="SPK-1")
        if ending == "killed":
            server.kill_now()
        else:
            assert await server.end() == 0
        await device.send_all([telemetry(2, "SPK-1", ill + 10, amp_temp_c=96.0)])
        await server.begin()
        await device.send_all([telemetry(3, "SPK-1", now(), amp_temp_c=96.0)])

        async def heard() -> bool:
            shown = await server.get("/api/v1/devices/SPK-1")
            return bool(shown["sample"].get("uptime_s") == 3)

        await wait_until(heard, what="heard")
        assert await server.alarms(device="SPK-1") == [before]
        assert len(await server.alarms(rule="ioc_was_down")) == (ending == "killed")
        await device.send_all([telemetry(4, "SPK-1", now(), amp_temp_c=50.0)])
        await wait_until(lambda: hook.of("cleared"), what="told of the end")
    (after,) = await server.alarms(device="SPK-1")
    assert (after["id"], after["state"]) == (before["id"], "cleared")
    # A kill between the receiver's answer and our note of it sends the same message again, under the same key.
    calls = [call for call in hook.calls if call.body["alarms"][0]["device"] is not None]
    messages = list({call.key: call.body["event"] for call in calls}.values())
    assert messages == ["raised", "cleared"]
    assert len(calls) <= (3 if ending == "killed" else 2)
    await wait_until(lambda: asyncio.create_task(_stored(server, 4)), what="all four stored, each once")
    ledger = await server.ledger()
    # A kill between a commit and its acknowledgement has the broker deliver again.
    assert ledger["received"] - ledger["duplicate"] == 4
    assert ending == "killed" or ledger["duplicate"] == 0


@pytest.mark.real("mosquitto")
async def test_sigterm_ends_it_cleanly(mosquitto: Mosquitto, launch: Callable[..., ServerUnderTest]) -> None:
    """Exit code 0, nothing in flight, and the broker's retained status says that we left."""
    server = launch(broker={"url": mosquitto.url}, devices=[("SPK-1", "speaker")])
    await server.begin()
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        sending = asyncio.create_task(device.send_all((telemetry(n, "SPK-1", now() - 9_000 + n) for n in range(3_000)), rate=2_000))
        await wait_until(lambda: asyncio.create_task(_stored_some(server)), what="some of it")
        assert await server.end() == 0
        await sending
    assert "Traceback" not in server.log.read_text()
    await server.begin()
    await wait_until(lambda: asyncio.create_task(_stored(server, 3_000)), what="all of it, the rest after the second start")
    ledger = await server.ledger()
    terms = ("stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight")
    assert ledger["received"] == sum(ledger[term] for term in terms)


@pytest.mark.real("mosquitto")
async def test_second_server_on_the_same_folder_is_refused(mosquitto: Mosquitto, launch: Callable[..., ServerUnderTest]) -> None:
    """One sentence, no traceback; the first goes on."""
    server = launch(broker={"url": mosquitto.url})
    await server.begin()
    second = await asyncio.to_thread(subprocess.run, server._command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode == 1
    assert "another server" in second.stderr
    assert "Traceback" not in second.stderr
    assert (await server.ready())[0]


@pytest.mark.real("mosquitto")
async def test_retained_status_seen_at_start_is_a_hint(mosquitto: Mosquitto, launch: Callable[..., ServerUnderTest]) -> None:
    """Retained `false` = offline, `true` = unknown, none at all = never seen and therefore offline; none of it is an arrival."""
    async with Publisher(mosquitto.port, client_id="devices") as devices:
        await devices.send_all([status("OFF", online=False), status("ON", online=True, ts=now())])
        server = launch(broker={"url": mosquitto.url}, devices=[(device, "speaker") for device in ("OFF", "ON", "NEVER", "ALIVE")])
        await server.begin()
        await devices.send_all([telemetry(1, "ALIVE", now())])

        async def shown() -> dict[str, tuple[bool | None, object]]:
            found = {one["id"]: (one["online"], one["last_seen"] is None) for one in await server.everything("/api/v1/devices")}
            return found if found["ALIVE"][0] else {}

        assert await wait_until(shown, what="one is heard") == {
            "OFF": (False, True),
            "ON": (None, True),
            "NEVER": (False, True),
            "ALIVE": (True, False),
        }
    await wait_until(lambda: asyncio.create_task(_stored(server, 1)), what="stored")
    ledger = await server.ledger()
    assert (ledger["received"], ledger["retained"]) == (3, 2)


@pytest.mark.real("mosquitto")
async def test_will_is_a_hint_that_an_arrival_refutes(
    mosquitto: Mosquitto, hook: WebhookReceiver, launch: Callable[..., ServerUnderTest]
) -> None:
    """After a Will the silent device is offline, at least 10 s after it was heard last; the one that speaks on is not."""
    silent = rule("silent", {"kind": "absence"})
    server = launch(broker={"url": mosquitto.url}, rules=[silent], devices=[("GONE", "speaker"), ("STAYS", "speaker")], webhook=hook.url)
    await server.begin()
    async with Publisher(mosquitto.port, client_id="devices") as devices:
        heard = now()  # at the earliest
        await devices.send_all(telemetry(1, device, now() - 10) for device in ("GONE", "STAYS"))
        await devices.send_all(status(device, online=False) for device in ("GONE", "STAYS"))
        await devices.send_all([telemetry(2, "STAYS", now() - 10)])

        def told() -> list[float]:
            return [call.at for call in hook.of("raised", "silent") if ("silent", "GONE") in call.told]

        (at,) = await wait_until(told, what="told that it is gone")
    assert at - heard > 9_900
    found = {one["id"]: one["online"] for one in await server.everything("/api/v1/devices")}
    assert found == {"GONE": False, "STAYS": True}


@pytest.mark.real("mosquitto")
async def test_wrong_password_is_named(mosquitto_factory: Callable[..., Mosquitto], launch: Callable[..., ServerUnderTest]) -> None:
    """/readyz and one log line say that the broker refuses the credentials; the right ones let it in."""
    broker = mosquitto_factory(users={"ioc": "right"})
    server = launch(broker={"url": broker.url, "username": "ioc", "password": "wrong-word"})
    await server.begin(until="/healthz")

    async def named() -> str:
        ready, checks = await server.ready()
        assert not ready
        return checks["broker"]["detail"] if "credentials" in checks["broker"]["detail"] else ""

    assert "'ioc'" in await wait_until(named, what="named")
    said = [line for line in server.logged() if line["event"] == "session_down"]
    assert len(said) == 1
    assert "credentials" in said[0]["detail"]
    assert "wrong-word" not in server.log.read_text()


@pytest.mark.real("mosquitto", "influxdb")
async def test_wrong_token_is_named(mosquitto: Mosquitto, influxdb: InfluxDB, launch: Callable[..., ServerUnderTest]) -> None:
    """/readyz is red and says that the store does not know the token; messages are spooled meanwhile."""
    server = launch(
        broker={"url": mosquitto.url},
        store=influx_store(influxdb, influxdb.new_bucket(), token="wrong-word"),  # noqa: S106 - meant to be wrong
        devices=[("SPK-1", "speaker")],
    )
    await server.begin(until="/healthz")

    async def named() -> str:
        ready, checks = await server.ready()
        assert not ready
        return checks["store"]["detail"] if "token" in checks["store"]["detail"] else ""

    assert "401" in await wait_until(named, what="named")
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        await device.send_all([telemetry(1, "SPK-1", now())])

    async def spooled() -> bool:
        return bool((await server.ledger())["spooled"] == 1)

    await wait_until(spooled, what="spooled")
    assert any("token" in str(line.get("detail", "")) for line in server.logged())
    assert "wrong-word" not in server.log.read_text()


@pytest.mark.real("mosquitto")
async def test_server_starts_without_broker_and_store(mosquitto: Mosquitto, free_port: int, launch: Callable[..., ServerUnderTest]) -> None:
    """Both away at the start: it keeps trying, /readyz is red and names both, and it hears as soon as the broker is there."""
    await asyncio.to_thread(mosquitto.stop)
    server = launch(
        broker={"url": mosquitto.url},
        store={"kind": "influxdb", "url": f"http://127.0.0.1:{free_port}", "token": "any"},
        devices=[("SPK-1", "speaker")],
    )
    await server.begin(until="/healthz")

    async def named() -> bool:
        ready, checks = await server.ready()
        assert not ready
        return "can't be reached" in checks["broker"]["detail"] and "can't be reached" in checks["store"]["detail"]

    await wait_until(named, what="named")
    await asyncio.to_thread(mosquitto.start)

    async def hears() -> bool:
        return bool((await server.ready())[1]["broker"]["ok"])

    await wait_until(hears, what="hears")
    assert not (await server.ready())[0]


async def _stored_some(server: ServerUnderTest) -> bool:
    return bool((await server.ledger())["stored"] > 0)


async def _stored(server: ServerUnderTest, count: int) -> bool:
    return bool((await server.ledger())["stored"] == count)
