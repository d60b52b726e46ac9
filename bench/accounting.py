"""20,000 QoS 1 messages, 1 % each with a wrong type, cut JSON, no `ts`, `1e400`: where each of them ended.

python bench/accounting.py [--count 20000] [--seed 7]
"""

import argparse
import asyncio
import sys
import time
from collections import Counter

from stand import Stand, heading, say, stand

from e2e import points, traffic
from e2e.publisher import Publisher
from e2e.server import ServerUnderTest, influx_store
from servers.waiting import wait_until


async def measure(servers: Stand, count: int, seed: int) -> bool:
    """Publishes, waits until nothing is in flight, and compares publisher, store, quarantine and ledger."""
    bucket = servers.influx.new_bucket()
    server = ServerUnderTest(
        servers.folder / "ioc", broker={"url": servers.broker.url}, store=influx_store(servers.influx, bucket), shipped_rules=True
    )
    await server.begin()
    try:
        base = int(time.time() * 1000) - count // 200 * 100 - 5_000
        began = time.monotonic()
        async with Publisher(servers.broker.port, client_id="publisher") as publisher:
            await publisher.send_all(traffic.accounting(count, seed=seed, base=base))
        published = time.monotonic()
        sent = Counter(message.kind for message in publisher.acknowledged)
        say("published, PUBACKed by the broker", dict(sent))

        async def booked() -> bool:
            ledger = await server.ledger()
            return bool(ledger["received"] >= len(publisher.acknowledged) and ledger["in_flight"] == 0)

        await wait_until(booked, 120, "everything booked")
        done = time.monotonic()
        ledger = await server.ledger()
        items = await server.everything("/api/v1/quarantine")
        kept = Counter()
        for item in items:
            kept[item["reason"], item["partial"]] += item["count"]
        carried = await asyncio.to_thread(points.numbers, servers.influx, bucket)
        expected = {message.n for message in publisher.acknowledged if message.kind != "cut"}
        fine = [
            say("points in the store", points.count(servers.influx, bucket), sent.total() - sent["cut"]),
            say("messages without their point", len(expected - carried.keys()), 0),
            say("messages with a second point", sum(1 for times in carried.values() if times > 1), 0),
            say("points of messages that were cut", len(carried.keys() - expected), 0),
            say("ledger: received", ledger["received"], sent.total()),
            say("ledger: stored", ledger["stored"], sent.total() - sent["cut"]),
            say("ledger: of which partial", ledger["partial"], sent["wrong_type"] + sent["overflow"]),
            say("ledger: quarantined", ledger["quarantined"], sent["cut"]),
            say("ledger: duplicate, retained, returned", ledger["duplicate"] + ledger["retained"] + ledger["returned"], 0),
            say("ledger: spooled, in flight", ledger["spooled"] + ledger["in_flight"], 0),
            say("ledger: clock corrected", ledger["clock_corrected"], 0),
            say("quarantine: whole messages", sum(n for (_, partial), n in kept.items() if not partial), sent["cut"]),
            say(
                "quarantine: copies of partial messages",
                sum(n for (_, partial), n in kept.items() if partial),
                sent["wrong_type"] + sent["overflow"],
            ),
        ]
        for (reason, partial), number in sorted(kept.items()):
            say(f"quarantine by reason: {reason}{' (partial)' if partial else ''}", number)
        say("publishing", f"{sent.total() / (published - began):.0f} messages/s")
        say("from the first PUBLISH to the last booking", f"{done - began:.1f} s, {sent.total() / (done - began):.0f} messages/s")
        return all(fine)
    finally:
        await server.end()


def main() -> int:
    """Exit code 1 when a figure is not as expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    heading("Accounting")
    with stand() as servers:
        return 0 if asyncio.run(measure(servers, options.count, options.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
