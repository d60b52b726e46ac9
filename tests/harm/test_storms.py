"""What a centre's nights bring, on a clock that the test moves: a broker away, a commune that falls, alarms that come and go."""

import pytest

from harm import blindness, coming_and_going, mass_outage


async def test_broker_away_for_ten_minutes_is_one_alarm_of_ours() -> None:
    """200 devices: none alarmed while we heard nothing, none that lives afterwards; who really died is found, not before its silence."""
    told = await blindness.live_through(200, 600)
    assert told.ours == ["raised", "cleared"]
    assert (told.while_deaf, told.living, told.dead) == (0, 0, blindness.DEAD)
    assert told.earliest_s > blindness.SILENCE_S - 2 * 60  # what was heard of it before counts
    assert told.messages == [("raised", 1), ("cleared", 1)]


@pytest.mark.parametrize("seed", range(2))
async def test_power_cut_of_a_commune_is_one_message_and_one_recovery(seed: int) -> None:
    """200 of 2,000, each noticed at its own cadence, with three other faults inside the minute."""
    told = await mass_outage.live_through(2_000, seed)
    assert (told.outage, told.alone, told.open) == (["raised", "cleared"], 0, 0)
    assert told.unrelated == ["raised"] * mass_outage.UNRELATED
    assert told.delay_s <= 30


async def test_commune_that_falls_over_a_minute_is_one_message_too() -> None:
    """Noticed over two minutes; all but the very first wait for each other."""
    told = await mass_outage.live_through(2_000, 3, spread_s=60)
    assert (told.outage, told.open) == (["raised", "cleared"], 0)
    assert told.alone <= 1
    assert told.unrelated == ["raised"] * mass_outage.UNRELATED


async def test_alarm_every_ten_seconds_for_an_hour_is_two_messages_and_a_summary() -> None:
    """360 times for each of three devices; nobody's trouble is lost."""
    raised, most, untold = await coming_and_going.live_through(3)
    assert raised == 3 * 360
    assert most <= 3
    assert untold == 0
