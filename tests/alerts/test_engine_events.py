"""Events are true for a moment; what they raise lasts for a while."""

from ruling.stage import HOT, NOON, PLAYING, SECOND, Stage, event, rule, sample, tick

TAMPER = {"kind": "event", "name": "tamper"}


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def test_raises_by_an_event_and_clears_by_the_next_sample_after_ten_minutes() -> None:
    """Ten minutes is how long an event lasts where the rule does not say."""
    stage = Stage(rule(TAMPER))
    assert stage.step(event(at(0), "reboot")) == []
    assert stage.step(event(at(10))) == ["raised rule 10"]
    assert stage.step(sample(at(600), volume=1), tick(at(700))) == []
    assert stage.step(sample(at(610), volume=1)) == ["cleared rule 610"]
    assert [entry.detail for entry in stage.journal] == ["event=tamper", ""]


def test_prolongs_the_alarm_by_a_repeat() -> None:
    """A second event is no second alarm."""
    stage = Stage(rule(TAMPER))
    stage.step(event(at(0)), event(at(500)))
    assert len(stage.journal) == 1
    assert stage.step(sample(at(1000), volume=1)) == []
    assert stage.step(sample(at(1100), volume=1)) == ["cleared rule 1100"]


def test_clears_by_another_event() -> None:
    """Any news of the device after the time says that it is over."""
    stage = Stage(rule(TAMPER, keep_firing_for="60s"))
    stage.step(event(at(0)))
    assert stage.step(event(at(59), "reboot")) == []
    assert stage.step(event(at(60), "reboot")) == ["cleared rule 60"]


def test_raises_anew_by_a_repeat_after_its_time() -> None:
    """The old alarm ends first: it is another happening."""
    stage = Stage(rule(TAMPER, keep_firing_for="60s"))
    stage.step(event(at(0)))
    assert stage.step(event(at(90))) == ["cleared rule 90", "raised rule 90"]
    assert len(stage.alarms) == 2


def test_ignores_an_event_handed_over_again() -> None:
    """The same event, or an older one, changes nothing."""
    stage = Stage(rule(TAMPER))
    stage.step(event(at(10)))
    assert stage.step(event(at(10)), event(at(5))) == []
    assert stage.step(event(at(20), live=False)) == []
    assert stage.step(sample(at(610), volume=1)) == ["cleared rule 610"]


def test_takes_an_event_that_comes_after_a_later_sample() -> None:
    """An event is a happening of its own, however old the sample before it."""
    stage = Stage(rule(TAMPER))
    stage.step(sample(at(20), volume=1))
    assert stage.step(event(at(10))) == ["raised rule 10"]


def test_takes_an_event_at_the_instant_of_the_sample_that_cleared() -> None:
    """Telemetry and event of one instant both count."""
    stage = Stage(rule(TAMPER, keep_firing_for="60s"))
    stage.step(event(at(0)), sample(at(60), volume=1))
    assert stage.step(event(at(60))) == ["raised rule 60"]
    assert stage.step(event(at(60))) == []


def test_combines_an_event_with_what_holds() -> None:
    """An event counts only while the other condition holds."""
    stage = Stage(rule({"all": [TAMPER, PLAYING]}))
    assert stage.step(event(at(0)), sample(at(1), state="idle"), event(at(2))) == []
    assert stage.step(sample(at(3), state="playing"), event(at(4))) == ["raised rule 4", "cleared rule 4"]


def test_keeps_an_alarm_that_another_condition_still_carries() -> None:
    """Of two causes one is enough."""
    stage = Stage(rule({"any": [TAMPER, HOT]}))
    stage.step(sample(at(0), amp_temp_c=90.0))
    assert stage.step(event(at(10))) == []
    assert stage.step(sample(at(20), amp_temp_c=20.0)) == ["cleared rule 20"]
