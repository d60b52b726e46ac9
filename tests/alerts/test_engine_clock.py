"""Clocks that are off raise alarms on devices of every family."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.clock_rules import offset_text
from alerts.inputs import ClockStep
from alerts.lifecycle import Act
from ioc.domain.alarm import Severity, Step
from ioc.domain.registry import Device
from ruling.stage import HOT, MINUTE, NOON, SECOND, Stage, clock, offline, rule

OFF, WRONG = "device_clock_off", "device_clock_wrong"


def steps(stage: Stage, *seconds: float) -> list[list[str]]:
    """What each of these offsets brings, a minute apart."""
    return [stage.step(clock(NOON + n * MINUTE, one)) for n, one in enumerate(seconds)]


@pytest.mark.parametrize(
    ("seconds", "journal"),
    [
        ((30, -30), [[], []]),
        ((30.001, 20, 19.999), [[f"raised {OFF} 0"], [], [f"cleared {OFF} 120"]]),
        ((-30.001, -20, -19.999), [[f"raised {OFF} 0"], [], [f"cleared {OFF} 120"]]),
        ((45, 25, 45), [[f"raised {OFF} 0"], [], []]),
        ((120, 120.001), [[f"raised {OFF} 0"], [f"raised {WRONG} 60"]]),
        ((25_200, 90, 0), [[f"raised {WRONG} 0"], [], [f"cleared {WRONG} 120"]]),
        ((-3600, 3600, -130), [[f"raised {WRONG} 0"], [], []]),
        ((130, 60, 10), [[f"raised {WRONG} 0"], [f"cleared {WRONG} 60", f"raised {OFF} 60"], [f"cleared {OFF} 120"]]),
        ((45, 130, 60, 0), [[f"raised {OFF} 0"], [f"raised {WRONG} 60"], [f"cleared {WRONG} 120"], [f"cleared {OFF} 180"]]),
        ((45, 0, 45), [[f"raised {OFF} 0"], [f"cleared {OFF} 60"], [f"raised {OFF} 120"]]),
    ],
)
def test_raises_and_clears_at_its_limits(seconds: Sequence[float], journal: list[list[str]]) -> None:
    """Beyond 30 s and 120 s, until within 20 s and 90 s, either way; while the graver one stands, no lesser one is raised beside it."""
    assert steps(Stage(), *seconds) == journal


def test_says_how_far_and_which_way() -> None:
    """In seconds and words, in both languages; the journal has the exact number."""
    stage = Stage()
    stage.step(clock(NOON, -45.6))
    [alarm] = stage.engine.active()
    assert (alarm.device, alarm.family, alarm.unit, alarm.severity, alarm.since) == ("d1", "speaker", "u1", Severity.MINOR, NOON)
    assert alarm.summary == {"vi": "đồng hồ lệch (nhanh 45 giây)", "en": "clock off (45 s fast)"}
    assert (stage.journal[0].by, stage.journal[0].detail) == ("sample", "clock_offset_ms=-45600")
    assert offset_text(25_200_000) == {"vi": "chậm 25.200 giây", "en": "25,200 s slow"}


def test_holds_for_every_family_but_only_for_approved_devices() -> None:
    """Strangers, held devices and devices of another family raise nothing."""
    devices = [Device(device="held", family="speaker", approved=False), Device(device="line", family="factory_line")]
    stage = Stage(devices=devices)
    assert stage.step(clock(NOON, 50, "held"), clock(NOON, 50, "stranger"), clock(NOON, 50, "line", family="speaker")) == []
    assert stage.step(clock(NOON, 50, "line", family="factory_line")) == [f"raised {OFF} 0"]
    stage.devices["held"] = Device(device="held", family="speaker")
    assert stage.step(clock(NOON + MINUTE, 50, "held")) == [f"raised {OFF} 60"]


def test_stays_over_a_restart_until_a_new_offset_is_known() -> None:
    """What was known of the clock is gone; only the device's own word ends the alarm."""
    stage = Stage()
    stage.step(clock(NOON, 45))
    assert stage.restart() == []
    assert stage.step(clock(NOON, 45), offline(NOON + MINUTE)) == []
    assert stage.step(clock(NOON + 2 * MINUTE, 25)) == []
    assert stage.step(clock(NOON + 3 * MINUTE, 0)) == [f"cleared {OFF} 180"]
    stage.restart()
    assert stage.step(clock(NOON, 45), clock(NOON + 3 * MINUTE, 0)) == []


def test_ends_with_its_device_and_with_the_pack() -> None:
    """Withdrawn, not cleared; a device that comes back with a wrong clock raises a new one."""
    stage = Stage(rule(HOT))
    stage.step(clock(NOON, 45), clock(NOON, 45, "d2"))
    gone = stage.devices.pop("d1")
    assert [entry.device for entry in stage.commit(stage.engine.reconcile(NOON + SECOND)).transitions] == ["d1"]
    stage.devices["d1"] = gone
    assert stage.step(clock(NOON + MINUTE, 45)) == [f"raised {OFF} 60"]
    stage.devices.pop("d1")
    assert stage.restart() == [f"withdrawn {OFF} 0"]
    stage.clock_rules = ()
    assert stage.restart() == [f"withdrawn {OFF} 0"]
    assert stage.engine.active() == ()
    assert stage.states == {}


def test_waits_for_a_right_clock_after_a_person_cleared_it() -> None:
    """Neither it nor the lesser one comes back while the clock is as wrong as before."""
    stage = Stage()
    stage.step(clock(NOON, 3600))
    [alarm] = stage.engine.active()
    stage.commit(stage.engine.act(alarm, Act(step=Step.CLEARED, by="lan"), NOON + SECOND))
    assert steps(stage, 0, 3600, 100)[1:] == [[], []]
    assert stage.step(clock(NOON + 5 * MINUTE, 10), clock(NOON + 6 * MINUTE, 3600)) == [f"raised {WRONG} 360"]


def test_blames_no_device_for_our_own_step_after_a_restart() -> None:
    """The alarm about us stands; it ends when most devices agree with our clock."""
    stage = Stage(devices=[Device(device=f"d{n}", family="speaker") for n in range(5)])
    for n in range(5):
        stage.step(clock(NOON, 0, f"d{n}"))
    assert stage.step(ClockStep(NOON + MINUTE, 3_600_000)) == ["raised ioc_clock_off 60"]
    assert stage.restart() == []
    for n in range(5):
        assert stage.step(clock(NOON + 2 * MINUTE, 3600, f"d{n}")) == []
    assert stage.step(ClockStep(NOON + 3 * MINUTE, -3_600_000)) == ["cleared ioc_clock_off 180"]
    assert ("our_clock", "") not in stage.states


@given(st.lists(st.sampled_from([0, 19, 25, 31, 60, 89, 100, 121, -40, -200]), max_size=12), st.data())
def test_changes_nothing_when_offsets_are_handed_over_again(seconds: list[int], data: st.DataObject) -> None:
    """All that came so far, after each of them, with or without a restart in between."""
    offsets = [clock(NOON + n * MINUTE, one) for n, one in enumerate(seconds)]
    plain, again = Stage(), Stage()
    plain.step(*offsets)
    for n, one in enumerate(offsets):
        again.step(one)
        if data.draw(st.booleans()):
            again.restart()
        assert again.step(*offsets[: n + 1]) == []
    assert _told(again) == _told(plain)


def _told(stage: Stage) -> list[tuple[str, Step, int]]:
    return [(entry.alarm, entry.step, entry.at) for entry in stage.journal]
