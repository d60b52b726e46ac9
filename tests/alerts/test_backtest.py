"""Stored history through the rules: what live decisions made of it, and what they could not know."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.inputs import Input
from alerts.proving import chronicle as chronicles
from alerts.proving.backtest import Span, run, warm_up
from alerts.proving.chronicle import TooMuchError
from alerts.proving.course import Course
from alerts.proving.history import History
from alerts.proving.report import Report, difference, found_later, night_of, nights_in, report
from alerts.rule import Rule
from ioc.domain.point import Point
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.sample import Value
from proving.live import MINUTE, SECOND, START, ZONE, Live, backdrop, devices
from proving.shelf import Shelf
from ruling.stage import FAMILIES, rule, sample, shipped_rules

NAMES = ("d1", "d2", "d3")
FINE: dict[str, Value] = {"state": "idle", "amp_temp_c": 40.0}
HOUR = 60 * MINUTE


async def backtested(
    points: Sequence[Point],
    *,
    end: int,
    rules: Sequence[Rule] | None = None,
    seed: int = 0,
    names: Sequence[str] = NAMES,
    warm: int | None = None,
) -> tuple[Report, History]:
    """The report from `START` to `end`, and the history behind it."""
    scenery = backdrop(rules)
    known = devices(*names)
    course, history = Course(scenery, known), History(FAMILIES, {one.device: one for one in known})
    span = Span(start=START, end=end, warm_up=warm_up(scenery.rules, FAMILIES.values()) if warm is None else warm)
    await run(Shelf(points, Random(seed)), history, [course], span, reached=lambda _: None)
    return report(course.chronicle, START, ZONE), history


async def night(live: Live) -> int:
    """An hour and a half: one device overheats and cools down, one falls silent and comes back, then we hear nothing for a while."""
    await live.begin()
    all_fine = dict.fromkeys(NAMES, FINE)
    await live.pass_time(10 * MINUTE, all_fine)
    await live.pass_time(10 * MINUTE, {**all_fine, "d1": {"state": "playing", "audio_dbfs": -20.0, "amp_temp_c": 95.0}})
    await live.pass_time(20 * MINUTE, {"d1": FINE, "d2": {}, "d3": FINE})
    await live.pass_time(10 * MINUTE, all_fine)
    await live.pass_time(10 * MINUTE, {}, blind=True)
    await live.pass_time(30 * MINUTE, all_fine)
    return live.hand.now


async def test_backtest_of_a_night_finds_what_live_found() -> None:
    """The same alarms, neither more nor fewer, and as many messages: the engine is the same."""
    live = Live(devices(*NAMES))
    end = await night(live)
    found, history = await backtested(live.points, end=end)
    raised = [(one.rule, one.device) for one in found.alarms]
    assert raised == [("speaker_amp_overheating", "d1"), ("speaker_amp_warm", "d1"), ("speaker_offline", "d2"), ("ioc_blind", None)]
    assert found_later(found, history.live.values(), START, end) == ([], [])
    said = [(message.channel, message.event) for message in live.hand.chronicle.messages]
    assert [(message.channel, message.event) for message in found.messages] == said
    assert found.nights() == {"2026-03-05": {"ops": len(said)}}


async def test_backtest_finds_later_what_came_too_late_for_live() -> None:
    """Samples that lay in a device's buffer are stored and change no live alarm; a backtest sees them in their own time."""
    live = Live(devices(*NAMES))
    await live.begin()
    await live.pass_time(10 * MINUTE, dict.fromkeys(NAMES, FINE))
    await live.pass_time(20 * MINUTE, {"d2": FINE, "d3": FINE})
    for minute in range(10, 20):
        await live.tell(sample(START + minute * MINUTE, "d1", live=False, arrival=live.hand.now, state="fault"))
    await live.pass_time(10 * MINUTE, dict.fromkeys(NAMES, FINE))
    found, history = await backtested(live.points, end=live.hand.now)
    later, missed = found_later(found, history.live.values(), START, live.hand.now)
    assert [(one.rule, one.device) for one in later] == [("speaker_fault", "d1")]
    assert missed == []


async def test_alarm_that_the_rules_would_not_raise_is_only_live() -> None:
    """Without the rule its live alarm is left over."""
    live = Live(devices(*NAMES))
    end = await night(live)
    fewer = [one for one in shipped_rules() if one.id != "speaker_amp_overheating"]
    found, history = await backtested(live.points, end=end, rules=fewer)
    later, missed = found_later(found, history.live.values(), START, end)
    assert (later, [(one.rule, one.device) for one in missed]) == ([], [("speaker_amp_overheating", "d1")])


