"""Reconnect storm: every loudspeaker loses its connection at the same moment and is back within five seconds, with what it buffered.

    python bench/storm.py [--devices 6105] [--within 5] [--buffered 10]

Each device has its own connection, client id and Will, and says its birth (retained) and its buffered messages after CONNACK.
"""

import argparse
import asyncio
import json
import resource
import struct
import sys
import time
from contextlib import suppress

from contestants import Ours
from feed import length, packet
from footprint import Province
from process import MB, rss_bytes
from stand import Stand, heading, quantile, say, stand

from e2e import points
from e2e.server import rule
from servers.waiting import wait_until

_WILL_QOS1_RETAIN = 0x04 | 0x08 | 0x20
_CLEAN = 0x02
_CONNACK_SIZE, _PUBACK_SIZE = 4, 4
_WILL_COUNTS_S = 10.0
"""So long after its Will a device is rightly offline, and its alarm right."""
_ABSENT = rule("absent", {"kind": "absence"}, severity="major")


class Loudspeaker:
    """One device's connections, one after the other."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port
        self._topic = f"ioc/v1/speaker/{name}"
        self._writer: asyncio.StreamWriter | None = None
        self._n = 0
        self._told = 0
        """The last time that it told: two messages of one time would be one point."""
        self.acknowledged = 0

    async def connect(self, messages: int) -> None:
        """Connects, says birth and `messages` telemetry messages of the last minute, and waits for all PUBACKs."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._connect_packet())
        answer = await reader.readexactly(_CONNACK_SIZE)
        if answer[3]:
            message = f"the broker refuses {self.name}: {answer.hex()}"
            raise ConnectionError(message)
        now = int(time.time() * 1000)
        packets = [packet(f"{self._topic}/status".encode(), b'{"online": true, "ts": %d}' % now, retain=True)]
        for turn in range(messages):
            self._n += 1
            self._told = max(now - (messages - turn) * 1_000, self._told + 1)
            body = {
                "ts": self._told,
                "uptime_s": self._n,
                "state": "idle",
                "volume": 70,
                "mains_v": 225.5,
                "rssi_dbm": -70,
            }
            packets.append(packet(f"{self._topic}/telemetry".encode(), json.dumps(body).encode()))
        self._writer.write(b"".join(head + struct.pack(">H", mid) + rest for mid, (head, rest) in enumerate(packets, 1)))
        await reader.readexactly(_PUBACK_SIZE * len(packets))
        self.acknowledged += messages

    def lose(self) -> None:
        """The connection is gone without DISCONNECT: the broker publishes the Will."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _connect_packet(self) -> bytes:
        topic, will = f"{self._topic}/status".encode(), b'{"online": false}'
        body = b"\x00\x04MQTT\x04" + bytes((_WILL_QOS1_RETAIN | _CLEAN,)) + struct.pack(">H", 0)
        for text in (self.name.encode(), topic, will):
            body += struct.pack(">H", len(text)) + text
        return b"\x10" + length(len(body)) + body


async def everybody(devices: list[Loudspeaker], *, within: float, messages: int) -> list[float]:
    """All connect, evenly spread over `within` seconds; how long each took (s) until its last PUBACK."""

    async def one(turn: int, device: Loudspeaker) -> float:
        await asyncio.sleep(turn * within / len(devices))
        began = time.monotonic()
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await device.connect(messages)
                return time.monotonic() - began
            await asyncio.sleep(0.5)

    return list(await asyncio.gather(*(one(turn, device) for turn, device in enumerate(devices))))


async def measure(servers: Stand, options: argparse.Namespace) -> bool:
    """Prints the figures; whether nothing was lost and nobody alarmed."""
    bucket = servers.influx.new_bucket()
    rows = Province(options.devices).rows
    ours = Ours(servers, "storm", bucket, rows=rows, rule_count=50, more_rules=[_ABSENT])
    await ours.begin()
    devices = [Loudspeaker(row[0], servers.broker.port) for row in rows]
    try:
        await everybody(devices, within=max(10.0, options.within), messages=1)
        await wait_until(lambda: _booked(ours, devices), 120, "the first messages are booked")
        say("RSS with all devices connected", f"{ours.rss_bytes() / MB:.0f} MB")
        # Those that were never heard began as offline, and their alarms end with the first arrival: what counts is what comes later.
        before = {alarm["id"] for alarm in await ours.alarms(rule="absent")}
        used, began = ours.cpu_s(), time.monotonic()
        for device in devices:
            device.lose()
        took = await everybody(devices, within=options.within, messages=options.buffered)
        published = time.monotonic() - began
        await wait_until(lambda: _booked(ours, devices), 120, "everything is booked")
        caught_up = time.monotonic() - began
        say(
            "all back, with all PUBACKs",
            f"{published:.1f} s; a device's own time p50 {quantile(took, 0.5):.2f} s, p99 {quantile(took, 0.99):.2f} s",
        )
        say("everything booked", f"{caught_up:.1f} s after the loss; CPU {ours.cpu_s() - used:.1f} s")
        await asyncio.sleep(15)  # a Will that nothing outlived would count by now
        ledger = await ours.ledger()
        absent = [alarm for alarm in await ours.alarms(rule="absent") if alarm["id"] not in before]
        blind = await ours.alarms(rule="ioc_blind")
        online = sum(1 for one in await ours.everything("/api/v1/devices") if one["online"])
        say("RSS, and the most", f"{ours.rss_bytes() / MB:.0f} MB, {rss_bytes(ours.pid, peak=True) / MB:.0f} MB")
    finally:
        for device in devices:
            device.lose()
        await ours.end()
    sent = sum(device.acknowledged for device in devices)
    closed = sum(ledger[term] for term in ("stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight"))
    say("telemetry PUBACKed", sent)
    say("times that we were blind", len(blind))
    return all(
        [
            say("points lost", sent - points.count(servers.influx, bucket, "speaker", "uptime_s"), 0),
            say("ledger: received less its outcomes", ledger["received"] - closed, 0),
            say("ledger: in flight, spooled, quarantined", ledger["in_flight"] + ledger["spooled"] + ledger["quarantined"], 0),
            say("devices online", online, options.devices),
            say("devices that this machine let wait over 10 s", sum(1 for one in took if one > _WILL_COUNTS_S), 0),
            say("devices' alarms raised by the storm", len(absent), 0),
        ]
    )


async def _booked(ours: Ours, devices: list[Loudspeaker]) -> bool:
    ledger = await ours.ledger()
    return bool(ledger["in_flight"] == 0 and ledger["stored"] >= sum(device.acknowledged for device in devices))


def main() -> int:
    """Exit code 1 when something was lost or somebody alarmed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--within", type=float, default=5.0)
    parser.add_argument("--buffered", type=int, default=10)
    options = parser.parse_args()
    # Inherited by the broker: one descriptor a device there, one here.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    heading(f"{options.devices} devices reconnect within {options.within:g} s, {options.buffered} messages each")
    with stand() as servers:
        return 0 if asyncio.run(measure(servers, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
