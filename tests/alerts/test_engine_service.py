"""Devices and units out of service: their alarms are known and journalled, and what is counted is what is in service."""

import msgspec
import pytest

from alerts.engine import Outcome
from alerts.rule import Rule
from ioc.domain.alarm import Step
from ioc.domain.registry import Device
from ioc.domain.sample import Sample
from ioc.domain.service import ServiceOrder
from ruling.stage import HOT, NOON, SECOND, Stage, offline, rule, sample

ABSENCE = {"kind": "absence"}


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def order(name: str = "o1", **changes: object) -> ServiceOrder:
    """Device d1 is being repaired."""
    return ServiceOrder(**{"id": name, "device": "d1", "since": NOON, "reason": "thay loa", "by": "Lan", **changes})  # type: ignore[arg-type]


def steps(outcome: Outcome) -> list[str]:
    """The journal's entries in short: step, device, by whom, why."""
    return [f"{entry.step.value} {entry.device} {entry.by} {entry.detail}".strip() for entry in outcome.transitions]


def test_journals_what_stands_and_what_is_raised_meanwhile() -> None:
    """With who and why; when it is given back, what still stands is in service again."""
    stage = Stage(rule(HOT), rule(ABSENCE, id="away"))
    stage.step(sample(at(0), amp_temp_c=90.0), sample(at(0), "d2", amp_temp_c=90.0))
    assert steps(stage.commit(stage.engine.take_out(order(), at(10)))) == ["out_of_service d1 person:Lan thay loa"]
    assert stage.step(offline(at(60))) == ["raised away 60", "out_of_service away 60"]
    assert {alarm.out_of_service for alarm in stage.engine.alarms_of("d1")} == {"o1"}
    assert stage.engine.alarms_of("d2")[0].out_of_service is None
    back = steps(stage.commit(stage.engine.give_back("o1", at(90), by="Minh", reason="xong")))
    assert back == ["in_service d1 person:Minh xong"] * 2
    assert steps(stage.engine.give_back("o1", at(95), by="Minh")) == []
    assert all(alarm.suppression is None for alarm in stage.engine.active())


def test_keeps_of_an_alarm_that_is_over_what_it_was() -> None:
    """It was out of service when it ended."""
    stage = Stage(rule(HOT))
    stage.commit(stage.engine.take_out(order(), at(0)))
    assert stage.step(sample(at(1), amp_temp_c=90.0), sample(at(2), amp_temp_c=20.0)) == [
        "raised rule 1",
        "out_of_service rule 2",
        "cleared rule 2",
    ]
    [alarm] = stage.alarms.values()
    assert (alarm.active, alarm.out_of_service) == (False, "o1")
    assert steps(stage.engine.give_back("o1", at(90), by="Minh")) == []


def test_takes_all_devices_of_a_unit_out() -> None:
    """Also those that are raised later; a device's own order counts before its unit's."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0))
    unit = order("o2", device=None, unit="u1", by="Minh", reason="mất điện")
    assert steps(stage.commit(stage.engine.take_out(unit, at(10)))) == ["out_of_service d1 person:Minh mất điện"]
    assert stage.step(sample(at(11), "d2", amp_temp_c=90.0)) == ["raised rule 11", "out_of_service rule 11"]
    assert steps(stage.commit(stage.engine.take_out(order(), at(20)))) == ["out_of_service d1 person:Lan thay loa"]
    assert steps(stage.commit(stage.engine.give_back("o1", at(30), by="Lan"))) == ["out_of_service d1 person:Minh mất điện"]
    assert stage.engine.order_of(Device(device="d9", family="speaker", unit="u2")) is None
    assert len(steps(stage.commit(stage.engine.give_back("o2", at(40), by="Minh")))) == 2


def province(*rules: Rule) -> Stage:
    """d1 in a village of the commune u1 of the province p, d2 in the commune itself, d3 in another province."""
    units = {"d1": "village", "d2": "u1", "d3": "u9"}
    stage = Stage(*rules, devices=[Device(device=name, family="speaker", unit=unit) for name, unit in units.items()])
    stage.parents.update({"village": "u1", "u1": "p", "u9": "q"})
    return stage


def hot(moment: float) -> list[Sample]:
    """All three are too hot."""
    return [sample(at(moment), name, amp_temp_c=90.0) for name in ("d1", "d2", "d3")]


def test_takes_the_units_below_out_too() -> None:
    """However far below, and also after a restart; the journal names the unit above by whose order it is."""
    stage = province(rule(HOT))
    stage.step(*hot(0)[:1])
    order_of_p = order("op", device=None, unit="p", by="Minh", reason="mất điện")
    assert steps(stage.commit(stage.engine.take_out(order_of_p, at(10)))) == ["out_of_service d1 person:Minh mất điện (p)"]
    assert [step.split()[0] for step in stage.step(*hot(11)[1:])] == ["raised", "out_of_service", "raised"]
    assert [one.out_of_service for one in stage.engine.active()] == ["op", "op", None]
    stage.orders = [order_of_p]
    assert stage.restart() == []
    assert [stage.engine.order_of(device) == order_of_p for device in stage.devices.values()] == [True, True, False]
    assert steps(stage.commit(stage.engine.give_back("op", at(20), by="Minh"))) == [
        "in_service d1 person:Minh",
        "in_service d2 person:Minh",
    ]


def test_order_of_the_nearest_unit_counts() -> None:
    """A device's own before its unit's, that before one above; what is given back leaves the one above in force."""
    stage = province(rule(HOT))
    stage.step(*hot(0)[:1])
    for name, place in (("op", {"unit": "p"}), ("ou", {"unit": "u1"}), ("od", {"device": "d1"})):
        stage.commit(stage.engine.take_out(order(name, **{"device": None, **place}), at(10)))
        assert [one.out_of_service for one in stage.engine.active()] == [name]
    for name, left in (("ou", "od"), ("od", "op"), ("op", None)):
        stage.commit(stage.engine.give_back(name, at(20), by="Lan"))
        assert [one.out_of_service for one in stage.engine.active()] == [left]


def test_units_that_come_to_lie_elsewhere_are_judged_anew() -> None:
    """When the registry has changed; units that are each other's parents end the search."""
    stage = province(rule(HOT))
    stage.step(*hot(0))
    stage.commit(stage.engine.take_out(order("op", device=None, unit="p"), at(10)))
    stage.parents.update({"u1": "q", "u9": "p"})
    moved = steps(stage.commit(stage.engine.reconcile(at(20))))
    assert moved[0] == "in_service d1 system no order covers it any more"
    assert [step.split()[:2] for step in moved] == [["in_service", "d1"], ["in_service", "d2"], ["out_of_service", "d3"]]
    stage.parents.update({"q": "u1"})
    assert stage.engine.order_of(stage.devices["d1"]) is None


