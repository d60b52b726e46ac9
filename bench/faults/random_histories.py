"""Line 24: the engine against a short reference over random histories."""

import asyncio
import time

from faults.findings import Findings
from faults.line import Line, Stage

from model.histories import compare

HISTORIES, EVENTS = 1_000_000, 12
AT_ONCE = 10_000


async def run(stage: Stage, findings: Findings) -> None:
    """One history for each seed, one after the other; what differs first is printed whole."""
    began, wanted = time.monotonic(), stage.scaled(HISTORIES, 20_000)
    first = stage.seed * HISTORIES
    told = differences = illegal = late = 0
    for start in range(first, first + wanted, AT_ONCE):
        sums = await asyncio.to_thread(compare, range(start, start + AT_ONCE), EVENTS)
        told, differences = told + sum(sums.steps.values()), differences + sums.differences
        illegal, late = illegal + sums.illegal, late + sums.late
        if sums.first:
            findings.note("a history that differs", sums.first)
    findings.note("histories, and what they told", f"{wanted}, {told}")
    findings.note("histories a second", round(wanted / (time.monotonic() - began)))
    findings.must("differences", differences, 0)
    findings.must("illegal transitions", illegal, 0)
    findings.must("alarms raised before their time, or with a time in the future", late, 0)


LINES = (
    Line(
        24,
        "one rule and one device against a reference of 120 lines: samples, repetitions, silence, blindness, restarts, acts",
        "differences 0; illegal transitions 0",
        (run,),
        within_s=7_200,
    ),
)
