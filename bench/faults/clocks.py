"""Line 12: wrong clocks of devices, and our own clock set while everything goes on."""

import logging
from collections import Counter

import structlog
from faults.findings import Findings
from faults.line import Line, Stage

from harm.clocks import host_step, skewed

MESSAGES = 2_000
STEPS_S = (2, -2, 120, -120, 3_600, -3_600, 86_400, -86_400)
CLOCK_RULES = {"device_clock_off", "device_clock_wrong"}


async def devices(stage: Stage, findings: Findings) -> None:
    """One device for each kind of wrong clock."""
    for name, told in skewed(stage.scaled(MESSAGES, 200)).items():
        findings.note(f"{name}: points", told.points)
        findings.must(f"{name}: points later than their arrival", told.future, 0)
        findings.must(f"{name}: points without a mark (corrected, historical or partial)", told.unmarked, 0)
        findings.must(f"{name}: messages without a point", told.lost, 0)


async def host(_stage: Stage, findings: Findings) -> None:
    """Twenty devices with right clocks, three of them with an alarm that stands; ten minutes after each step."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for step in STEPS_S:
        _, added = await host_step(step * 1_000)
        by_rule = Counter(rule for rule, _, _ in added)
        clocks = sum(by_rule.pop(rule, 0) for rule in CLOCK_RULES)
        findings.must(f"host clock set by {step:+} s: alarms raised or cleared", sum(by_rule.values()), 0)
        findings.must(f"host clock set by {step:+} s: clock alarms of devices whose clocks are right", clocks, 0)


LINES = (
    Line(
        12,
        "device clocks ±24 h, 1970, 2106, leap second; host clock set by up to ±24 h",
        "no point later than its arrival; every point of a wrong clock marked; no alarm raised or cleared by the step",
        (devices, host),
    ),
)
