"""Memory under what nobody asked for: devices that are not registered, and messages that can't be read.

    python bench/bounds.py [--devices 100000] [--poison 200000]

The whole server in this process, with shipped families and rules, the embedded store and files in a temporary folder; only broker
and MQTT session are left out: deliveries are made here, at most 20,000 of them unacknowledged, as in a session. Prints the resident
memory after each part.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from collectors.delivery import Delivery, SessionItem
from collectors.drift_watch import DriftWatch
from collectors.ingest import Ingest
from collectors.pipeline import Pipeline
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from ioc.app.server import Server, open_server
from ioc.config.load import load_config

UNACKNOWLEDGED = 20_000
MB = 2**20


class Queue:
    """A session that has these deliveries, and gives no more than may be unacknowledged."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        self._left = iter(deliveries)
        self._given = 0
        self._room = asyncio.Event()
        self._room.set()
        self.ended = asyncio.Event()
        self.acknowledged = 0
        self.queued = 0

    async def receive(self, *, most: int, linger: float) -> Sequence[SessionItem]:
        """At most `most`; never returns once all are given."""
        del linger
        while self._given - self.acknowledged >= UNACKNOWLEDGED:
            self._room.clear()
            await self._room.wait()
        some = list(islice(self._left, min(most, UNACKNOWLEDGED - self._given + self.acknowledged)))
        self._given += len(some)
        if not some:
            await self._all_acknowledged()
            self.ended.set()
            await asyncio.Event().wait()
        return some

    def acknowledge(self, items: Sequence[SessionItem]) -> int:
        """Counts them."""
        self.acknowledged += len(items)
        self._room.set()
        return 0

    async def _all_acknowledged(self) -> None:
        while self.acknowledged < self._given:
            self._room.clear()
            await self._room.wait()


def unknown(devices: int) -> Iterator[Delivery]:
    """Two messages of each, at different times of theirs."""
    now = int(time.time() * 1000)
    for turn in range(2):
        for n in range(devices):
            payload = {"ts": now - 5_000 + turn * 1_000, "state": "idle", "volume": n % 100, "amp_temp_c": 40.5, "carrier": "Viettel"}
            yield Delivery(b"ioc/v1/speaker/X-%06d/telemetry" % n, json.dumps(payload).encode(), now + turn * 1_000, n % 65_535 + 1, 1)


def poison(count: int) -> Iterator[Delivery]:
    """Random bytes, bombs, topics that are no UTF-8 or belong to no family, numbers beyond all bounds."""
    dice = random.Random(3)
    now = int(time.time() * 1000)
    bombs = [b"[" * 5_000, b'{"volume": 1e400}', b'{"volume": %d}' % 2**80, b'{"volume": NaN}', b"", b'{"a":' * 200]
    for n in range(count):
        topic = [b"ioc/v1/speaker/P-%d/telemetry" % n, b"ioc/v1/nothing/%d/telemetry" % n, b"\xff\xfe/%d" % n, b"ioc/v1/speaker/P/x%d" % n]
        payload = dice.randbytes(200) if n % 2 else bombs[n // 2 % len(bombs)]
        yield Delivery(topic[n % 4], payload, now, n % 65_535 + 1, 1)


async def take_in(server: Server, deliveries: Iterable[Delivery]) -> tuple[int, float, Ingest]:
    """How many were acknowledged, and in how many seconds."""
    queue, redelivery, families = Queue(deliveries), RedeliveryMemory(), server.config.families
    ingest = Ingest(families, topic_root="ioc/v1", history_limit=90 * 86_400_000, redelivery=redelivery)
    pipeline = Pipeline(
        "ioc-1",
        session=queue,
        ingest=ingest,
        encoder=PointEncoder(families),
        redelivery=redelivery,
        desk=server.desk,
        quarantine=server.files.quarantine,
        assigned=server.files.assigned,
        writer=server.writer,
        ledger=server.files.state,
        unmapped=server.unmapped,
        drift=DriftWatch(server.tracker, families),
    )
    began = time.monotonic()
    task = asyncio.create_task(pipeline.run())
    await queue.ended.wait()
    took = time.monotonic() - began
    task.cancel()
    await asyncio.wait([task])
    return queue.acknowledged, took, ingest


def resident() -> float:
    """Of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096 / MB


async def measure(devices: int, strange: int) -> None:
    """Prints what each part leaves behind."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ioc.yaml"
        file.write_text('broker: {url: "mqtt://127.0.0.1:1"}\nstore: {kind: embedded}\ndata_dir: ./data\n')
        (Path(folder) / "data").mkdir()
        async with open_server(load_config(file, {})) as server:
            print(f"{'before':<36}{resident():8.1f} MB")
            for name, deliveries in ((f"{devices} unknown devices", unknown(devices)), (f"{strange} poisoned messages", poison(strange))):
                count, took, ingest = await take_in(server, deliveries)
                held = f"{ingest.devices} devices remembered, {server.strangers.known} held for approval, {len(server.fleet)} in the fleet"
                print(f"{name:<36}{resident():8.1f} MB  {count} acknowledged in {took:.1f} s; {held}")
            terms = await server.files.state.ledger()
            print("ledger:", {family: one.difference for family, one in terms.items()}, "differences")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--poison", type=int, default=200_000)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.devices, arguments.poison))
