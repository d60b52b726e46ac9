"""Where the time goes in `ioc run` while it empties its queue: µs a message by stage, by function, by thread.

python bench/hotspots.py [--count 20000] [--rounds 6] [--devices 6105] [--rules 50] [--top 30]
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from content import Content
from contestants import Ours
from drain import drain
from stand import Stand, heading, say, stand

from servers.waiting import wait_until

ROOT = str(Path(__file__).resolve().parents[1])

STAGES: list[tuple[str, tuple[str, ...]]] = [
    ("acknowledge", ("collectors/acknowledgement.py", "collectors/session.py:Session.acknowledge", "collectors/intake.py:Intake.settle")),
    ("socket, paho", ("paho/mqtt/", "collectors/transport.py", "collectors/wire.py", "collectors/client.py", "collectors/connection.py",
                      "collectors/frames.py", "collectors/session.py", "collectors/intake.py", "collectors/canary.py",
                      "collectors/delivery.py")),
    ("book the ledger", ("collectors/accounting.py", "ioc/domain/ledger.py", "state/ledger_rows.py", "state/booking_rows.py")),
    ("encode, send to the store", ("collectors/writer.py", "adapters/influx", "adapters/line_protocol.py", "adapters/storable.py")),
    ("decode", ("collectors/ingest.py", "collectors/decode.py", "collectors/lenient.py", "collectors/timing.py", "collectors/duplicates.py",
                "collectors/redelivery.py", "collectors/points.py", "collectors/events.py", "collectors/unmapped.py",
                "Pipeline._take_in")),
    ("commit", ("adapters/state/",)),
    ("liveness and rules", ("alerts/", "Pipeline._inputs", "ioc/domain/liveness", "ioc/domain/fleet.py:Fleet.",
                            "ioc/domain/hearing.py", "ioc/domain/overlay.py")),
    ("announce (wall)", ("ioc/app/announcer.py", "ioc/api/stream.py", "ioc/domain/views.py", "ioc/app/province.py",
                         "ioc/domain/fleet.py:FleetViews")),
    ("other of ours", ("collectors/pipeline.py", "ioc/app/", "ioc/")),
]  # fmt: skip
"""A stack belongs to the stage of its innermost frame that any stage names."""


@dataclass(slots=True)
class Profile:
    """CPU seconds by what they were spent in."""

    samples: int = 0
    stages: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    own: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Functions themselves."""
    within: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Functions with all they call."""


def stage_of(frames: Sequence[str]) -> str:
    """The stage that a stack (outermost first) belongs to."""
    for frame in reversed(frames):
        if ROOT not in frame and "paho/mqtt/" not in frame:
            continue
        if f"{ROOT}/bench/" in frame or "/ioc/cli/" in frame or "ioc/app/run.py" in frame:
            continue
        for name, marks in STAGES:
            if any(mark in frame for mark in marks):
                return name
    return "asyncio, libraries"


def short(frame: str) -> str:
    """A frame as a person reads it."""
    return frame.replace(ROOT + "/", "").rpartition("site-packages/")[2].rpartition("/lib/python3")[2]


def summed(stacks: Sequence[tuple[str, int, list[str]]], threads: Mapping[str, float]) -> Profile:
    """What the samples say, in CPU seconds: a thread's samples share its time."""
    profile = Profile()
    samples: Counter[str] = Counter()
    for thread, count, _ in stacks:
        samples[thread] += count
    profile.samples = samples.total()
    for thread, count, frames in stacks:
        spent = threads.get(thread, 0.0) * count / samples[thread]
        stage = stage_of(frames)
        profile.stages[stage] += spent
        profile.own[f"{short(frames[-1])}  [{stage}]"] += spent
        for frame in set(frames):
            profile.within[short(frame)] += spent
    return profile


async def measure(servers: Stand, options: argparse.Namespace) -> None:
    """Prints the figures."""
    content = Content(count=options.count, devices=options.devices)
    file = servers.folder / "samples.json"
    ours = Ours(servers, "sampled", servers.influx.new_bucket(), rows=content.rows, rule_count=options.rules, profile=file)
    await ours.begin()
    try:
        await asyncio.sleep(2)
        os.kill(ours.pid, signal.SIGUSR1)
        found = await drain(servers, ours, [content] * options.rounds)
        os.kill(ours.pid, signal.SIGUSR2)
        await wait_until(file.exists, 30, "the samples are written")
        blind = await ours.alarms(rule="ioc_blind")
    finally:
        await ours.end()
    written = json.loads(file.read_text())
    profile = summed(written["stacks"], written["threads"])
    whole = sum(written["threads"].values())
    say("lost", found.lost, 0)
    say("times that we were blind, judging no rules", len(blind), 0)
    cost = f"{whole / found.messages * 1e6:.1f} µs at {found.per_s:.0f} messages/s"
    say("CPU a message, the sampler's own included", f"{cost}, {profile.samples} samples")
    tables = {
        "by stage": profile.stages,
        "by thread": written["threads"],
        "by function, itself": profile.own,
        "by function, with what it calls": profile.within,
    }
    for title, spent in tables.items():
        print(f"\n{title}")
        for name, seconds in sorted(spent.items(), key=lambda one: -one[1])[: options.top]:
            print(f"  {seconds / found.messages * 1e6:6.2f} µs {seconds / whole * 100:5.1f} %  {name}")


def main() -> int:
    """Exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--rules", type=int, default=50)
    parser.add_argument("--top", type=int, default=30)
    options = parser.parse_args()
    heading(f"Where the time goes, {options.rules} rules, {options.devices} devices")
    with stand({"max_inflight_messages": 20_000}) as servers:
        asyncio.run(measure(servers, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
