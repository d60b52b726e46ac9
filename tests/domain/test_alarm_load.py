"""What a site's alarms ask of its operators."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.alarm import Alarm, Severity, Step, Transition
from ioc.domain.alarm_load import DAY_MS, TEN_MINUTES_MS, AlarmLoad, alarm_load

START = 1_763_856_000_000
MINUTE = 60_000


def entry(at: int, alarm: str, step: Step = Step.RAISED, *, rule: str = "silent", device: str = "d1", seq: int = 0) -> Transition:
    """A journal entry of a major alarm, `at` ms after the start."""
    return Transition(
        seq=seq or at + 1, alarm=alarm, rule=rule, severity=Severity.MAJOR, device=device, unit="u1", step=step, at=START + at,
        recorded=START + at, by="sample",
    )  # fmt: skip


def load(*entries: Transition, standing: tuple[Alarm, ...] = (), hours: int = 8, operators: int = 1) -> AlarmLoad:
    """Of a shift."""
    return alarm_load(entries, standing, start=START, end=START + hours * 3_600_000, operators=operators)


def values(found: AlarmLoad) -> dict[str, tuple[float, bool]]:
    """Measure → value and whether it is kept."""
    return {one.measure: (round(one.value, 3), one.holds) for one in found.findings}


def test_quiet_shift_keeps_every_limit() -> None:
    """Twelve different alarms in eight hours: one in forty minutes."""
    found = load(*[entry(n * 40 * MINUTE, f"a{n}", device=f"d{n}") for n in range(12)])
    kept = values(found)
    assert kept["alarms_per_operator_and_10_min"] == (0.25, True)
    assert kept["share_of_time_in_flood"] == (0.0, True)
    assert kept["chattering_alarms"] == (0, True)
    assert found.by_severity["major"] == found.raised == 12


def test_flood_lasts_until_ten_minutes_have_few() -> None:
    """Eleven, then seven, then four: twenty minutes of flood, for one operator; for two it is none."""
    busy = [entry(n * 1_000, f"a{n}", device=f"d{n}") for n in range(11)]
    busy += [entry(TEN_MINUTES_MS + n * 1_000, f"b{n}", device=f"e{n}") for n in range(7)]
    busy += [entry(2 * TEN_MINUTES_MS + n * 1_000, f"c{n}", device=f"f{n}") for n in range(4)]
    (flood,) = load(*busy).floods
    assert (flood.start, flood.end, flood.alarms) == (START, START + 2 * TEN_MINUTES_MS, 18)
    assert values(load(*busy))["share_of_time_in_flood"] == (round(20 / 480, 3), False)
    assert load(*busy, operators=2).floods == []
    busiest = load(*busy).busiest
    assert busiest is not None
    assert (busiest.start, busiest.alarms) == (START, 11)


def test_what_chatters_and_what_stands_is_named() -> None:
    """Three raises within a minute; a day and longer without an end."""
    found = load(
        *[entry(n * 20_000, f"a{n}", device="bad") for n in range(3)],
        *[entry(n * 3_600_000, f"b{n}", device="often") for n in range(4)],
        standing=(
            Alarm(id="old", rule="silent", severity=Severity.MINOR, since=START - DAY_MS),
            Alarm(id="new", rule="silent", severity=Severity.MINOR, since=START),
        ),
    )
    assert [(one.device, one.times, one.chatters) for one in found.often] == [("often", 4, False), ("bad", 3, True)]
    assert found.standing == ["old"]


def test_share_of_the_top_ten_is_judged_where_there_are_enough() -> None:
    """Ten of two hundred different alarms are five percent."""
    many = [entry(n * 60_000, f"a{n}", device=f"d{n}") for n in range(200)]
    assert values(load(*many))["share_of_top_10"] == (0.05, True)
    assert "share_of_top_10" not in values(load(*many[:199]))


def test_time_to_acknowledge_counts_from_when_we_knew() -> None:
    """What was raised before the span, or acknowledged twice, counts not, or once."""
    found = load(
        entry(0, "a"),
        entry(60_000, "a", Step.ACKNOWLEDGED),
        entry(70_000, "a", Step.ACKNOWLEDGED),
        entry(80_000, "b"),
        entry(100_000, "b", Step.ACKNOWLEDGED),
        entry(110_000, "earlier", Step.ACKNOWLEDGED),
    )
    assert (found.acknowledged, found.acknowledge_median_ms, found.acknowledge_p95_ms) == (2, 40_000, 60_000)


@given(st.lists(st.tuples(st.integers(0, 8 * 60 - 1), st.integers(0, 5)), max_size=60), st.integers(0, 2**32))
def test_every_alarm_is_counted_once_whatever_the_order(raises: list[tuple[int, int]], seed: int) -> None:
    """The report is the same for any order of entries; its parts sum up."""
    entries = [entry(minute * MINUTE, f"a{n}", device=f"d{device}", seq=n + 1) for n, (minute, device) in enumerate(raises)]
    shuffled = random.Random(seed).sample(entries, len(entries))
    found = load(*entries)
    assert load(*shuffled) == found
    assert sum(found.by_severity.values()) == found.raised == len(raises)
    assert sum(one.times for one in found.often) == len(raises)
    assert sum(flood.alarms for flood in found.floods) <= len(raises)
