"""Wrong clocks: nothing is stored in the future, everything is marked, and setting our own clock is no event of devices."""

import pytest

from harm.clocks import SKEWS, host_step, skewed


def test_point_of_a_wrong_clock_is_marked_and_never_later_than_its_arrival() -> None:
    """A day ahead or behind, 1970, 2106, a leap second: stored, not in the future, and corrected, historical or partial."""
    told = skewed(100)
    assert told.keys() == SKEWS.keys()
    assert {name: (one.points, one.future, one.unmarked, one.lost) for name, one in told.items()} == dict.fromkeys(told, (100, 0, 0, 0))


@pytest.mark.parametrize("step_s", [2, -2, 120, -120, 3_600, -3_600, 86_400, -86_400])
async def test_step_of_our_own_clock_raises_and_clears_no_alarm_of_any_device(step_s: int) -> None:
    """What stands stands, nobody is offline or told to set a clock, and we were not deaf; a step that matters is one alarm about us."""
    before, added = await host_step(step_s * 1_000)
    assert [(rule, step) for rule, _, step in before] == [("hot", "raised")] * 3
    assert added == ([] if abs(step_s) < 30 else [("ioc_clock_off", None, "raised")])
