"""People act on alarms, and files and registry may take away what raised them."""

import msgspec
import pytest

from alerts.lifecycle import Act, StepRefusedError
from ioc.domain.alarm import Alarm, Step
from ioc.domain.registry import Device
from ruling.stage import HOT, HOUR, NOON, SECOND, Stage, rule, sample, tick

ACK = Act(step=Step.ACKNOWLEDGED, by="Lan", comment="đã gọi xã")


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def raised() -> tuple[Stage, Alarm]:
    """A stage with one active alarm."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0))
    return stage, stage.engine.active()[0]


def act(stage: Stage, alarm: Alarm, wish: Act, seconds: float = 10) -> Alarm | None:
    """The alarm after an act, None if nothing changed."""
    outcome = stage.commit(stage.engine.act(alarm, wish, at(seconds)))
    assert len(outcome.transitions) == len(outcome.alarms)
    return outcome.alarms[0] if outcome.alarms else None


def test_acknowledges_once() -> None:
    """Asking again changes nothing, whoever asks."""
    stage, alarm = raised()
    after = act(stage, alarm, ACK)
    assert after is not None
    assert (after.acknowledged, after.acknowledged_by, after.active) == (True, "Lan", True)
    assert act(stage, alarm, ACK) is None
    assert act(stage, alarm, Act(step=Step.ACKNOWLEDGED, by="Minh")) is None
    entry = stage.journal[-1]
    assert (entry.step, entry.by, entry.detail, entry.at) == (Step.ACKNOWLEDGED, "person:Lan", "đã gọi xã", at(10))


def test_acknowledges_what_has_cleared() -> None:
    """Cleared and not yet seen is still somebody's business; a stale copy does not bring it back."""
    stage, alarm = raised()
    stage.step(sample(at(60), amp_temp_c=20.0))
    after = act(stage, alarm, ACK, 70)
    assert after is not None
    assert (after.cleared_at, after.acknowledged) == (at(60), True)
    assert stage.engine.active() == ()


def test_acts_on_an_alarm_that_ended_before_the_restart() -> None:
    """It is known from the state database alone."""
    stage, _ = raised()
    stage.step(sample(at(60), amp_temp_c=20.0))
    [alarm] = stage.alarms.values()
    stage.restart()
    after = act(stage, alarm, ACK)
    assert after is not None
    assert after.acknowledged


def test_assigns_and_comments() -> None:
    """Assigning to the same person again, or the same words again, changes nothing."""
    stage, alarm = raised()
    give = Act(step=Step.ASSIGNED, by="Lan", to="Minh")
    say = Act(step=Step.COMMENTED, by="Minh", comment="đang tới")
    after = act(stage, alarm, give)
    assert after is not None
    assert after.assigned_to == "Minh"
    assert act(stage, alarm, give) is None
    assert act(stage, alarm, say) == after
    assert act(stage, alarm, say) is None
    assert [entry.detail for entry in stage.journal[1:]] == ["Minh", "đang tới"]


def test_returns_a_shelved_alarm_when_its_time_is_over() -> None:
    """By a tick, and the journal says so."""
    stage, alarm = raised()
    shelve = Act(step=Step.SHELVED, by="Lan", until=at(3600), comment="chờ vật tư")
    after = act(stage, alarm, shelve)
    assert after is not None
    assert after.shelved_until == at(3600)
    assert act(stage, alarm, shelve) is None
    assert stage.step(tick(at(3590)), now=at(3599)) == []
    assert stage.step(tick(at(3595)), now=at(3600)) == ["unshelved rule 3600"]
    assert stage.engine.active()[0].shelved_until is None


def test_keeps_a_shelf_over_a_restart() -> None:
    """Its time goes on."""
    stage, alarm = raised()
    act(stage, alarm, Act(step=Step.SHELVED, by="Lan", until=at(3600)))
    stage.restart()
    assert stage.step(tick(at(3595)), now=at(3600)) == ["unshelved rule 3600"]


def test_ends_a_shelf_when_the_alarm_clears() -> None:
    """What is over needs no shelf."""
    stage, alarm = raised()
    act(stage, alarm, Act(step=Step.SHELVED, by="Lan", until=at(3600)))
    stage.step(sample(at(60), amp_temp_c=20.0))
    assert stage.alarms[alarm.id].shelved_until is None
    assert stage.step(tick(at(4000)), now=at(4000)) == []


@pytest.mark.parametrize(
    "wish",
    [
        Act(step=Step.SHELVED, by="Lan", until=at(5)),
        Act(step=Step.SHELVED, by="Lan"),
        Act(step=Step.ASSIGNED, by="Lan"),
        Act(step=Step.COMMENTED, by="Lan"),
        Act(step=Step.RAISED, by="Lan"),
        Act(step=Step.WITHDRAWN, by="Lan"),
    ],
)
def test_refuses_what_makes_no_sense(wish: Act) -> None:
    """With a sentence; nothing is journalled."""
    stage, alarm = raised()
    with pytest.raises(StepRefusedError):
        stage.engine.act(alarm, wish, at(10))
    assert stage.engine.step([], at(10)).transitions == ()


