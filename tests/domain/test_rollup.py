"""What a minute's values come to, and minutes in longer buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.point import Point
from ioc.domain.rollup import HOUR_MS, MINUTE_MS, DueHour, Frontier, Rolled, in_buckets, join, roll

_NUMBER = st.floats(-1e9, 1e9) | st.integers(-(10**9), 10**9)


@given(parts=st.lists(st.lists(_NUMBER, min_size=1, max_size=8), min_size=1, max_size=8))
def test_rollup_of_rollups_is_that_of_all_values(parts: list[list[float]]) -> None:
    """Weighted by count: bounds, count and last exactly, the mean but for rounding."""
    whole, joined = roll([value for part in parts for value in part]), join([roll(part) for part in parts])
    assert (joined.count, joined.last, joined.low, joined.high) == (whole.count, whole.last, whole.low, whole.high)
    assert joined.mean == pytest.approx(whole.mean, abs=1e-3)


def test_texts_carry_their_last() -> None:
    """There is no mean of texts."""
    assert join([roll(["a", "b"]), roll(["c"])]) == Rolled(3, "c")


def test_minutes_lie_in_the_bucket_in_which_they_begin() -> None:
    """Also where a bucket is no multiple of a minute."""
    rows = in_buckets([(0, roll([1.0])), (60_000, roll([2.0, 6.0])), (120_000, roll([7.0]))], 90_000)
    assert [(row.ts, row.value, row.low, row.high) for row in rows] == [(0, 3.0, 1.0, 6.0), (90_000, 7.0, 7.0, 7.0)]


def test_only_what_comes_behind_the_frontier_makes_its_hour_due() -> None:
    """Coalesced by device and hour; points that are no family's are none of ours."""
    frontier = Frontier(["pump"])
    points = [
        Point.of(family, (("device", "a"),), {"v": 1}, HOUR_MS + offset) for family in ("pump", "alarm") for offset in (0, 1, MINUTE_MS)
    ]
    assert frontier.due(points) == ()
    frontier.until = HOUR_MS + 1
    assert frontier.due(points[1:2]) == ()
    assert frontier.due(points) == (DueHour("pump", "a", HOUR_MS),)
