"""Conditions that look back, against a reference that looks at the whole series at once."""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.compiled import family_rules
from alerts.device_memory import DeviceMemory
from alerts.rules.history import MOST
from ioc.domain.sample import Sample
from ruling.stage import FAMILIES, MINUTE, NOON, SECOND, ZONE, Stage, offline, online, rule, sample, tick

OVER = 10 * MINUTE
GAP = FAMILIES["speaker"].silence_ms
Series = list[tuple[int, float]]

series = st.lists(
    st.tuples(st.sampled_from((10, 10, 20, 60, 60, 60, 120, 180, 190, 650)), st.integers(0, 5).map(float)), min_size=1, max_size=60
).map(
    lambda steps: [(NOON + 10 * SECOND * sum(one for one, _ in steps[: place + 1]) // 10, value) for place, (_, value) in enumerate(steps)]
)
"""Samples at least a part of the window apart, some of them with a gap."""


def since_gap(told: Series, gap: int) -> Series:
    """The samples after the last gap."""
    starts = [place for place in range(1, len(told)) if told[place][0] - told[place - 1][0] > gap]
    return told[starts[-1] if starts else 0 :]


def inside(told: Series) -> list[float]:
    """The values of the window that ends with the last sample."""
    return [value for ts, value in told if ts >= told[-1][0] - OVER]


def whole(told: Series) -> bool:
    """Whether they reach back as far as the window."""
    return told[-1][0] - told[0][0] >= OVER


def window_reference(take: Callable[[list[float]], float]) -> Callable[[Series], float | None]:
    """Of the window without a gap."""

    def reference(told: Series) -> float | None:
        known = since_gap(told, GAP)
        return take(inside(known)) if whole(known) else None

    return reference


def p95(values: list[float]) -> float:
    """As the standard library has it."""
    return values[0] if len(values) == 1 else statistics.quantiles(values, n=20, method="inclusive")[18]


def increase_reference(gap: int) -> Callable[[Series], float | None]:
    """A fall is a new beginning at zero."""

    def reference(told: Series) -> float | None:
        known = since_gap(told, gap)
        values = inside(known)
        steps = itertools.pairwise(values)
        return sum(new - old if new >= old else new for old, new in steps) if whole(known) else None

    return reference


def line(told: Series) -> float | None:
    """Slope per minute of the window's samples."""
    points = [(ts, value) for ts, value in told if ts >= told[-1][0] - OVER]
    if len(points) < 3 or 2 * (points[-1][0] - points[0][0]) < OVER:
        return None
    return statistics.linear_regression([(ts - NOON) / MINUTE for ts, _ in points], [value for _, value in points]).slope


def forecast_reference(told: Series) -> float | None:
    """Minutes until 6 is reached."""
    slope = line(told)
    if slope is None:
        return None
    return (6 - told[-1][1]) / slope if slope > 1e-9 else math.inf


def stuck_reference(told: Series) -> float | None:
    """Minutes without change, once they are proven."""
    known = since_gap(told, GAP)
    since = next((place for place in range(len(known) - 1, -1, -1) if known[place][1] != known[-1][1]), None)
    start = 0 if since is None else since + 1
    first = len(told) - len(known) + start
    stayed = known[-1][0] - known[start][0]
    proven = first > 0 and told[first - 1][1] != known[-1][1]
    return stayed / MINUTE if proven or stayed > OVER else None


LIMIT = {"metric": "amp_temp_c", "over": "10m", "above": "1"}
REFERENCES: dict[str, tuple[dict[str, Any], Callable[[Series], float | None]]] = {
    "rate": ({"kind": "rate", **LIMIT}, line),
    "increase": ({"kind": "increase", **LIMIT}, increase_reference(OVER)),
    "increase below": ({"kind": "increase", "metric": "amp_temp_c", "over": "10m", "below": "1"}, increase_reference(GAP)),
    "mean": ({"kind": "window", "take": "mean", **LIMIT}, window_reference(statistics.fmean)),
    "p95": ({"kind": "window", "take": "p95", **LIMIT}, window_reference(p95)),
    "min": ({"kind": "window", "take": "min", **LIMIT}, window_reference(min)),
    "max": ({"kind": "window", "take": "max", **LIMIT}, window_reference(max)),
    "stuck": ({"kind": "stuck", "metric": "amp_temp_c", "over": "10m"}, stuck_reference),
    "forecast": (
        {"kind": "forecast", "metric": "amp_temp_c", "over": "10m", "rises_to": "6", "within": "30m"},
        forecast_reference,
    ),
}


def computed(when: dict[str, Any], samples: Sequence[Sample]) -> float | str | None:
    """What a device's memory has computed after these samples."""
    memory = DeviceMemory(family_rules(FAMILIES["speaker"], [rule(when)], ZONE))
    for one in samples:
        memory.take(one)
    return memory.values[-1]


@pytest.mark.parametrize(("when", "reference"), REFERENCES.values(), ids=REFERENCES)
@given(told=series)
@settings(max_examples=200)
def test_computes_what_the_reference_does(when: dict[str, Any], reference: Callable[[Series], float | None], told: Series) -> None:
    """For every kind, with gaps and counters that begin anew."""
    found, expected = computed(when, [sample(ts, amp_temp_c=value) for ts, value in told]), reference(told)
    if expected is None or found is None:
        assert found == expected
    elif math.isinf(expected):
        assert float(found) > 1e8
    else:
        assert float(found) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("when", [when for when, _ in REFERENCES.values()], ids=list(REFERENCES))
@given(told=series, again=st.lists(st.integers(0, 59), max_size=20))
@settings(max_examples=50)
def test_repeated_and_late_samples_change_nothing(when: dict[str, Any], told: Series, again: list[int]) -> None:
    """A sample that came before, or is older than what is known, leaves journal and values as they are."""
    once, twice = Stage(rule(when)), Stage(rule(when))
    for place, (ts, value) in enumerate(told):
        once.step(sample(ts, amp_temp_c=value))
        twice.step(sample(ts, amp_temp_c=value))
        for back in again:
            if back <= place:
                twice.step(sample(told[place - back][0], amp_temp_c=99.0 if back else value))
    assert [(entry.step, entry.at, entry.detail) for entry in once.journal] == [
        (entry.step, entry.at, entry.detail) for entry in twice.journal
    ]


@pytest.mark.parametrize("when", [when for when, _ in REFERENCES.values()], ids=list(REFERENCES))
def test_holds_few_samples_of_a_fast_device(when: dict[str, Any]) -> None:
    """However many come, and what it computes of them stays near the truth."""
    rules = family_rules(FAMILIES["speaker"], [rule(when)], ZONE)
    memory = DeviceMemory(rules)
    for second in range(3000):
        memory.take(sample(NOON + second * SECOND, amp_temp_c=float(second % 100)))
    assert len(memory.histories[0]) <= rules.derived[0].most <= MOST
    close = {"mean": 49.5, "p95": 94.0, "min": 0.0, "max": 99.0, "increase": 600.0}
    name = when.get("take", when["kind"])
    if name in close and "below" not in when:
        assert memory.values[-1] == pytest.approx(close[name], abs=6)


def test_says_the_computed_number() -> None:
    """In the journal and in the text."""
    when = {"kind": "rate", "metric": "amp_temp_c", "over": "10m", "above": "3"}
    stage = Stage(rule(when, summary={"vi": "nóng lên, {value}", "en": "warming, {value}"}))
    stage.step(*(sample(NOON + minute * MINUTE, amp_temp_c=30 + 3.2 * minute) for minute in range(8)))
    [alarm] = stage.engine.active()
    assert alarm.summary == {"vi": "nóng lên, tốc độ 3,2 °C/phút", "en": "warming, 3.2 °C/min"}
    assert stage.journal[0].detail == "rate(amp_temp_c, 10m, per 1m)=3.2, amp_temp_c=46"


def test_after_a_restart_nothing_is_raised_before_enough_is_seen() -> None:
    """Neither what was pending nor what is half seen raises, and a standing alarm waits until it can be told."""
    when = {"kind": "window", "metric": "amp_temp_c", "take": "mean", "over": "10m", "above": "50"}
    pending, active = rule(when, **{"for": "5m"}), rule(when, id="active")
    stage = Stage(pending, active)
    stage.step(*(sample(NOON + minute * MINUTE, amp_temp_c=60.0) for minute in range(12)), tick(NOON + 11 * MINUTE))
    assert [alarm.rule for alarm in stage.engine.active()] == ["active"]
    assert stage.restart() == []
    begin = NOON + 12 * MINUTE
    told = stage.step(online(begin), *(sample(begin + minute * MINUTE, amp_temp_c=20.0) for minute in range(9)), tick(begin + 8 * MINUTE))
    assert told == []
    later = begin + 9 * MINUTE
    assert stage.step(*(sample(later + minute * MINUTE, amp_temp_c=20.0) for minute in range(4)))[0].startswith("cleared active")


def test_time_that_nobody_could_hear_is_not_time_without_change() -> None:
    """The same value before and after an outage says nothing of what was between."""
    stage = Stage(rule({"kind": "stuck", "metric": "amp_temp_c", "over": "10m"}))
    stage.step(online(NOON), *(sample(NOON + minute * MINUTE, amp_temp_c=40.0) for minute in range(9)))
    stage.step(offline(NOON + 12 * MINUTE))
    back = NOON + 60 * MINUTE
    assert stage.step(online(back), *(sample(back + minute * MINUTE, amp_temp_c=40.0) for minute in range(11))) == []
    assert stage.step(sample(back + 11 * MINUTE, amp_temp_c=40.0)) == [f"raised rule {(back + 11 * MINUTE - NOON) / SECOND:g}"]


def test_a_counter_that_begins_anew_is_followed_from_there() -> None:
    """The next month of a SIM is not forecast by the last one's course."""
    when = {"kind": "forecast", "metric": "data_used_mb", "over": "10m", "rises_to": "100", "within": "10m", "restarts": "true"}
    before = [sample(NOON + minute * MINUTE, data_used_mb=8.0 * minute) for minute in range(11)]
    assert computed(when, before) == pytest.approx(2.5)
    assert computed(when, [*before, sample(NOON + 11 * MINUTE, data_used_mb=0.0)]) is None


def test_families_without_such_rules_compute_nothing() -> None:
    """Their values are the sample's own tuple."""
    memory = DeviceMemory(family_rules(FAMILIES["speaker"], [rule({"kind": "absence"})], ZONE))
    one = sample(NOON, **{metric.name: "0" for metric in FAMILIES["speaker"].metrics})
    memory.take(one)
    assert memory.values is one.values
    assert memory.histories == []