def offline(device: str, at: int) -> Point:
    return Point.of("availability", (("device", device),), {"online": 0, "state": "offline", "cause": "silence"}, at)


async def test_device_that_was_never_heard_is_offline_once_it_could_have_been_heard() -> None:
    """It is written down as offline at once; one that is heard soon was never called so, one that stays silent was."""
    online = Point.of("availability", (("device", "d1"),), {"online": 1, "state": "online", "cause": "arrival"}, START + 20 * SECOND)
    points = [offline("d1", START), online, *(offline("d2", START + minute * MINUTE) for minute in (0, 5, 10))]
    found, _ = await backtested(points, end=START + 15 * MINUTE)
    assert [(one.rule, one.device, one.begin) for one in found.alarms] == [("speaker_offline", "d2", START + 5 * MINUTE)]


async def test_months_in_which_nothing_was_stored_pass_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decided while nothing comes in and nothing waits; what comes afterwards is decided as ever."""
    steps: list[int] = []
    step = Course.step

    def counted(course: Course, inputs: Sequence[Input], now: int, *, hearing: bool) -> None:
        steps.append(now)
        step(course, inputs, now, hearing=hearing)

    monkeypatch.setattr(Course, "step", counted)
    late = START + 90 * 24 * HOUR
    points = [*stored([]), *(Point.of("speaker", (("device", "d1"),), {"state": "fault"}, late + n * MINUTE) for n in range(3))]
    found, _ = await backtested(points, end=late + HOUR)
    assert [(one.rule, one.device, one.begin) for one in found.alarms] == [("speaker_fault", "d1", late + 30 * SECOND)]
    assert len(steps) < 2 * HOUR // (5 * SECOND)


async def test_what_stood_at_the_beginning_is_not_new() -> None:
    """Rules run a while before the span."""
    live = Live(devices("d1"))
    await live.begin()
    await live.pass_time(40 * MINUTE, {"d1": {"state": "fault"}})
    known, scenery = devices("d1"), backdrop()
    course, history = Course(scenery, known), History(FAMILIES, {one.device: one for one in known})
    span = Span(start=START + 30 * MINUTE, end=START + 40 * MINUTE, warm_up=15 * MINUTE)
    await run(Shelf(live.points, Random(0)), history, [course], span, reached=lambda _: None)
    found = report(course.chronicle, span.start, ZONE)
    assert (found.alarms, found.standing) == ([], 1)


async def test_two_rule_sets_over_one_history_differ_by_their_alarms() -> None:
    """New, gone, later; and the messages that follow."""
    hot = {"kind": "threshold", "metric": "amp_temp_c", "above": "80"}
    fault = {"kind": "state", "metric": "state", "is": "fault"}
    old = [rule(hot, id="hot"), rule(fault, id="fault")]
    new = [rule(hot, id="hot", **{"for": "3m"}), rule({"kind": "absence"}, id="away")]
    live = Live(devices(*NAMES))
    await live.begin()
    await live.pass_time(10 * MINUTE, {"d1": {"amp_temp_c": 90.0}, "d2": {"state": "fault"}, "d3": FINE})
    await live.pass_time(20 * MINUTE, {"d1": FINE, "d2": FINE})
    known = devices(*NAMES)
    courses = [Course(backdrop(rules), known) for rules in (old, new)]
    history = History(FAMILIES, {one.device: one for one in known})
    await run(Shelf(live.points, Random(0)), history, courses, Span(start=START, end=live.hand.now), reached=lambda _: None)
    found = difference(*(report(course.chronicle, START, ZONE) for course in courses))
    assert [(one.rule, one.device) for one in found.new] == [("away", "d3")]
    assert [(one.rule, one.device) for one in found.gone] == [("fault", "d2")]
    assert [(was.rule, now.begin - was.begin) for was, now in found.later] == [("hot", 3 * MINUTE)]
    assert found.earlier == []


async def test_run_that_raises_too_much_is_ended_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads 200,000 alarms, and no memory has to hold them."""
    live = Live(devices(*NAMES))
    end = await night(live)
    monkeypatch.setattr(chronicles, "MOST", 3)
    with pytest.raises(TooMuchError, match="take a shorter time"):
        await backtested(live.points, end=end)


