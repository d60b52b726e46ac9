"""Alarms about ourselves have no device, and one at a time."""

import pytest

from alerts.inputs import ClockStep
from alerts.lifecycle import Act
from alerts.own import OWN_RULES
from ioc.domain.alarm import Severity, Step
from ruling.stage import HOUR, NOON, SECOND, Stage, own


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


@pytest.mark.parametrize("name", [*OWN_RULES, "ioc_something_new"])
def test_raises_and_clears_with_texts_in_both_languages(name: str) -> None:
    """Every condition of ours, even one without texts of its own, says what to do."""
    stage = Stage()
    assert stage.step(own(at(0), at(8), name)) == [f"raised {name} 0"]
    [alarm] = stage.engine.active()
    assert (alarm.device, alarm.unit, alarm.family) == (None, None, None)
    for text in (alarm.summary, alarm.cause, alarm.consequence, alarm.action):
        assert text["vi"]
        assert text["en"]
        assert "{" not in text["vi"] + text["en"]
    assert stage.step(own(None, at(60), name)) == [f"cleared {name} 60"]


def test_tells_the_same_condition_once() -> None:
    """Our conditions are told again every second."""
    stage = Stage()
    assert stage.step(own(None, at(0))) == []
    stage.step(own(at(1), at(9)))
    assert stage.step(own(at(1), at(10)), own(at(1), at(11))) == []
    stage.step(own(None, at(20)))
    assert stage.engine.step([own(None, at(21)), own(None, at(22))], at(22)).rule_states == ()
    assert len(stage.journal) == 2


def test_raises_a_new_alarm_for_a_new_spell() -> None:
    """Even when it is said to have begun before the last one ended."""
    stage = Stage()
    stage.step(own(at(1), at(9)), own(None, at(20)))
    assert stage.step(own(at(19), at(28))) == ["raised ioc_blind 19"]
    stage.step(own(None, at(30)))
    assert stage.step(own(at(19), at(40))) == ["raised ioc_blind 40"]
    assert len(stage.alarms) == 3


def test_changes_nothing_when_a_batch_is_handed_over_again() -> None:
    """Also after a restart."""
    batch = [own(at(1), at(9)), own(None, at(20))]
    stage = Stage()
    stage.step(*batch)
    stage.restart()
    assert stage.step(*batch) == []


def test_goes_on_after_a_restart() -> None:
    """The alarm stands, and its end clears it."""
    stage = Stage()
    stage.step(own(at(1), at(9)))
    assert stage.restart() == []
    assert stage.step(own(at(1), at(10))) == []
    assert stage.step(own(None, at(20))) == ["cleared ioc_blind 20"]


def test_raises_again_only_when_a_cleared_condition_was_over() -> None:
    """What a person cleared while it stands comes back with its next spell."""
    stage = Stage()
    stage.step(own(at(1), at(9)))
    [alarm] = stage.engine.active()
    stage.commit(stage.engine.act(alarm, Act(step=Step.CLEARED, by="Lan"), at(15)))
    assert stage.step(own(at(1), at(16))) == []
    assert stage.step(own(None, at(20)), own(at(30), at(38))) == ["raised ioc_blind 30"]


def test_calls_blindness_critical() -> None:
    """Nothing can be known then."""
    assert OWN_RULES["ioc_blind"].severity is Severity.CRITICAL


def test_tells_of_ourselves_though_our_clock_was_set_back() -> None:
    """What it said before is no reason to wait until it says so again, neither for a beginning nor for an end."""
    stage = Stage()
    stage.step(own(NOON, NOON), own(None, NOON + HOUR))
    stage.step(ClockStep(NOON - HOUR, -2 * HOUR))
    assert stage.step(own(NOON - HOUR + SECOND, NOON - HOUR + SECOND)) == ["raised ioc_blind -3599"]
    stage.step(ClockStep(NOON - 3 * HOUR, -2 * HOUR))
    assert stage.restart() == []
    assert stage.step(own(None, NOON - 2 * HOUR)) == ["cleared ioc_blind -7200"]
