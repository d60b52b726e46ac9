"""Suppressed by design: an alarm that another one, or the device's own values, explain."""

from typing import Any

import pytest

from ioc.domain.alarm import Step
from ioc.domain.registry import Device
from ruling.stage import HOT, NOON, SECOND, Stage, offline, online, rule, sample

MAINS = {"kind": "state", "metric": "mains", "is": "false"}
ABSENCE = {"kind": "absence"}
SPEAKERS = [Device(device=name, family="speaker", unit=unit) for name, unit in (("d1", "u1"), ("d2", "u1"), ("d3", "u2"))]
SITES = [Device(device="s1", family="network_site", unit="u1")]


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def hot(stage: Stage, seconds: float, device: str = "d1", temperature: float = 90.0) -> list[str]:
    """A device's temperature."""
    return stage.step(sample(at(seconds), device, amp_temp_c=temperature))


def guarded(**guard: Any) -> Stage:
    """Hot devices, unless `guard`; an open door is the other rule."""
    door = rule({"kind": "state", "metric": "door_open", "is": "true"}, id="door")
    return Stage(rule(HOT, suppressed_while=guard), door, devices=SPEAKERS)


def door(stage: Stage, seconds: float, device: str = "d1", *, opened: bool) -> list[str]:
    """A device's door."""
    return stage.step(sample(at(seconds), device, door_open=int(opened)))


def by(stage: Stage, device: str = "d1") -> dict[str, str | None]:
    """What suppresses a device's alarms, by rule."""
    return {alarm.rule: alarm.suppressed_by for alarm in stage.engine.alarms_of(device)}


def test_suppresses_while_another_rules_alarm_holds_on_the_device() -> None:
    """Which came first makes no difference; the journal says by what, from when and until when."""
    stage = guarded(rule="door")
    assert door(stage, 0, opened=True) == ["raised door 0"]
    assert hot(stage, 10) == ["raised rule 10", "suppressed rule 10"]
    [cause] = [alarm for alarm in stage.engine.alarms_of("d1") if alarm.rule == "door"]
    assert by(stage) == {"door": None, "rule": cause.id}
    assert (stage.journal[-1].by, stage.journal[-1].detail) == ("system", f"rule door holds: {cause.id}")
    assert door(stage, 20, opened=False) == ["cleared door 20", "unsuppressed rule 20"]
    assert door(stage, 30, opened=True) == ["raised door 30", "suppressed rule 30"]
    assert hot(stage, 40, temperature=20.0) == ["cleared rule 40"]
    assert door(stage, 50, opened=False) == ["cleared door 50"]


def test_looks_at_the_same_device_only_or_at_the_same_unit() -> None:
    """A device in another unit is none of it; while one of two explains it, it stays as it is."""
    stage = guarded(rule="door")
    door(stage, 0, "d2", opened=True)
    assert hot(stage, 10) == ["raised rule 10"]
    stage = guarded(rule="door", on="unit")
    for device in ("d1", "d2"):
        door(stage, 0, device, opened=True)
    assert hot(stage, 10) == ["raised rule 10", "suppressed rule 10"]
    assert hot(stage, 10, "d3") == ["raised rule 10"]
    assert sorted(step.split()[0] for step in door(stage, 20, "d1", opened=False)) == ["cleared", "suppressed"]
    assert sorted(step.split()[0] for step in door(stage, 30, "d2", opened=False)) == ["cleared", "unsuppressed"]


def test_looks_across_families_in_a_unit() -> None:
    """The site lost its mains: the loudspeakers of its commune are silent for that reason."""
    mains = rule({"kind": "state", "metric": "mains_ok", "is": "false"}, id="mains", family="network_site")
    away = rule(ABSENCE, id="away", suppressed_while={"rule": "mains", "on": "unit"})
    stage = Stage(mains, away, devices=[*SPEAKERS, *SITES])
    stage.step(sample(at(0), "s1", family="network_site", mains_ok=0))
    assert stage.step(offline(at(60))) == ["raised away 60", "suppressed away 60"]
    assert stage.step(offline(at(60), "d3")) == ["raised away 60"]
    assert stage.step(sample(at(90), "s1", family="network_site", mains_ok=1)) == ["cleared mains 90", "unsuppressed away 90"]


def test_suppresses_by_the_devices_own_values() -> None:
    """Also by what it said last before it fell silent; what it does not say changes nothing."""
    when = {"kind": "state", "metric": "door_open", "is": "true"}
    stage = Stage(rule(HOT, suppressed_while=when), rule(ABSENCE, id="away", suppressed_while=when), devices=SPEAKERS)
    assert hot(stage, 0) == ["raised rule 0"]
    assert door(stage, 10, opened=True) == ["suppressed rule 10"]
    assert by(stage) == {"rule": "door_open=1"}
    assert hot(stage, 20, temperature=95.0) == []
    assert stage.step(offline(at(80))) == ["raised away 80", "suppressed away 80"]
    assert stage.step(online(at(90)), sample(at(90), door_open=0, amp_temp_c=90.0)) == ["cleared away 90", "unsuppressed rule 90"]


@pytest.mark.parametrize("guard", [{"rule": "door"}, {"kind": "state", "metric": "door_open", "is": "true"}])
def test_changes_nothing_by_a_restart(guard: dict[str, Any]) -> None:
    """Before, while and after it is suppressed; then it goes on as without one."""
    stage = guarded(**guard)
    hot(stage, 0)
    assert stage.restart() == []
    door(stage, 10, opened=True)
    before = by(stage)
    assert before["rule"] is not None
    assert stage.restart() == []
    assert by(stage) == before
    assert "unsuppressed rule 20" in door(stage, 20, opened=False)
    assert stage.restart() == []


def test_goes_by_the_rules_of_today() -> None:
    """Rules that come or go while we run, or while we don't, are made up for; the alarm itself stands."""
    stage = guarded(rule="door")
    free, other = rule(HOT), stage.rules[1]
    door(stage, 0, opened=True)
    hot(stage, 10)
    assert [entry.step for entry in stage.commit(stage.engine.replace_rules([free, other], at(20))).transitions] == [Step.UNSUPPRESSED]
    again = stage.commit(stage.engine.replace_rules(stage.rules, at(30))).transitions
    assert [entry.step for entry in again] == [Step.SUPPRESSED]
    assert [step.split()[0] for step in stage.restart(free, other)] == ["unsuppressed"]
    gone = stage.commit(stage.engine.replace_rules([rule(HOT, suppressed_while={"rule": "door"})], at(40))).transitions
    assert [entry.step for entry in gone] == [Step.WITHDRAWN]


def test_does_not_suppress_by_what_is_only_latched() -> None:
    """Its condition is over; when that comes back, it explains again."""
    door_rule = rule({"kind": "state", "metric": "door_open", "is": "true"}, id="door", latched=True)
    stage = Stage(rule(HOT, suppressed_while={"rule": "door"}), door_rule, devices=SPEAKERS)
    door(stage, 0, opened=True)
    hot(stage, 10)
    assert door(stage, 20, opened=False) == ["latched door 20", "unsuppressed rule 20"]
    assert door(stage, 30, opened=True) == ["realarmed door 30", "suppressed rule 30"]