STORIES = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(0, 60).map(lambda step: START + step * 15 * SECOND),
        st.sampled_from(
            [
                {"amp_temp_c": 95.0},
                {"amp_temp_c": 40.0},
                {"state": "fault"},
                {"state": "idle"},
                {"state": "playing", "audio_dbfs": -80.0},
                {"mains_v": 0.0, "battery_pct": 10.0},
                {"mains_v": 230.0, "battery_pct": 90.0},
            ]
        ),
    ),
    max_size=40,
    unique_by=lambda told: told[:2],
)


def stored(told: Sequence[tuple[str, int, dict[str, float | str]]]) -> list[Point]:
    """A story as points, with every device online."""
    online = {"online": 1, "state": "online", "cause": "arrival"}
    lives = [Point.of("availability", (("device", name),), dict(online), START - MINUTE) for name in NAMES]
    return [*lives, *(Point.of("speaker", (("device", device),), dict(values), at) for device, at, values in told)]


@settings(max_examples=20)
@given(told=STORIES, seed=st.integers(0, 1_000))
async def test_order_of_the_devices_changes_nothing(told: list[tuple[str, int, dict[str, float | str]]], seed: int) -> None:
    """However a store hands out what happened, alarms and messages are the same, in the same order."""
    points = stored(told)
    one, _ = await backtested(points, end=START + 20 * MINUTE, warm=2 * MINUTE)
    other, _ = await backtested(points, end=START + 20 * MINUTE, warm=2 * MINUTE, seed=seed)
    assert one == other


@settings(max_examples=20)
@given(told=STORIES)
async def test_devices_together_raise_what_each_raises_alone(told: list[tuple[str, int, dict[str, float | str]]]) -> None:
    """No rule of one device hears of another."""
    points = stored(told)
    together, _ = await backtested(points, end=START + 20 * MINUTE, warm=2 * MINUTE)
    alone = [await backtested(points, end=START + 20 * MINUTE, warm=2 * MINUTE, names=[name]) for name in NAMES]
    assert sorted(one.id for one in together.alarms) == sorted(one.id for found, _ in alone for one in found.alarms)


TOLD = [
    {},
    FINE,
    {"state": "fault"},
    {"state": "playing", "audio_dbfs": -80.0},
    {"amp_temp_c": 95.0},
    {"amp_temp_c": 77.0},
    {"mains_v": 0.0, "battery_pct": 10.0},
    {"mains_v": 230.0, "battery_pct": 90.0},
]
CHANGES = st.tuples(st.sampled_from(NAMES), st.sampled_from(TOLD), st.integers(1, 15), st.integers(0, 7))


@settings(max_examples=12)
@given(changes=st.lists(CHANGES, min_size=1, max_size=6))
async def test_backtest_raises_what_live_raised_whatever_happened(changes: list[tuple[str, dict[str, Value], int, int]]) -> None:
    """Devices that fail, fall silent and come back, and spells in which we hear nothing: neither more nor fewer alarms."""
    live, values = Live(devices(*NAMES)), dict[str, dict[str, Value]](dict.fromkeys(NAMES, FINE))
    await live.begin()
    for device, told, minutes, luck in changes:
        values = {**values, device: told}
        await live.pass_time(minutes * MINUTE, values, blind=luck == 0)
    await live.pass_time(20 * SECOND, values)  # to a moment at which nothing is just being decided
    found, history = await backtested(live.points, end=live.hand.now)
    assert found_later(found, history.live.values(), START, live.hand.now) == ([], [])


@pytest.mark.parametrize(
    ("at", "evening"),
    [("14:59", None), ("15:00", "2026-03-05"), ("22:59", "2026-03-05"), ("23:00", None)],
)
def test_night_is_that_of_its_evening(at: str, evening: str | None) -> None:
    """22:00 to 06:00 in the site's zone, seven hours ahead of UTC."""
    hour, minute = map(int, at.split(":"))
    moment = START - START % (24 * HOUR) + hour * HOUR + minute * MINUTE
    assert to_rfc3339(moment).startswith(f"2026-03-05T{at}")
    assert night_of(moment, ZONE) == evening


@pytest.mark.parametrize(("hours", "nights"), [(1, 1), (6, 1), (7, 1), (22, 1), (23, 2), (48, 3)])
def test_nights_of_a_span_are_those_that_it_touches(hours: int, nights: int) -> None:
    """From 23:10 on: the same night until 06:00, the next from 22:00."""
    assert nights_in(START, START + hours * HOUR, ZONE) == nights