def test_refuses_to_shelve_what_has_cleared() -> None:
    """There is nothing to take off the list."""
    stage, alarm = raised()
    stage.step(sample(at(60), amp_temp_c=20.0))
    with pytest.raises(StepRefusedError, match="cleared"):
        stage.engine.act(alarm, Act(step=Step.SHELVED, by="Lan", until=at(900)), at(70))


def test_waits_for_the_end_of_a_condition_that_a_person_cleared() -> None:
    """A person's clear holds until the condition was false once; also over a restart."""
    stage, alarm = raised()
    after = act(stage, alarm, Act(step=Step.CLEARED, by="Lan", comment="đã sửa"))
    assert after is not None
    assert after.cleared_at == at(10)
    assert act(stage, alarm, Act(step=Step.CLEARED, by="Lan")) is None
    assert stage.step(sample(at(60), amp_temp_c=90.0)) == []
    stage.restart()
    assert stage.step(sample(at(120), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(180), amp_temp_c=20.0), sample(at(240), amp_temp_c=90.0)) == ["raised rule 240"]


def test_withdraws_the_alarms_of_a_rule_that_left_the_files() -> None:
    """After a restart without the rule its alarms end, and the journal says why."""
    stage, alarm = raised()
    stage.step(sample(at(0), "d2", amp_temp_c=10.0))
    assert stage.restart(rule(HOT, id="other")) == ["withdrawn rule 0"]
    assert (stage.journal[-1].by, stage.journal[-1].detail) == ("withdrawal", "rule removed")
    assert stage.alarms[alarm.id].cleared_at is not None
    assert stage.states == {}


def test_withdraws_the_alarms_of_a_device_that_left_the_registry() -> None:
    """While running and after a restart."""
    for restarts in (False, True):
        stage, alarm = raised()
        del stage.devices["d1"]
        if restarts:
            stage.restart()
        else:
            stage.commit(stage.engine.reconcile(at(50)))
        assert stage.journal[-1].step is Step.WITHDRAWN
        assert stage.journal[-1].detail == "device removed"
        assert stage.step(sample(at(60), amp_temp_c=90.0)) == []
        assert not stage.alarms[alarm.id].active


def test_withdraws_when_a_device_became_one_of_another_family() -> None:
    """Its old alarms have nothing to clear them any more."""
    stage, alarm = raised()
    stage.devices["d1"] = Device(device="d1", family="network_site")
    assert stage.step(sample(at(60), amp_temp_c=20.0)) == []
    assert stage.step(sample(at(60), family="network_site", temp_c=20.0)) == ["withdrawn rule 60"]
    assert not stage.alarms[alarm.id].active


def test_withdraws_by_rule_or_device() -> None:
    """Pending conditions are forgotten too; withdrawing again changes nothing."""
    stage = Stage(rule(HOT), rule(HOT, id="later", **{"for": "60s"}))
    stage.step(sample(at(0), amp_temp_c=90.0), sample(at(0), "d2", amp_temp_c=90.0))
    first = stage.commit(stage.engine.withdraw(at(10), device="d1"))
    assert [(entry.rule, entry.device) for entry in first.transitions] == [("rule", "d1")]
    second = stage.commit(stage.engine.withdraw(at(20), rule="rule"))
    assert [(entry.rule, entry.device) for entry in second.transitions] == [("rule", "d2")]
    assert stage.engine.withdraw(at(30), rule="rule").transitions == ()
    assert set(stage.states) == {("later", "d2")}


def test_raises_anew_after_a_device_returned() -> None:
    """With a new id, by its next true sample."""
    stage, _ = raised()
    stage.commit(stage.engine.withdraw(at(10), device="d1"))
    assert stage.step(sample(at(60), amp_temp_c=90.0)) == ["raised rule 60"]
    assert len(stage.alarms) == 2


def test_finds_the_row_of_an_alarm_whose_memory_was_lost() -> None:
    """An active alarm can still clear."""
    stage, _ = raised()
    stage.states.clear()
    stage.restart()
    assert stage.step(sample(at(60), amp_temp_c=20.0)) == ["cleared rule 60"]


def test_clears_after_a_long_night_what_was_acknowledged() -> None:
    """Seen and over: nothing is left to do."""
    stage, alarm = raised()
    act(stage, alarm, ACK)
    stage.step(sample(at(0) + 10 * HOUR, amp_temp_c=20.0))
    assert msgspec.structs.asdict(stage.alarms[alarm.id])["acknowledged"]
