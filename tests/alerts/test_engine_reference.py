"""The engine against a reference that looks at the whole series at once instead of sample by sample."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ruling.stage import HOT, NOON, SECOND, Stage, rule, sample

Point = tuple[int, bool]
"""Seconds after noon, and whether the condition holds from then on."""


def expected(series: Sequence[Point], waits: int, keeps: int) -> list[str]:
    """The journal: true runs that reach `waits` at some sample, joined where the false run between is shorter than `keeps`."""
    told: list[str] = []
    start = 0
    while start < len(series):
        first = next((place for place in range(start, len(series)) if series[place][1]), None)
        if first is None:
            break
        end = next((place for place in range(first, len(series)) if not series[place][1]), len(series))
        since = series[first][0]
        reaches = any(at >= since + waits for at, _ in series[first : end + 1])
        if not reaches:
            start = end
            continue
        told.append(f"raised rule {since + waits}")
        over = _over(series, first, keeps)
        if over is None:
            break
        told.append(f"cleared rule {series[over][0]}")
        start = over
    return told


def _over(series: Sequence[Point], place: int, keeps: int) -> int | None:
    """The first sample that ends a false run of at least `keeps`."""
    for current in range(place, len(series)):
        if series[current][1]:
            continue
        began = current
        while began > 0 and not series[began - 1][1]:
            began -= 1
        if series[current][0] >= series[max(began, place)][0] + keeps:
            return current
    return None


@given(
    steps=st.lists(st.tuples(st.integers(1, 80), st.booleans()), max_size=40),
    waits=st.sampled_from((0, 1, 30, 60, 100)),
    keeps=st.sampled_from((0, 1, 30, 60, 100)),
)
@settings(max_examples=500)
def test_raises_and_clears_as_the_reference_does(steps: list[tuple[int, bool]], waits: int, keeps: int) -> None:
    """With samples that come at least at their cadence."""
    series, now = [], 0
    for step, holds in steps:
        now += step
        series.append((now, holds))
    stage = Stage(rule(HOT, **{"for": f"{waits}s"}, keep_firing_for=f"{keeps}s"))
    told = stage.step(*(sample(NOON + at * SECOND, amp_temp_c=90.0 if holds else 20.0) for at, holds in series))
    assert told == expected(series, waits, keeps)
