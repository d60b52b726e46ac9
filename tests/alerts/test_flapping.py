"""Alarms that come and go: at most two messages and one summary an hour for each device and rule."""

import pytest

from alerts.grouping import Reason
from ioc.domain.alarm import Severity
from notifying.stage import MIN, START, S, Stage

ROUTE = {"group_by": ["rule", "device"], "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s"}
HOUR = 60 * MIN


def stage(**route: str) -> Stage:
    """A stage on which what flaps is summed up."""
    return Stage({**ROUTE, **route}, flapping={})


def flap(on: Stage, times: int, every: int, device: str = "tt-1", *, restarts: bool = False, severity: Severity = Severity.MAJOR) -> None:
    """It comes, and goes half the time later."""
    for _ in range(times):
        on.raise_(device, severity=severity)
        on.wait(every // 2)
        on.clear(device)
        if restarts:
            on.restart()
        on.wait(every - every // 2)


def within_hours(on: Stage) -> list[int]:
    """How many messages lie in the hour from each message on."""
    times = [at for _, at in on.story]
    return [sum(first <= at < first + 3600 for at in times) for first in times]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("severity", [Severity.MAJOR, Severity.CRITICAL])
def test_every_ten_seconds_for_an_hour_is_two_messages_and_a_summary(severity: Severity, *, restarts: bool) -> None:
    """360 times: raised, cleared, and after the hour how often."""
    on = stage()
    flap(on, 360, 10 * S, restarts=restarts, severity=severity)
    on.wait(2 * HOUR)
    assert on.story == [("raised", 0), ("cleared", 5), ("cleared", 3600)]
    assert "mất kết nối (chập chờn 360 lần) từ " in on.messages[2].text
    assert {one.reason for notice in on.notices for one in notice.untold} == {Reason.FLAPPING}


def test_flapping_of_hours_is_a_summary_an_hour() -> None:
    """Whoever was told of the first hour hears of the next ones by the hour."""
    on = stage()
    flap(on, 6 * 30, 2 * MIN)
    on.wait(3 * HOUR)
    assert max(within_hours(on)) <= 3
    assert len(on.story) == 2 + 6


def test_blips_that_nobody_was_told_of_are_summed_up_from_the_third_on() -> None:
    """With a wait of the group they tell nothing, and still somebody learns of it, once it is quiet or the hour is over."""
    on = stage(group_wait="30s")
    flap(on, 20, 20 * S)
    on.wait(2 * HOUR)
    assert on.story == [("cleared", (19 * 20 + 10) + 600 + 30)]
    assert "chập chờn 20 lần" in on.messages[0].text


def test_device_that_fails_for_good_after_it_flapped_is_told_once_it_stays_away() -> None:
    """Ten minutes later, with how often it came; and its end as ever."""
    on = stage()
    flap(on, 5, MIN)
    on.raise_("tt-1")
    on.wait(3 * HOUR)
    assert on.story == [("raised", 0), ("cleared", 30), ("raised", 300 + 600)]
    assert "(chập chờn 6 lần) từ 23:19" in on.messages[2].text
    on.clear("tt-1")
    assert on.story[3:] == [("cleared", (on.now - START) // S)]


def test_second_fault_of_the_hour_is_told_when_it_lasts() -> None:
    """Raised, over, and raised again a quarter of an hour later."""
    on = stage()
    flap(on, 1, 15 * MIN)
    on.raise_("tt-1")
    on.wait(HOUR)
    assert on.story == [("raised", 0), ("cleared", 450), ("raised", 900 + 600)]


def test_second_blip_of_the_hour_is_told_once_it_is_quiet() -> None:
    """It was held back and went: whoever was told of the first one hears of it."""
    on = stage()
    flap(on, 2, 5 * MIN)
    on.wait(2 * HOUR)
    assert on.story == [("raised", 0), ("cleared", 150), ("cleared", 450 + 600)]
    assert on.notifier.untold_counts[Reason.FLAPPING] == 1


def test_critical_alarm_that_stands_again_is_told_after_a_minute() -> None:
    """It counts as the summary."""
    on = stage()
    flap(on, 1, 10 * MIN, severity=Severity.CRITICAL)
    on.raise_("tt-1", severity=Severity.CRITICAL)
    on.wait(HOUR)
    assert on.story == [("raised", 0), ("cleared", 300), ("raised", 660)]


def test_devices_and_rules_are_counted_by_themselves() -> None:
    """Another device's alarm, and another rule's, are told as ever."""
    on = stage()
    flap(on, 5, MIN)
    on.raise_("tt-2")
    on.raise_("tt-1", rule="too_hot")
    assert [event for event, _ in on.story] == ["raised", "cleared", "raised", "raised"]


def test_fault_of_the_next_day_is_told_at_once() -> None:
    """The hour is over: as if nothing had been."""
    on = stage()
    flap(on, 1, MIN)
    on.wait(HOUR)
    on.raise_("tt-1")
    assert on.story == [("raised", 0), ("cleared", 30), ("raised", 3660)]
    assert not on.notifier.untold_counts


def test_silenced_and_shelved_flapping_tells_nothing() -> None:
    """The summary is held back like any message."""
    on = stage()
    on.silence("s", device="tt-1", end=10 * HOUR)
    flap(on, 30, MIN)
    on.wait(3 * HOUR)
    assert on.outbox == []
