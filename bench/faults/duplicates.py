"""Line 11: every message ten times more, shuffled and up to six hours late."""

import asyncio
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from faults import oracle
from faults.findings import Findings
from faults.line import Line, Stage

from e2e.message import Message, telemetry
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store, rule
from harm.copies import COPIES, compare
from servers.waiting import wait_until

PERMUTATIONS = 1_000
WORKERS = 2
RULES = (rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80}),)
DEVICES, MINUTES = 20, 10


def _share(seeds: list[int]) -> tuple[int, int, Counter[str]]:
    """(points that differ, journals that differ, outcomes) over these seeds."""
    points = journals = 0
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        clean, noisy = compare(seed)
        points += clean.points != noisy.points
        journals += clean.journal != noisy.journal
        outcomes.update(noisy.outcomes)
    return points, journals, outcomes


async def permutations(stage: Stage, findings: Findings) -> None:
    """Through decoding, duplicates, time rules and the engine, with our clock in the test's hand."""
    seeds = list(range(stage.seed * 10_000, stage.seed * 10_000 + stage.scaled(PERMUTATIONS, 40)))
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(WORKERS) as pool:
        shares = await asyncio.gather(*(loop.run_in_executor(pool, _share, seeds[n::WORKERS]) for n in range(WORKERS)))
    outcomes = sum((share[2] for share in shares), Counter[str]())
    findings.note("permutations, each of 200 messages and 2,000 copies", len(seeds))
    findings.note("outcomes", dict(outcomes))
    findings.must("final points that differ from the clean run's (`lag_ms` aside)", sum(share[0] for share in shares), 0)
    findings.must("alarm histories that differ from the clean run's", sum(share[1] for share in shares), 0)


async def end_to_end(stage: Stage, findings: Findings) -> None:
    """Two servers: one hears the stream, the other the stream with its copies."""
    broker, influx = stage.broker(), stage.influx()
    servers, buckets = [], []
    for name in ("clean", "copies"):
        bucket = influx.new_bucket()
        buckets.append(bucket)
        servers.append(
            stage.server(
                broker={"url": broker.url, "client_id": name, "topic_root": f"ioc/{name}"},
                store=influx_store(influx, bucket),
                rules=RULES,
                devices=[(f"SPK-{n:04}", "speaker") for n in range(DEVICES)],
            )
        )
    await asyncio.gather(*(server.begin() for server in servers))
    base = int(time.time() * 1000) - 1_000
    clean = [_message("ioc/clean", n, base) for n in range(DEVICES * MINUTES)]
    dice = random.Random(stage.seed)
    copies = [_message("ioc/copies", n, base) for n in range(len(clean)) for _ in range(COPIES)]
    dice.shuffle(copies)
    async with Publisher(broker.port, client_id="publisher", window=5_000) as publisher:
        await publisher.send_all(clean)
        await publisher.send_all(_message("ioc/copies", n, base) for n in range(len(clean)))
        await wait_until(lambda: publisher.waiting == 0, what="the originals are there")
        await publisher.send_all(copies)
    ledgers = [await oracle.quiet(server) for server in servers]
    seen = [await asyncio.to_thread(_points, influx, bucket) for bucket in buckets]
    journals = [await _journal(server) for server in servers]
    findings.note("end to end: messages, copies", f"{len(clean)}, {len(copies)}")
    findings.must("end to end: points that differ", len(seen[0] ^ seen[1]), 0)
    findings.must("end to end: alarms that differ", len(journals[0] ^ journals[1]), 0)
    findings.note("end to end: alarms", len(journals[0]))
    findings.must("end to end: ledger duplicate", ledgers[1]["duplicate"], len(copies))


def _message(root: str, n: int, base: int) -> Message:
    device, turn = n % DEVICES, n // DEVICES
    return telemetry(n, f"SPK-{device:04}", base + turn * 50 + device, root=root, amp_temp_c=95.0 if (device + turn) % 4 == 0 else 40.0)


def _points(influx: object, bucket: str) -> set[tuple[object, ...]]:
    rows = influx.influxql(bucket, 'SELECT "uptime_s", "amp_temp_c" FROM "speaker" GROUP BY *')
    return {(row["device"], row["time"], row["uptime_s"], row["amp_temp_c"]) for row in rows}


async def _journal(server: ServerUnderTest) -> set[tuple[object, ...]]:
    alarms = await server.alarms()
    return {(alarm["rule"], alarm["device"], alarm["since"], alarm["cleared_at"]) for alarm in alarms}


LINES = (
    Line(
        11,
        "every message ten times more, shuffled, up to 6 h late",
        "final points and final alarm history those of the clean run",
        (permutations, end_to_end),
        within_s=900,
    ),
)
