"""The same queued content into the same InfluxDB: ours with rules, ours without, Telegraf. Speed and memory as ratios within one run.

python bench/throughput.py [--count 20000] [--rounds 6] [--devices 6105] [--rules 50] [--repeat 2]
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable

import feed
from content import Content
from contestants import Ours, Telegraf, telegraf_missing
from drain import Drained, drain
from process import MB
from stand import Stand, heading, stand

from e2e import points
from servers.waiting import wait_until

QUEUEING = {"max_inflight_messages": 20_000}
"""What every contestant gets from the broker: at Mosquitto's own 20 messages on their way all would wait for each other's answers."""
WARM_ROUNDS = 2
"""Before what is measured: every device has been met, and looked at for schema drift, as on any day but the first."""
_PROBE = (b"ioc/v1/network_site/PROBE/telemetry", b'{"temp_c": 20.5}')


async def heard_by(servers: Stand, contestant: Ours | Telegraf) -> None:
    """Returns once a message reaches the contestant's bucket: it is subscribed."""

    async def arrived() -> bool:
        await feed.send_all(servers.broker.port, [feed.packet(*_PROBE)])
        return bool(await asyncio.to_thread(points.count, servers.influx, contestant.bucket, "network_site", "temp_c"))

    await wait_until(arrived, 60, "a message reaches the store")


async def of_ours(servers: Stand, name: str, content: Content, rounds: int, *, rules: int) -> Drained:
    """A fresh `ioc run` with its registry imported."""
    ours = Ours(servers, name, servers.influx.new_bucket(), rows=content.rows, rule_count=rules)
    await ours.begin()
    try:
        await heard_by(servers, ours)
        await drain(servers, ours, [content] * WARM_ROUNDS)
        found = await drain(servers, ours, [content] * rounds)
        blind = await ours.alarms(rule="ioc_blind")
        if rules and blind:
            print(f"{name}: was blind {len(blind)} times and judged no rules then; take a smaller --count")
        return found
    finally:
        await ours.end()


async def of_telegraf(servers: Stand, name: str, content: Content, rounds: int) -> Drained:
    """A fresh Telegraf."""
    telegraf = Telegraf(servers, name, servers.influx.new_bucket())
    await asyncio.to_thread(telegraf.start)
    try:
        await heard_by(servers, telegraf)
        await drain(servers, telegraf, [content] * WARM_ROUNDS)
        return await drain(servers, telegraf, [content] * rounds)
    finally:
        await asyncio.to_thread(telegraf.stop)


async def compare(servers: Stand, options: argparse.Namespace) -> bool:
    """Prints the table; whether nothing of ours was lost."""
    content = Content(count=options.count, devices=options.devices)
    with_rules, without = f"ours, {options.rules} rules", "ours, no rules"
    found: dict[str, list[Drained]] = {with_rules: [], without: []}
    if telegraf_missing():
        print("Telegraf is not installed here (`make servers` builds it where Go is): left out, no ratio to it")
    else:
        found["Telegraf, no rules"] = []
    for turn in range(options.repeat):
        for name, results in found.items():
            began = time.monotonic()
            client = f"bench-{turn}-{len(results)}-{name[:4].lower()}-{list(found).index(name)}"
            if name.startswith("Telegraf"):
                results.append(await of_telegraf(servers, client, content, options.rounds))
            else:
                rules = options.rules if name == with_rules else 0
                results.append(await of_ours(servers, client, content, options.rounds, rules=rules))
            print(f"run {turn + 1}, {name}: {results[-1].cpu_us:.1f} µs a message ({time.monotonic() - began:.0f} s)")
    show(found, against="Telegraf, no rules" if "Telegraf, no rules" in found else without)
    return not any(one.lost for name, results in found.items() if name.startswith("ours") for one in results)


def show(found: dict[str, list[Drained]], *, against: str) -> None:
    """Medians and, for CPU, the best run; the ratio is of medians."""

    def middle(name: str, value: Callable[[Drained], float]) -> float:
        return statistics.median(value(one) for one in found[name])

    base = middle(against, lambda one: one.cpu_us)
    print(f"\n{'':22}{'CPU µs/message':>16}{'best':>8}{'messages/s':>12}{'values/s':>10}{'RSS MB':>8}{'peak MB':>9}{'lost':>7}   CPU ratio")
    for name, results in found.items():
        cpu = middle(name, lambda one: one.cpu_us)
        print(
            f"{name:<22}{cpu:>16.1f}{min(one.cpu_us for one in results):>8.1f}{middle(name, lambda one: one.per_s):>12.0f}"
            f"{middle(name, lambda one: one.values_per_s):>10.0f}{middle(name, lambda one: one.rss) / MB:>8.0f}"
            f"{middle(name, lambda one: one.peak) / MB:>9.0f}{sum(one.lost for one in results):>7}   {cpu / base:.2f} × {against}"
        )


def main() -> int:
    """Exit code 1 when ours lost something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="messages queued at a time; ours must not go blind over them")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--rules", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    heading(f"Queued session content, {options.rounds} × {options.count} messages, {options.devices} devices")
    with stand(QUEUEING) as servers:
        return 0 if asyncio.run(compare(servers, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
