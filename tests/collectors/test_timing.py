"""Under which time a message is stored."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.timing import AHEAD_MS, SPELLS_KEPT, AssignedTimes, DeviceClock, TimeRules

NOW = 1_700_000_000_000
MINUTE = 60_000
DAY = 86_400_000
RULES = TimeRules(MINUTE, 30 * DAY)


def steady(clock: DeviceClock, lag: int, arrivals: int = 3) -> None:
    """A device whose clock is off by a constant."""
    for n in range(arrivals):
        clock.observe(lag, NOW - (arrivals - n) * MINUTE, MINUTE)


def test_missing_ts_takes_the_arrival() -> None:
    """No ts: stored at arrival, lag 0, not counted as corrected."""
    timed = DeviceClock().judge(None, NOW, RULES)
    assert (timed.ts, timed.lag_ms, timed.live, timed.assigned, timed.corrected) == (NOW, 0, True, True, False)


def test_ts_a_little_ahead_is_stored_at_arrival_uncounted() -> None:
    """Up to 5 s ahead is jitter."""
    timed = DeviceClock().judge(NOW + AHEAD_MS, NOW, RULES)
    assert (timed.ts, timed.assigned, timed.corrected) == (NOW, True, False)


def test_ts_far_ahead_is_corrected_to_arrival() -> None:
    """Nothing is ever stored later than it arrived."""
    timed = DeviceClock().judge(NOW + AHEAD_MS + 1, NOW, RULES)
    assert (timed.ts, timed.corrected, timed.live) == (NOW, True, True)


def test_old_sample_is_historical_at_its_own_time() -> None:
    """A drained buffer keeps its times and changes no live alarm."""
    timed = DeviceClock().judge(NOW - 3 * MINUTE - 1, NOW, RULES)
    assert (timed.ts, timed.live, timed.assigned) == (NOW - 3 * MINUTE - 1, False, False)
    assert DeviceClock().judge(NOW - 3 * MINUTE, NOW, RULES).live


def test_constant_lag_becomes_an_offset_and_is_live() -> None:
    """Five minutes behind for three beats is a clock, not history; below 10 min it keeps its own time."""
    clock = DeviceClock()
    steady(clock, 5 * MINUTE)
    assert clock.offset == 5 * MINUTE
    timed = clock.judge(NOW - 5 * MINUTE, NOW, RULES)
    assert (timed.ts, timed.live, timed.corrected) == (NOW - 5 * MINUTE, True, False)


def test_offset_is_news_when_three_agree_when_it_moves_and_after_a_while() -> None:
    """One odd message is none; jitter is none; whoever did not care then hears of it again."""
    clock = DeviceClock()
    lags = [40_000, 40_000, 40_100, 40_200, 0, 40_000, 40_000, 42_000, 42_000]
    told = [clock.observe(lag, NOW + n * MINUTE, MINUTE) for n, lag in enumerate(lags)]
    assert told == [None, None, 40_000, None, None, None, None, None, 42_000]
    told = [clock.observe(42_000, NOW + n * MINUTE, MINUTE) for n in range(9, 30)]
    assert [n for n, offset in enumerate(told, 9) if offset is not None] == [18, 28]


def test_offset_beyond_ten_minutes_is_corrected_by_the_offset() -> None:
    """An hour behind: stored at ts + offset, also for a sample from the buffer."""
    clock = DeviceClock()
    steady(clock, 60 * MINUTE)
    timed = clock.judge(NOW - 70 * MINUTE, NOW, RULES)
    assert (timed.ts, timed.live, timed.corrected) == (NOW - 10 * MINUTE, False, True)


def test_draining_buffer_has_no_offset() -> None:
    """Fast arrivals with shrinking lag prove nothing."""
    clock = DeviceClock()
    for n in range(100):
        clock.observe(100 * MINUTE - n * MINUTE, NOW + n * 500, MINUTE)
    assert clock.offset is None


def test_beyond_history_is_stored_at_arrival_and_counted() -> None:
    """A clock in 1970 must not fall out of the retention."""
    timed = DeviceClock().judge(1_000, NOW, RULES)
    assert (timed.ts, timed.corrected, timed.live) == (NOW, True, False)


@given(ts=st.none() | st.integers(0, 2**53), lags=st.lists(st.integers(-DAY, DAY), max_size=6))
def test_no_message_is_stored_after_its_arrival_or_before_its_history(ts: int | None, lags: list[int]) -> None:
    """Whatever clock a device has."""
    clock = DeviceClock()
    for n, lag in enumerate(lags):
        clock.observe(lag, NOW - (len(lags) - n) * MINUTE, MINUTE)
    timed = clock.judge(ts, NOW, RULES)
    assert timed.ts <= NOW
    assert timed.ts >= NOW - RULES.history


@given(st.lists(st.integers(0, 40), max_size=200))
def test_assigned_times_of_a_device_never_repeat(wanted: list[int]) -> None:
    """Nor lie after what was wanted."""
    clock = DeviceClock()
    given_out = [(want, clock.assign(NOW + want)) for want in wanted]
    assert len({ts for _, ts in given_out}) == len(wanted)
    assert all(ts <= NOW + want for want, ts in given_out)


@given(st.lists(st.integers(0, 60), max_size=SPELLS_KEPT))
def test_spells_of_assigned_times_agree_with_a_set(times: list[int]) -> None:
    """Spells that grow, meet and merge lose nothing and add nothing."""
    spells, model = AssignedTimes(), set[int]()
    for ts in times:
        spells.take(ts)
        model.add(ts)
        for wanted in range(-1, 62):
            expected = next(at for at in range(wanted, -3, -1) if at not in model)
            assert spells.free(wanted) == expected
