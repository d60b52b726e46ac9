"""What `ioc run` costs with a province's 6,105 loudspeakers: memory after ten minutes, processor time for one message.

    python bench/footprint.py [--devices 6105] [--minutes 10] [--rate 1000]

Shipped rules on, paho-mqtt as installed, nearly all metrics of a loudspeaker in each message; in the steady part every device speaks
twice a minute.
"""

import argparse
import asyncio
import csv
import importlib.resources
import io
import random
import sys
import time
from collections.abc import Iterator

from stand import Stand, heading, say, stand

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from servers.waiting import wait_until

EVERY_S = 30
MB = 2**20


class Province:
    """Loudspeakers in Phú Thọ's communes that are well."""

    def __init__(self, devices: int) -> None:
        self._dice = random.Random(5)
        self._n = 0
        units = importlib.resources.files("ioc.domain").joinpath("data", "phu-tho-units.csv").read_text(encoding="utf-8")
        communes = [row["unit"] for row in csv.DictReader(io.StringIO(units)) if row["parent"]]
        self.rows = [(f"SPK-{n:05}", "speaker", communes[n % len(communes)], f"Cụm loa {n}") for n in range(devices)]

    def messages(self, *, rate: float, seconds: float) -> Iterator[Message]:
        """All devices in turn."""
        for _ in range(int(rate * seconds)):
            device = self.rows[self._n % len(self.rows)][0]
            self._n += 1
            yield self._telemetry(device)

    def _telemetry(self, device: str) -> Message:
        dice = self._dice
        return telemetry(
            self._n,
            device,
            int(time.time() * 1000) - dice.randint(200, 900),
            state="idle",
            source="none",
            volume=70,
            audio_dbfs=round(dice.uniform(-90, -80), 1),
            amp_temp_c=round(dice.uniform(35, 45), 1),
            board_temp_c=round(dice.uniform(35, 45), 1),
            load_ohm=round(dice.uniform(7.5, 8.5), 2),
            mains_v=round(dice.uniform(215, 235), 1),
            battery_pct=round(dice.uniform(90, 100), 1),
            rssi_dbm=dice.randint(-90, -60),
            carrier=dice.choice(("Viettel", "VinaPhone", "MobiFone")),
            network="4g",
            data_used_mb=round(dice.uniform(100, 900), 1),
            free_mb=round(dice.uniform(5000, 6000), 1),
            schedule_version="v1",
            door_open=False,
            fw="2.4.1",
        )


async def measure(servers: Stand, *, devices: int, minutes: int, rate: int) -> bool:
    """Prints the figures; whether nothing was lost."""
    province = Province(devices)
    bucket = servers.influx.new_bucket()
    server = ServerUnderTest(
        servers.folder / "ioc",
        broker={"url": servers.broker.url},
        store=influx_store(servers.influx, bucket),
        shipped_rules=True,
        devices=province.rows,
    )
    began = time.monotonic()
    await server.begin()
    say("from the first start to /readyz, with the import", f"{time.monotonic() - began:.1f} s")
    say("RSS then", f"{server.rss_bytes() / MB:.0f} MB")
    try:
        async with Publisher(servers.broker.port, client_id="publisher", window=5_000) as publisher:

            async def part(name: str, messages_a_s: float, seconds: float) -> float:
                """CPU seconds a second."""
                before, began, sent = server.cpu_s(), time.monotonic(), len(publisher.acknowledged)
                if messages_a_s:
                    await publisher.send_all(province.messages(rate=messages_a_s, seconds=seconds), rate=messages_a_s)
                    await wait_until(lambda: _booked(server, publisher), 60, "everything booked")
                else:
                    await asyncio.sleep(seconds)
                took, used, number = time.monotonic() - began, server.cpu_s() - before, len(publisher.acknowledged) - sent
                each = f", {used / number * 1e6:.0f} µs a message" if number else ""
                say(
                    name,
                    f"{number / took:.0f} messages/s, {used / took * 100:.1f} % of one core{each}; RSS {server.rss_bytes() / MB:.0f} MB",
                )
                return used / took

            await part("all devices once, at full speed", 2_000, devices / 2_000)
            for minute in range(minutes):
                await part(f"minute {minute + 1}", devices / EVERY_S, 60)
            rss = server.rss_bytes()
            say(f"RSS after {minutes} minutes", f"{rss / MB:.0f} MB")
            idle = await part("idle, all devices online", 0, 30)
            loaded = await part(f"load of {rate} messages/s", rate, 60)
            say("CPU a message beyond idling", f"{(loaded - idle) / rate * 1e6:.0f} µs")
        ledger = await server.ledger()
        alarms = await server.alarms(state="active")
        return all(
            [
                say("ledger: stored", ledger["stored"], len(publisher.acknowledged)),
                say("alarms active", len(alarms), 0),
            ]
        )
    finally:
        await server.end()


async def _booked(server: ServerUnderTest, publisher: Publisher) -> bool:
    ledger = await server.ledger()
    return bool(ledger["in_flight"] == 0 and ledger["received"] >= len(publisher.acknowledged))


def main() -> int:
    """Exit code 1 when something was lost, or an alarm raised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rate", type=int, default=1_000)
    options = parser.parse_args()
    heading(f"Footprint with {options.devices} devices")
    with stand() as servers:
        return 0 if asyncio.run(measure(servers, devices=options.devices, minutes=options.minutes, rate=options.rate)) else 1


if __name__ == "__main__":
    sys.exit(main())
