"""Line 20: a restart in each state, and at every moment of a quarter of an hour in which all of them occur."""

import random

from faults.findings import Findings
from faults.line import Line, Stage

from harm import restarts

CADENCE_S = 60
MANY = 10
"""Restarts in one quarter of an hour."""


async def run(stage: Stage, findings: Findings) -> None:
    """On a clock in our hand, with the server's own state database and store."""
    whole = await restarts.live_through(stage.folder / "whole")
    moments = {name: frozenset({at // restarts.STEP}) for name, at in restarts.NAMED.items()}
    if not stage.short:
        moments |= {f"second {5 * step}": frozenset({step}) for step in range(1, restarts.STEPS)}
    dice = random.Random(stage.seed)
    moments |= {f"{MANY} restarts, {turn}": frozenset(dice.sample(range(1, restarts.STEPS), MANY)) for turn in range(stage.scaled(20, 2))}
    found = {}
    for number, (name, steps) in enumerate(moments.items()):
        broken = await restarts.live_through(stage.folder / f"broken-{number}", restarts=steps)
        found[name] = restarts.difference(whole, broken)
    once = [one for name, one in found.items() if not name.startswith(f"{MANY} ")]
    findings.note("lives with one restart, with ten", f"{len(once)}, {len(found) - len(once)}")
    findings.must("entries or messages missed", {name: one.missed for name, one in found.items() if one.missed}, {})
    findings.must("entries or messages too many", {name: one.extra for name, one in found.items() if one.extra}, {})
    findings.at_most("one restart: a timer is off by at most (a cadence)", max(one.late_ms for one in once) / 1_000, CADENCE_S, "s")
    findings.must("one restart: entries or messages about absences missed", sum(one.absences_missed for one in once), 0)
    absent = max(one.absent_late_ms for one in once) / 1_000
    bound = (restarts.SILENCE_MS + restarts.STEP) / 1_000
    findings.at_most("one restart: an absence is found later by at most (its silence and a canary)", absent, bound, "s")


LINES = (
    Line(
        20,
        "restart in each state: pending, waiting for its group, firing, acknowledged, silenced, shelved, keep-firing, cleared",
        "missed 0; extra messages 0; timers off by ≤ one cadence (an absence's silence is counted anew)",
        (run,),
        within_s=900,
    ),
)
