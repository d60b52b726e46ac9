"""Several sources together, and whether we hear at all."""

import pytest

from alerts.presence import BLIND, Ears, Presence
from ioc.domain.family import Family
from ioc.domain.hearing import CANARY_EVERY_MS
from ioc.domain.liveness_change import Cause, Liveness
from ioc.domain.registry import Device

NOW = 1_700_000_000_000
TEXT = {"vi": "x", "en": "x"}
PUMP = Family.model_validate({"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": {"temp_c": {"type": "float", "labels": TEXT}}})
DEVICE = Device(device="p1", family="pump", registered_at=NOW)


def two() -> tuple[Ears, Ears, Presence]:
    north, south = Ears(NOW), Ears(NOW)
    presence = Presence({"north": north, "south": south})
    presence.watch(DEVICE, PUMP, anew=False)
    return north, south, presence


def listen(ears: Ears, start: int, end: int) -> None:
    for at in range(start, end + 1, CANARY_EVERY_MS):
        ears.hearing.canary_back(sent_at=at, arrival=at + 10)


def since(presence: Presence, now: int) -> int | None:
    condition = presence.look(now)
    assert condition is not None
    return condition.since


def test_device_that_one_source_never_hears_is_not_offline() -> None:
    """It speaks to the other broker: nothing is said until both miss it."""
    north, south, presence = two()
    listen(north, NOW, NOW + 20_000)
    listen(south, NOW, NOW + 60_000)
    change = north.liveness.arrival("p1", NOW + 20_000)
    assert change is not None
    assert [one.state for one in presence.news([change])] == [Liveness.ONLINE]
    assert presence.news(south.liveness.tick(NOW + 60_000)) == []
    assert presence.state("p1") is Liveness.ONLINE
    assert presence.last_arrival("p1") == NOW + 20_000
    listen(north, NOW + 25_000, NOW + 60_000)
    assert [one.state for one in presence.news(north.liveness.tick(NOW + 60_000))] == [Liveness.OFFLINE]
    assert presence.state("p1") is Liveness.OFFLINE


def test_never_heard_device_is_told_of_once() -> None:
    """Not once by each source."""
    north, south, presence = two()
    presence.watch(DEVICE, PUMP, anew=True)
    told = []
    for ears in (north, south):
        listen(ears, NOW, NOW + 40_000)
        told += presence.news(ears.liveness.tick(NOW + 40_000))
    assert [(one.state, one.at) for one in told] == [(Liveness.OFFLINE, NOW)]


def test_deaf_source_knows_nothing_and_the_other_still_does() -> None:
    """What the working source hears is online; what it misses may be alive at the deaf one."""
    north, south, presence = two()
    presence.watch(Device(device="p2", family="pump", registered_at=NOW), PUMP, anew=False)
    listen(south, NOW, NOW + 60_000)
    south.liveness.arrival("p1", NOW + 60_000)
    south.liveness.tick(NOW + 60_000)
    del north
    presence.look(NOW)
    condition = presence.look(NOW + 5_000)
    assert condition is None
    for second in range(6, 62):
        condition = presence.look(NOW + second * 1_000)
    assert condition is not None
    assert (condition.rule, condition.since) == (BLIND, NOW)
    assert presence.deaf == {"north"}
    assert (presence.state("p1"), presence.cause("p1")) == (Liveness.ONLINE, Cause.ARRIVAL)
    assert (presence.state("p2"), presence.cause("p2")) == (Liveness.UNKNOWN, Cause.BLIND)


def test_step_of_our_clock_makes_nobody_deaf_nor_hides_that_somebody_is() -> None:
    """An hour forward, or back: the canary has stayed away no longer than before."""
    for step in (3_600_000, -3_600_000):
        ears = Ears(NOW)
        presence = Presence({"north": ears})
        listen(ears, NOW, NOW + 10_000)
        assert since(presence, NOW + 11_000) is None
        assert since(presence, NOW + 12_000 + step) is None
        looks = [since(presence, NOW + second * 1_000 + step) for second in range(13, 24)]
        assert looks[0] is None
        assert looks[-1] is not None


@pytest.mark.parametrize("step", [3_600_000, -3_600_000])
def test_canary_that_comes_between_a_step_of_our_clock_and_the_next_look_makes_nobody_deaf_nor_hides_it(step: int) -> None:
    """It was proven by the new clock already: shifted once more, it would lie hours before or after now."""
    ears = Ears(NOW)
    presence = Presence({"north": ears})
    listen(ears, NOW, NOW + 10_000)
    assert since(presence, NOW + 11_000) is None
    ears.hearing.canary_back(sent_at=NOW + 11_400 + step, arrival=NOW + 11_410 + step)
    looks = [since(presence, NOW + second * 1_000 + step) for second in range(12, 22)]
    assert looks[:3] == [None] * 3
    assert looks[-1] == NOW + 11_410 + step


def test_start_alone_does_not_prove_that_we_hear() -> None:
    """Deafness from before a restart is over when the first canary is back, not before."""
    ears = Ears(NOW)
    presence = Presence({"north": ears})
    assert presence.look(NOW + 1_000) is None
    listen(ears, NOW + 1_000, NOW + 1_000)
    assert since(presence, NOW + 2_000) is None


def test_registry_read_again_says_nothing_new_of_a_watched_device() -> None:
    """A retained birth made it unknown: importing other devices does not make it offline again."""
    ears = Ears(NOW)
    presence = Presence({"north": ears})
    presence.watch(DEVICE, PUMP, anew=True)
    change = ears.liveness.retained("p1", online=True, at=NOW)
    assert change is not None
    presence.watch(DEVICE, PUMP, anew=False)
    assert presence.state("p1") is Liveness.UNKNOWN
