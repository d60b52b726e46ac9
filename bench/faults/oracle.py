"""What was sent against what is there: the publisher's PUBACKs are the oracle, never our ledger."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

from faults.findings import Findings

from e2e.message import Message, telemetry
from e2e.server import ServerUnderTest
from servers.influxdb import InfluxDB
from servers.waiting import wait_until

BEHIND_MS = 1_000
"""By how much the devices' times lie behind ours."""
_SLICE_MS = 60_000


def steady(count: int, *, rate: int, devices: int = 200, first: int = 0) -> Iterator[Message]:
    """Telemetry of loudspeakers that are well, on a grid of 1/rate seconds from now on."""
    base = int(time.time() * 1000) - BEHIND_MS
    for n in range(first, first + count):
        ts = base + (n - first) * 1000 // rate
        yield telemetry(n, f"SPK-{n % devices:04}", ts, state="idle", volume=n % 101, mains_v=225.0)


def rows(devices: int = 200) -> list[tuple[str, str]]:
    """The devices file's rows for `steady`."""
    return [(f"SPK-{n:04}", "speaker") for n in range(devices)]


def stored(influx: InfluxDB, bucket: str, messages: Iterable[Message]) -> Counter[int]:
    """How many points carry each message's number, over the time that the messages span."""
    times = [message.ts for message in messages if message.ts is not None]
    found: Counter[int] = Counter()
    for start in range(min(times, default=0), max(times, default=0) + 1, _SLICE_MS):
        query = f'SELECT "uptime_s" FROM "speaker" WHERE time >= {start}ms AND time < {start + _SLICE_MS}ms GROUP BY *'  # noqa: S608
        found.update(int(row["uptime_s"]) for row in influx.influxql(bucket, query) if row["uptime_s"] is not None)
    return found


def compare(findings: Findings, influx: InfluxDB, bucket: str, sent: list[Message], *, name: str = "") -> Counter[int]:
    """Nothing lost, nothing doubled, nothing invented."""
    found = stored(influx, bucket, sent)
    numbers = {message.n for message in sent}
    findings.note(f"{name}messages PUBACKed to the publisher", len(numbers))
    findings.must(f"{name}of them lost", len(numbers - found.keys()), 0)
    findings.must(f"{name}messages with a second point", sum(1 for times in found.values() if times > 1), 0)
    return found


def number(payload: bytes) -> int | None:
    """The message's own number, of telemetry that carries one."""
    with suppress(ValueError, AttributeError):
        said = json.loads(payload).get("uptime_s")
        return said if isinstance(said, int) else None
    return None


async def booked(server: ServerUnderTest, count: int, deadline: float = 120.0) -> dict[str, int]:
    """The ledger once that many are received and nothing is in flight or spooled; as it stands after `deadline` seconds."""

    async def settled() -> dict[str, int] | None:
        with suppress(OSError, AssertionError):
            ledger = await server.ledger()
            if ledger["received"] >= count and ledger["in_flight"] == 0 and ledger["spooled"] == 0:
                return ledger
        await asyncio.sleep(0.25)
        return None

    with suppress(AssertionError):
        found: dict[str, int] = await wait_until(settled, deadline, "all is booked")
        return found
    return await server.ledger()


async def quiet(server: ServerUnderTest, deadline: float = 120.0) -> dict[str, int]:
    """The ledger once it has stood still for a second with nothing in flight or spooled; as it stands after `deadline` seconds."""
    give_up = time.monotonic() + deadline
    before: dict[str, int] = {}
    while time.monotonic() < give_up:
        ledger = await server.ledger()
        if ledger == before and ledger["in_flight"] == 0 and ledger["spooled"] == 0:
            return ledger
        before = ledger
        await asyncio.sleep(1.0)
    return before


def closes(ledger: dict[str, int]) -> int:
    """What the ledger leaves unexplained."""
    outcomes = ("stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight")
    return ledger["received"] - sum(ledger[outcome] for outcome in outcomes)


def terms(ledger: dict[str, object]) -> str:
    """The terms that are not zero, in one line."""
    return ", ".join(f"{name} {value}" for name, value in ledger.items() if isinstance(value, int) and value)
