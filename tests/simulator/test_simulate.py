"""The simulated province at the demo's own broker."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from brokers.listener import Listener, unix_ms
from brokers.publisher import Publisher
from collectors.source import SourceSettings
from ioc.domain.family import Family
from ioc.domain.registry import Device, Unit
from ioc.simulator.broker import BrokerStartError, Endpoints, demo_broker
from ioc.simulator.device import SimulatedDevice
from ioc.simulator.province import lay_out
from ioc.simulator.signals import Change
from ioc.simulator.simulate import SimulationError, simulate
from servers.waiting import PATIENCE_S, wait_until

pytest.importorskip("iotcore", reason="the demo's broker is not installed: install ioc-monitor[demo]")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Endpoints]:
    async with demo_broker(folder=tmp_path) as endpoints:
        yield endpoints


def listener_at(endpoints: Endpoints) -> Listener:
    return Listener(SourceSettings(url=endpoints.collector_url, client_id="ioc-demo"))


def of_channel(listener: Listener, device: str, channel: str) -> list[dict[str, object]]:
    wanted = f"/{device}/{channel}".encode()
    return [msgspec.json.decode(one.payload) for one in listener.deliveries if one.topic.endswith(wanted)]


async def test_every_device_is_born_and_reports(broker: Endpoints, families: dict[str, Family], units: list[Unit]) -> None:
    """One connection, a retained birth, and telemetry at once for each of 70 devices."""
    devices = lay_out(units, speakers=50, lines=8, sites=12)
    async with listener_at(broker) as listener:
        await listener.connected()
        running = asyncio.create_task(
            simulate(broker.device_url, families=families.values(), devices=devices, clock=unix_ms, interval_s=0.5, scenario="calm")
        )
        await wait_until(lambda: all(len(of_channel(listener, one.device, "telemetry")) >= 3 for one in devices))
        for one in devices:
            assert of_channel(listener, one.device, "status")[0]["online"] is True
            first = of_channel(listener, one.device, "telemetry")[0]
            assert isinstance(first["ts"], int)
            assert [message["seq"] for message in of_channel(listener, one.device, "telemetry")[:3]] == [1, 2, 3]
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await wait_until(lambda: all(of_channel(listener, one.device, "status")[-1]["online"] is False for one in devices))


async def test_cut_device_leaves_its_will_and_is_born_again(broker: Endpoints, families: dict[str, Family]) -> None:
    """A broken line shows as the Will; when mended, the device announces itself anew."""
    settings = SourceSettings(url=broker.device_url, client_id="simulator")
    row = Device(device="spk-1", family="speaker", labels={"carrier": "Viettel"}, lat=21.3, lon=105.2)
    async with listener_at(broker) as listener:
        await listener.connected()
        device = SimulatedDevice(row, families["speaker"], settings, interval_s=60, clock=unix_ms)
        running = asyncio.create_task(device.run())
        await wait_until(lambda: of_channel(listener, "spk-1", "telemetry"))
        assert (
            of_channel(listener, "spk-1", "telemetry")[0] | {"carrier": "Viettel", "lat": 21.3}
            == of_channel(listener, "spk-1", "telemetry")[0]
        )
        device.change(Change(values={"state": "playing", "audio_dbfs": -80.0}))
        await wait_until(lambda: of_channel(listener, "spk-1", "telemetry")[-1]["state"] == "playing")
        device.cut()
        await wait_until(lambda: of_channel(listener, "spk-1", "status")[-1] == {"online": False})
        assert not device.online
        device.mend()
        await wait_until(lambda: of_channel(listener, "spk-1", "status")[-1]["online"] is True)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_story_is_told(broker: Endpoints, families: dict[str, Family], units: list[Unit]) -> None:
    """At great speed all beats begin at once: the commune falls silent, the others show their signals."""
    devices = lay_out(units[:4], speakers=12, lines=1, sites=1)
    begun: dict[str, tuple[str, ...]] = {}
    async with listener_at(broker) as listener:
        await listener.connected()
        running = asyncio.create_task(
            simulate(
                broker.device_url,
                families=families.values(),
                devices=devices,
                clock=unix_ms,
                interval_s=0.5,
                speed=100,
                on_turn=lambda turn, chosen: begun.update({turn.beat.name: tuple(chosen)}),
            )
        )
        await wait_until(lambda: len(begun) == 5)
        await wait_until(
            lambda: all(
                of_channel(listener, one, "status") and of_channel(listener, one, "status")[-1]["online"] is False for one in begun["storm"]
            )
        )
        await wait_until(lambda: of_channel(listener, begun["line_stops"][0], "telemetry")[-1]["state"] == "stopped")
        await wait_until(lambda: of_channel(listener, begun["silent_speaker"][0], "telemetry")[-1]["state"] == "playing")
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_broker_lets_large_messages_through(broker: Endpoints) -> None:
    """More than the contract's 64 KiB reaches the collector, so that it can be named."""
    async with listener_at(broker) as listener:
        await listener.connected()

        def publish() -> None:
            with Publisher(int(broker.device_url.rsplit(":", 1)[1])) as publisher:
                publisher.send("ioc/v1/speaker/d1/telemetry", [b"x" * 70_000])

        await asyncio.to_thread(publish)
        await wait_until(lambda: [len(payload) for payload in listener.payloads] == [70_000])


async def test_taken_port_is_said(broker: Endpoints) -> None:
    """A port in use is one sentence."""
    port = int(broker.collector_url.rsplit(":", 1)[1])
    with pytest.raises(BrokerStartError, match=str(port)):
        async with demo_broker(collector_port=port):
            pass


async def test_nonsense_is_refused(families: dict[str, Family]) -> None:
    """An unknown scenario, or nothing to simulate."""
    with pytest.raises(SimulationError, match="scenario"):
        await simulate("mqtt://127.0.0.1:1", families=families.values(), devices=[], clock=unix_ms, scenario="strom")
    with pytest.raises(SimulationError, match="nothing to simulate"):
        await simulate("mqtt://127.0.0.1:1", families=families.values(), devices=[], clock=unix_ms)


@pytest.mark.parametrize("kind", ["iotcore", pytest.param("mosquitto", marks=pytest.mark.real("mosquitto"))])
async def test_broker_ends_with_its_parent(kind: str) -> None:
    """Killed outright, the demo leaves no broker behind."""
    script = (
        "import asyncio\nfrom ioc.simulator.broker import demo_broker\nasync def main():\n"
        f"  async with demo_broker(kind={kind!r}) as e:\n    print(e.device_url, flush=True)\n    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)  # noqa: ASYNC220, S603 - our own argv
    assert parent.stdout is not None
    url = (await asyncio.to_thread(parent.stdout.readline)).decode().strip()
    port = int(url.rsplit(":", 1)[1])
    assert await answers(port)
    parent.send_signal(signal.SIGKILL)
    parent.wait(PATIENCE_S)

    async def gone() -> bool:
        return not await answers(port)

    await wait_until(gone)


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
