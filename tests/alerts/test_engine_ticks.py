"""What has waited long enough is raised by the time that we listened, not by the clock on the wall."""

from ruling.stage import HOT, NOON, SECOND, Stage, deaf, offline, online, rule, sample, tick, unknown

WAITS = rule(HOT, **{"for": "60s"})


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def test_matures_by_tick_between_two_samples() -> None:
    """The alarm comes as soon as its time is full by our listening, with the sample's times in it."""
    stage = Stage(WAITS)
    stage.step(online(at(7)), sample(at(0), amp_temp_c=90.0, arrival=at(7)))
    assert stage.step(tick(at(66))) == []
    assert stage.step(tick(at(67))) == ["raised rule 60"]
    assert stage.journal[0].by == "tick"
    assert stage.engine.active()[0].since == at(0)
    assert stage.step(sample(at(61), amp_temp_c=20.0, arrival=at(68))) == ["cleared rule 61"]


def test_clears_by_a_sample_from_before_the_tick() -> None:
    """The tick raised on what was known; a false sample between clears."""
    stage = Stage(WAITS)
    stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(60)))
    assert stage.step(sample(at(58), amp_temp_c=20.0, arrival=at(61))) == ["cleared rule 58"]


def test_freezes_while_we_are_deaf() -> None:
    """Blind time does not count; listening goes on where it stopped."""
    stage = Stage(WAITS)
    stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(50)))
    assert stage.step(deaf(at(50)), deaf(at(600)), tick(at(605))) == []
    assert stage.step(tick(at(614))) == []
    assert stage.step(tick(at(615))) == ["raised rule 615"]


def test_freezes_while_the_device_is_offline_or_unknown() -> None:
    """Only time in which the device could be heard counts."""
    for away in (offline, unknown):
        stage = Stage(WAITS)
        stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(50)))
        assert stage.step(away(at(50)), tick(at(100)), tick(at(300))) == []
        stage.step(online(at(300)), tick(at(305)))
        assert stage.step(tick(at(314))) == []
        assert stage.step(tick(at(315))) != []


def test_does_not_count_a_blind_spell_between_two_samples() -> None:
    """Samples that were lost while we were deaf prove nothing."""
    stage = Stage(WAITS)
    stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(5)), deaf(at(10)), tick(at(120)))
    assert stage.step(sample(at(121), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(180), amp_temp_c=90.0)) == ["raised rule 175"]


def test_counts_samples_that_waited_at_the_broker() -> None:
    """The device was heard at its cadence, only later: no time is missing."""
    stage = Stage(rule(HOT, **{"for": "5m"}))
    stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(5)), deaf(at(10)))
    backlog = [sample(at(60 * n), amp_temp_c=90.0, arrival=at(600)) for n in range(1, 6)]
    assert stage.step(*backlog) == ["raised rule 300"]


def test_raises_nothing_by_tick_before_the_device_was_heard() -> None:
    """After a restart a pending condition waits until its device is heard again."""
    stage = Stage(WAITS)
    stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(30)))
    stage.restart()
    assert stage.step(tick(at(100)), tick(at(200))) == []
    assert stage.step(online(at(201)), tick(at(205)), tick(at(234))) == []
    assert stage.step(tick(at(235))) == ["raised rule 235"]


def test_drops_a_pending_condition_when_its_hours_end() -> None:
    """A tick outside the window finds the condition false."""
    stage = Stage(rule(HOT, between=["05:00", "12:01"], **{"for": "90s"}))
    stage.step(online(at(0)), sample(at(0), amp_temp_c=90.0), tick(at(60)), tick(at(95)))
    assert stage.journal == []
    assert stage.states == {}
