"""Time in which nobody hears a device counts towards no `for`, over restarts too; no alarm has a time that is still to come."""

import pytest

from ruling.stage import HOT, NOON, SECOND, Stage, deaf, offline, online, rule, sample, tick

WAITS = rule(HOT, id="waits", **{"for": "400s"})


def at(seconds: int) -> int:
    """A moment after noon."""
    return NOON + seconds * SECOND


def pending() -> Stage:
    """Hot since noon, heard for a minute."""
    stage = Stage(WAITS)
    stage.step(online(at(0)), sample(at(0), amp_temp_c=95.0), tick(at(0)))
    stage.step(tick(at(60)))
    return stage


@pytest.mark.parametrize("restarts", [1, 2])
def test_restart_while_a_device_is_away_does_not_count_its_absence(restarts: int) -> None:
    """Away from the third minute to the twentieth: the alarm needs what was missing of 400 s afterwards."""
    stage = pending()
    stage.step(offline(at(181)), tick(at(181)))
    stage.step(tick(at(580)))
    for turn in range(restarts):
        stage.restart()
        stage.step(offline(at(181)), tick(at(600 + 60 * turn)))
    assert stage.step(online(at(1200)), sample(at(1200), amp_temp_c=95.0), tick(at(1200))) == []
    assert stage.step(tick(at(1400))) == []
    assert stage.step(tick(at(1541))) != []


def test_second_restart_before_a_device_speaks_does_not_count_what_lies_between() -> None:
    """Nobody knows whether it was there."""
    stage = pending()
    for moment in (100, 500):
        stage.restart()
        stage.step(tick(at(moment)))
        stage.step(tick(at(moment + 10)))
    assert stage.step(online(at(520)), sample(at(520), amp_temp_c=95.0), tick(at(520))) == []
    assert stage.step(tick(at(850))) == []
    assert stage.step(tick(at(861))) != []


def test_alarm_that_ripens_by_the_clock_has_no_time_to_come() -> None:
    """Its messages left a gap that does not count, but we listened all the while."""
    stage = pending()
    stage.step(sample(at(60), amp_temp_c=95.0), tick(at(61)))
    stage.step(sample(at(360), amp_temp_c=95.0), tick(at(361)))
    [raised] = stage.step(tick(at(401)))
    assert raised == "raised waits 401"


def test_blind_spell_is_remembered_over_a_restart() -> None:
    """Deaf for a minute, then a restart: the next message vouches for nothing before it that nobody heard."""
    stage = Stage(rule(HOT, id="waits", **{"for": "100s"}))
    stage.step(online(at(0)), sample(at(0), amp_temp_c=95.0), tick(at(0)))
    stage.step(deaf(at(0)))
    stage.step(tick(at(70)))
    stage.restart()
    stage.step(tick(at(75)))
    assert stage.step(online(at(160)), sample(at(160), amp_temp_c=95.0), tick(at(160))) == []