def test_groups_count_no_device_below_a_unit_that_is_out_of_service() -> None:
    """Two of three are hot; with the province goes the third device and one of the two, and one of one is left."""
    group = rule({"kind": "group", "by": "feeder", "at_least": "80%", "min_members": "1", "of": HOT}, id="most")
    stage = province(group)
    for name, device in list(stage.devices.items()):
        stage.devices[name] = msgspec.structs.replace(device, labels={"feeder": "f1"})
    stage.step(sample(at(0), "d1", amp_temp_c=20.0), *hot(0)[1:])
    assert stage.engine.active() == ()
    raised = stage.commit(stage.engine.take_out(order("op", device=None, unit="p"), at(10))).transitions
    assert [(entry.rule, entry.step) for entry in raised] == [("most", Step.RAISED)]
    over = stage.commit(stage.engine.give_back("op", at(20), by="Lan")).transitions
    assert [(entry.rule, entry.step) for entry in over] == [("most", Step.CLEARED)]


@pytest.mark.parametrize("restarts", [False, True])
def test_gives_back_by_itself_when_the_time_is_over(restarts: bool) -> None:  # noqa: FBT001  a parameter
    """Even if nothing ran at that time; once."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0))
    ending = order(until=at(600))
    stage.commit(stage.engine.take_out(ending, at(10)))
    assert stage.step(now=at(599)) == []
    if restarts:
        stage.orders = [ending]
        stage.clock = at(600)
        assert stage.restart() == ["in_service rule 600"]
    else:
        assert stage.step(now=at(600)) == ["in_service rule 600"]
    assert stage.step(now=at(601)) == []
    assert stage.step(sample(at(602), "d2", amp_temp_c=90.0)) == ["raised rule 602"]


def test_knows_its_orders_after_a_restart() -> None:
    """No entry for what is so already; what comes is out of service; an order after which a crash came is made up for."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0))
    stage.orders = [order(device=None, unit="u1")]
    assert [step.split()[0] for step in stage.restart()] == ["out_of_service"]
    assert stage.restart() == []
    assert stage.step(sample(at(20), "d2", amp_temp_c=90.0)) == ["raised rule 20", "out_of_service rule 20"]
    stage.orders = []
    assert [step.split()[0] for step in stage.restart()] == ["in_service", "in_service"]


def test_counts_in_groups_what_is_in_service() -> None:
    """Two of three devices are half a commune; the third out of service, and one of the two, leaves one of one."""
    group = rule({"kind": "group", "at_least": "60%", "min_members": "2", "of": HOT}, id="half")
    devices = [Device(device=f"d{number}", family="speaker", unit="u1") for number in range(4)]
    stage = Stage(group, devices=devices)
    stage.step(*[sample(at(0), device.device, amp_temp_c=20.0 if number > 1 else 90.0) for number, device in enumerate(devices)])
    assert stage.engine.active() == ()
    raised = stage.commit(stage.engine.take_out(order(device="d3"), at(10))).transitions
    assert [(entry.rule, entry.step) for entry in raised] == [("half", Step.RAISED)]
    over = stage.commit(stage.engine.give_back("o1", at(20), by="Lan")).transitions
    assert [(entry.rule, entry.step) for entry in over] == [("half", Step.CLEARED)]


def test_marks_a_units_own_alarm() -> None:
    """A rule about a group is about its unit."""
    stage = Stage(rule({"kind": "group", "at_least": "50%", "min_members": "1", "of": HOT}, id="half"))
    stage.step(sample(at(0), amp_temp_c=90.0), sample(at(0), "d2", amp_temp_c=90.0))
    out = stage.commit(stage.engine.take_out(order(device=None, unit="u1"), at(10))).transitions
    assert next(entry.step for entry in out) is Step.OUT_OF_SERVICE
