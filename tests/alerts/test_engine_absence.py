"""A silent device is an alarm; what we can't tell is none."""

from ioc.domain.registry import Device
from ruling.stage import NOON, SECOND, Stage, deaf, offline, online, rule, sample, tick, unknown

GONE = {"kind": "absence"}


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def test_raises_when_offline_and_clears_when_heard() -> None:
    """The journal says that silence raised it and an arrival cleared it."""
    stage = Stage(rule(GONE))
    assert stage.step(offline(at(180))) == ["raised rule 180"]
    assert stage.step(offline(at(190)), unknown(at(200)), tick(at(300))) == []
    assert stage.step(online(at(400))) == ["cleared rule 400"]
    assert [(entry.by, entry.detail) for entry in stage.journal] == [("tick", "offline, silence"), ("arrival", "heard again")]


def test_leaves_alarms_alone_while_nobody_can_tell() -> None:
    """Unknown neither raises nor clears."""
    stage = Stage(rule(GONE))
    assert stage.step(unknown(at(0)), online(at(1)), unknown(at(2))) == []


def test_waits_in_listening_time() -> None:
    """`for` matures by ticks, and not while we are deaf or the device may be there."""
    stage = Stage(rule(GONE, **{"for": "5m"}))
    stage.step(offline(at(0)), tick(at(200)))
    assert stage.step(deaf(at(200)), tick(at(800)), tick(at(899))) == []
    assert stage.step(tick(at(900))) == ["raised rule 900"]
    again = Stage(rule(GONE, **{"for": "5m"}))
    assert again.step(offline(at(0)), tick(at(200)), online(at(250)), tick(at(900))) == []
    assert again.states == {}


def test_judges_absence_by_liveness_not_by_samples() -> None:
    """A historical or late sample is no sign of life."""
    stage = Stage(rule(GONE))
    stage.step(offline(at(180)))
    assert stage.step(sample(at(100), volume=1), sample(at(120), volume=1, live=False)) == []


def test_raises_once_for_each_absence() -> None:
    """Told again after a restart, it stays one alarm; a later absence is another."""
    stage = Stage(rule(GONE))
    stage.step(offline(at(180)))
    stage.restart()
    assert stage.step(offline(at(180)), offline(at(500))) == []
    assert stage.step(online(at(600)), offline(at(180)), online(at(600)), offline(at(900))) == ["cleared rule 600", "raised rule 900"]
    assert len(stage.alarms) == 2


def test_raises_for_a_device_that_is_approved_while_offline() -> None:
    """Approval finds it offline already."""
    stage = Stage(rule(GONE), devices=[Device(device="d1", family="speaker", approved=False)])
    assert stage.step(offline(at(180))) == []
    stage.devices["d1"] = Device(device="d1", family="speaker")
    stage.commit(stage.engine.device_changed("d1", at(300)))
    assert [alarm.since for alarm in stage.engine.active()] == [at(180)]
    assert stage.commit(stage.engine.device_changed("d1", at(301))).transitions == ()


def test_raises_anew_for_a_device_that_came_back_to_the_registry() -> None:
    """Never heard since the same import, it is a new alarm with an id of its own."""
    stage = Stage(rule(GONE))
    stage.step(offline(at(0)))
    device = stage.devices.pop("d1")
    stage.commit(stage.engine.device_changed("d1", at(100)))
    stage.devices["d1"] = device
    stage.commit(stage.engine.device_changed("d1", at(200)))
    assert [entry.step.value for entry in stage.journal] == ["raised", "withdrawn", "raised"]
    assert len(stage.alarms) == 2
