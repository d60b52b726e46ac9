"""A latched alarm stays on the list after its condition ended, until a person resets it."""

import pytest

from alerts.lifecycle import Act, StepRefusedError
from ioc.domain.alarm import Alarm, Step
from ruling.stage import HOT, NOON, SECOND, Stage, rule, sample

RESET = Act(step=Step.RESET, by="Lan", comment="đã kiểm tra tại chỗ")


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def hot(stage: Stage, seconds: float) -> list[str]:
    """The device is too hot."""
    return stage.step(sample(at(seconds), amp_temp_c=90.0))


def cool(stage: Stage, seconds: float) -> list[str]:
    """And is not."""
    return stage.step(sample(at(seconds), amp_temp_c=20.0))


def latched() -> tuple[Stage, Alarm]:
    """A stage with an alarm whose condition is over."""
    stage = Stage(rule(HOT, latched=True))
    hot(stage, 0)
    assert cool(stage, 60) == ["latched rule 60"]
    return stage, stage.engine.active()[0]


def act(stage: Stage, alarm: Alarm, wish: Act, seconds: float) -> list[str]:
    """The steps of a person's act."""
    return [entry.step.value for entry in stage.commit(stage.engine.act(alarm, wish, at(seconds))).transitions]


@pytest.mark.parametrize("restarts", [False, True])
def test_stays_until_it_is_reset(restarts: bool) -> None:  # noqa: FBT001  a parameter
    """Active, over a restart too; who resets it has seen it, and the journal says who and why."""
    stage, alarm = latched()
    if restarts:
        assert stage.restart() == []
    assert (alarm.active, alarm.normal_since) == (True, at(60))
    assert cool(stage, 120) == []
    assert act(stage, alarm, RESET, 180) == ["reset"]
    entry, after = stage.journal[-1], stage.alarms[alarm.id]
    assert (entry.by, entry.detail, entry.at) == ("person:Lan", "đã kiểm tra tại chỗ", at(180))
    assert (after.cleared_at, after.acknowledged_by) == (at(180), "Lan")
    assert act(stage, alarm, RESET, 190) == []
    assert stage.engine.active() == ()


@pytest.mark.parametrize("restarts", [False, True])
def test_is_the_same_alarm_when_its_condition_returns(restarts: bool) -> None:  # noqa: FBT001  a parameter
    """Nobody has acknowledged that; no second alarm stands beside it. A new event after the reset is a new alarm."""
    stage, alarm = latched()
    act(stage, alarm, Act(step=Step.ACKNOWLEDGED, by="Lan"), 70)
    if restarts:
        stage.restart()
    assert hot(stage, 120) == ["realarmed rule 120"]
    [again] = stage.engine.active()
    assert (again.id, again.acknowledged, again.normal_since) == (alarm.id, False, None)
    if restarts:
        assert stage.restart() == []
    assert cool(stage, 180) == ["latched rule 180"]
    act(stage, alarm, RESET, 200)
    assert hot(stage, 240) == ["raised rule 240"]
    assert stage.engine.active()[0].id != alarm.id


def test_is_not_reset_while_its_condition_holds() -> None:
    """The sentence says why."""
    stage = Stage(rule(HOT, latched=True))
    hot(stage, 0)
    [alarm] = stage.engine.active()
    with pytest.raises(StepRefusedError, match="once that is over"):
        stage.engine.act(alarm, RESET, at(10))


def test_stays_latched_though_its_row_was_lost() -> None:
    """A restart finds the alarm by itself; the condition may return, and the rule may go."""
    stage, alarm = latched()
    stage.states.clear()
    assert stage.restart() == []
    assert hot(stage, 120) == ["realarmed rule 120"]
    assert cool(stage, 180) == ["latched rule 180"]
    stage.states.clear()
    assert [step.split()[0] for step in stage.restart(rule(HOT, id="other"))] == ["withdrawn"]
    assert not stage.alarms[alarm.id].active


def test_goes_with_its_rule_a_day_later() -> None:
    """What is quiet for a day is forgotten, but for what is latched."""
    stage, _ = latched()
    for day in (1, 2, 3):
        assert cool(stage, day * 86_400) == []
    outcome = stage.commit(stage.engine.replace_rules([rule(HOT, latched=True, severity="minor")], at(4 * 86_400)))
    assert [entry.step for entry in outcome.transitions] == [Step.WITHDRAWN]


def test_counts_what_a_batch_that_is_handed_over_again_says_once() -> None:
    """A redelivery changes nothing."""
    stage, _ = latched()
    stage.restart()
    assert hot(stage, 0) == []
    assert cool(stage, 60) == []
    assert hot(stage, 90) == ["realarmed rule 90"]
    stage.restart()
    assert hot(stage, 90) == []
