"""Line 12: wrong clocks of devices, and our own clock set while everything goes on."""

from faults.findings import Findings
from faults.line import Line, Stage

from harm.clocks import host_step, skewed

MESSAGES = 2_000
STEPS_S = (2, -2, 120, -120, 3_600, -3_600, 86_400, -86_400)
FROM_S = 30
"""A step beyond this is an alarm about our own clock."""


async def devices(stage: Stage, findings: Findings) -> None:
    """One device for each kind of wrong clock."""
    for name, told in skewed(stage.scaled(MESSAGES, 200)).items():
        findings.note(f"{name}: points", told.points)
        findings.must(f"{name}: points later than their arrival", told.future, 0)
        findings.must(f"{name}: points without a mark (corrected, historical or partial)", told.unmarked, 0)
        findings.must(f"{name}: messages without a point", told.lost, 0)


async def host(_stage: Stage, findings: Findings) -> None:
    """Twenty devices with right clocks, three of them with an alarm that stands; ten minutes after each step."""
    for step in STEPS_S:
        _, added = await host_step(step * 1_000)
        devices = [one for one in added if one[1] is not None]
        findings.must(f"host clock set by {step:+} s: devices' alarms raised or cleared", len(devices), 0)
        ours = [(rule, what) for rule, device, what in added if device is None]
        findings.must(
            f"host clock set by {step:+} s: alarms about ourselves", ours, [("ioc_clock_off", "raised")] if abs(step) > FROM_S else []
        )


LINES = (
    Line(
        12,
        "device clocks ±24 h, 1970, 2106, leap second; host clock set by up to ±24 h",
        "no point later than its arrival; every point of a wrong clock marked; no device's alarm raised or cleared by the step",
        (devices, host),
    ),
)
