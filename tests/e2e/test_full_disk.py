"""No room on the disk: nothing is acknowledged, nothing crashes, and once there is room nothing is missing."""

import time
from collections.abc import Callable

import pytest

from e2e.message import telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest
from servers.limits import bound_files
from servers.mosquitto import Mosquitto
from servers.waiting import wait_until


@pytest.mark.real("mosquitto")
async def test_process_whose_files_cannot_grow_waits_and_goes_on(mosquitto: Mosquitto, launch: Callable[..., ServerUnderTest]) -> None:
    """With RLIMIT_FSIZE at its files' size the server says so and takes nothing in; freed, it stores all that waited at the broker."""
    server = launch(broker={"url": mosquitto.url}, devices=[("SPK-1", "speaker")])
    await server.begin()
    base = int(time.time() * 1000) - 1_000
    async with Publisher(mosquitto.port, client_id="SPK-1") as device:
        await device.send_all(telemetry(n, "SPK-1", base + n) for n in range(20))

        async def stored(count: int) -> bool:
            ledger = await server.ledger()
            return bool(ledger["stored"] == count and ledger["in_flight"] == 0)

        await wait_until(lambda: stored(20), what="stored")
        bound_files(server.pid, 4_096)
        await device.send_all(telemetry(n, "SPK-1", base + n) for n in range(20, 70))

        async def ready() -> bool:
            return (await server.ready())[0]

        async def red() -> bool:
            return not await ready()

        await wait_until(red, what="/readyz red")
        assert (await server.ledger())["stored"] == 20
        assert server.running
        bound_files(server.pid, None)
        await wait_until(lambda: stored(70), what="stored once there is room")
        await wait_until(ready, what="/readyz green")
