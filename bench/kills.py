"""`kill -9` of `ioc run` at random moments under load, against a server that hears the same and is left alone.

python bench/kills.py [--kills 20] [--seconds 160] [--rate 1000] [--seed 7]
"""

import argparse
import asyncio
import sys
from collections import Counter

from stand import heading, say, stand

from e2e.killing import Entry, KillRun, Seen, kill_run


def report(run: KillRun) -> bool:
    """The figures; whether all are as expected."""
    killed, clean = run.killed, run.clean
    say("PUBACKed to the publisher", dict(run.acknowledged))
    say("kills at (s)", " ".join(f"{at:.1f}" for at in run.kills))
    say("ready again after (s)", " ".join(f"{took:.1f}" for took in run.back_after))
    fine = []
    for name, seen in (("killed", killed), ("left alone", clean)):
        fine += [
            say(f"{name}: telemetry points", seen.telemetry.total(), len(run.telemetry)),
            say(f"{name}: event points", seen.events.total(), len(run.events)),
            say(f"{name}: messages without a point", len(run.telemetry - seen.telemetry.keys()) + len(run.events - seen.events.keys()), 0),
            say(f"{name}: messages with a second point", _doubled(seen.telemetry) + _doubled(seen.events), 0),
            say(f"{name}: ledger stored", seen.ledger["stored"], run.acknowledged.total()),
            say(f"{name}: ledger in flight or spooled", seen.ledger["in_flight"] + seen.ledger["spooled"], 0),
            say(f"{name}: journal entries and alarm points that differ", seen.unwritten, 0),
            say(f"{name}: outbox messages not delivered", seen.unsent, 0),
            say(f"{name}: outbox messages the receiver lacks", len(seen.keys - {call.key for call in seen.calls}), 0),
            say(f"{name}: calls with a wrong signature", sum(not call.signed for call in seen.calls), 0),
        ]
        say(f"{name}: ledger", {term: number for term, number in seen.ledger.items() if isinstance(number, int) and number})
        say(f"{name}: outbox messages by event", dict(sorted(seen.messages.items())))
        say(f"{name}: calls with a key seen before", len(seen.calls) - len({call.key for call in seen.calls}))
    fine += [
        say("journal entries: missing after kills", difference(clean.journal, killed.journal), 0),
        say("journal entries: only after kills", difference(killed.journal, clean.journal), 0),
        say("outbox: missing after kills", difference(clean.outbox, killed.outbox), 0),
        say("outbox: only after kills", difference(killed.outbox, clean.outbox), 0),
    ]
    say("journal entries, times aside: differing", _differing_steps(killed.journal, clean.journal))
    say("journal entries, left alone", clean.journal.total())
    say("outbox entries, left alone", clean.outbox.total())
    _examples(killed, clean)
    return all(fine)


def difference(one: Counter[Entry], other: Counter[Entry]) -> int:
    """How many entries of `one` the other lacks."""
    return (one - other).total()


def _differing_steps(one: Counter[Entry], other: Counter[Entry]) -> int:
    steps = [Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()]
    for seen, counts in zip((one, other), steps, strict=True):
        for (name, device, step, _), times in seen.items():
            counts[name, device, step] += times
    return (steps[0] - steps[1]).total() + (steps[1] - steps[0]).total()


def _doubled(numbers: Counter[int]) -> int:
    return sum(1 for times in numbers.values() if times > 1)


def _examples(killed: Seen, clean: Seen) -> None:
    for name, one, other in (
        ("journal, missing", clean.journal, killed.journal),
        ("journal, too much", killed.journal, clean.journal),
        ("outbox, missing", clean.outbox, killed.outbox),
        ("outbox, too much", killed.outbox, clean.outbox),
    ):
        for entry in sorted((one - other).keys(), key=str)[:8]:
            print(f"  {name}: {entry}")


def main() -> int:
    """Exit code 1 when a figure is not as expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=160.0)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--mixed", action="store_true", help="messages without ts come from devices that otherwise send one")
    options = parser.parse_args()
    heading("kill -9 under load")
    with stand() as servers:
        run = asyncio.run(
            kill_run(
                servers.folder,
                servers.broker,
                servers.influx,
                seconds=options.seconds,
                kills=options.kills,
                rate=options.rate,
                seed=options.seed,
                mixed=options.mixed,
            )
        )
    return 0 if report(run) else 1


if __name__ == "__main__":
    sys.exit(main())
