"""Properties of every kind of rule: duplicates change nothing, nor does the order in which devices are heard or a store answers."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.inputs import Input
from alerts.proving.backtest import Span, run
from alerts.proving.course import Course
from alerts.proving.history import History
from alerts.proving.report import report
from alerts.rule import Rule
from alerts.rules import JOINTS, KINDS
from ioc.domain.point import Point
from ioc.domain.sample import DeviceEvent, Sample
from proving.live import MINUTE, START, ZONE, backdrop, devices
from proving.shelf import Shelf
from ruling.stage import FAMILIES, NOON, SECOND, Stage, event, online, rule, sample, tick

NAMES = ("d1", "d2", "d3")
TEMP = {"metric": "amp_temp_c", "over": "5m"}
HOT = {"kind": "threshold", "metric": "amp_temp_c", "above": "80", "clear_below": "70"}
PLAYING = {"kind": "state", "metric": "state", "is": "playing"}
WHEN: dict[str, dict[str, Any]] = {
    "threshold": HOT,
    "state": PLAYING,
    "event": {"kind": "event", "name": "tamper"},
    "absence": {"kind": "absence"},
    "rate": {"kind": "rate", **TEMP, "above": "5"},
    "increase": {"kind": "increase", "metric": "uptime_s", "over": "5m", "above": "100"},
    "window": {"kind": "window", "take": "mean", **TEMP, "above": "75"},
    "stuck": {"kind": "stuck", **TEMP},
    "forecast": {"kind": "forecast", **TEMP, "rises_to": "95", "within": "30m"},
    "group": {"kind": "group", "at_least": "2", "of": HOT},
    "all": {"all": [HOT, PLAYING]},
    "any": {"any": [HOT, PLAYING]},
    "not": {"not": PLAYING},
}
TIMES: dict[str, dict[str, str]] = {"at once": {}, "for": {"for": "90s"}, "keeps": {"keep_firing_for": "70s"}}
GROUP_TEXTS = {"summary": {"vi": "{value}", "en": "{value}"}}


def rules_of(kind: str) -> list[Rule]:
    """The kind with each of the times that it may have: an event lasts but a moment."""
    times = [keys for name, keys in TIMES.items() if (kind, name) != ("event", "for")]
    return [rule(WHEN[kind], id=f"r_{n}", **(GROUP_TEXTS if kind == "group" else {}), **keys) for n, keys in enumerate(times)]


def test_every_kind_is_looked_at() -> None:
    """A new kind has to be given here."""
    assert WHEN.keys() == {*KINDS, *JOINTS}


TOLD = st.fixed_dictionaries(
    {
        "amp_temp_c": st.sampled_from((60.0, 75.0, 85.0, 92.0)),
        "state": st.sampled_from(("idle", "playing")),
        "uptime_s": st.integers(0, 300),
    }
)
TURNS = st.lists(
    st.tuples(st.sampled_from((20, 60, 60, 150)), st.lists(TOLD, min_size=3, max_size=3), st.booleans()), min_size=6, max_size=14
)


def heard(turns: Sequence[tuple[int, list[dict[str, Any]], bool]]) -> list[list[Input]]:
    """For each turn what the three devices tell, and now and then an event."""
    now, found = NOON, []
    for wait, told, tampered in turns:
        now += wait * SECOND
        batch: list[Input] = [sample(now + place, name, **values) for place, (name, values) in enumerate(zip(NAMES, told, strict=True))]
        found.append([*batch, *([event(now + 5, "tamper", "d1")] if tampered else [])])
    return found


def journal(kind: str, batches: Sequence[Sequence[Input]]) -> list[tuple[str, str | None, str, int, str]]:
    """What a life in such batches is told to be, whatever the order within a moment is."""
    stage = Stage(*rules_of(kind), devices=devices(*NAMES))
    stage.step(*(online(NOON, name) for name in NAMES), now=NOON)
    for batch in batches:
        latest = max(one.ts for one in batch if isinstance(one, Sample | DeviceEvent))
        stage.step(*batch, tick(latest + SECOND), now=latest)
    return sorted((one.rule, one.device, one.step.value, one.at, one.alarm) for one in stage.journal)


@pytest.mark.parametrize("kind", [one for one in WHEN if one != "absence"])
@settings(max_examples=12)
@given(turns=TURNS, seed=st.randoms(use_true_random=False))
def test_duplicates_change_nothing(kind: str, turns: Any, seed: Any) -> None:
    """Each message again at once, and any of those before it again at any later time."""
    clean = heard(turns)
    noisy, before = [], list[Input]()
    for batch in clean:
        again = seed.sample(before, min(3, len(before)))
        noisy.append([*again, *(one for each in batch for one in (each, each)), *again])
        before += batch
    assert journal(kind, noisy) == journal(kind, clean)


@pytest.mark.parametrize("kind", [one for one in WHEN if one not in {"absence", "group"}])
@settings(max_examples=12)
@given(turns=TURNS)
def test_order_of_the_devices_within_a_batch_changes_nothing(kind: str, turns: Any) -> None:
    """Which of two devices is heard first says nothing about either; each device's own order stays.

    A group is about both: one that falls before another recovers are two for a moment, the other way round they never are.
    """
    clean = heard(turns)
    other = [sorted(batch, key=lambda one: NAMES.index(one.device), reverse=True) for batch in clean]  # type: ignore[union-attr]
    assert journal(kind, other) == journal(kind, clean)


def stored(turns: Sequence[tuple[int, list[dict[str, Any]], bool]]) -> list[Point]:
    """The same as a store has it, two devices being away for a while."""
    points, now = [_lives(name, "online", START - MINUTE) for name in NAMES], START
    for number, (wait, told, tampered) in enumerate(turns):
        now += wait * SECOND
        points += [Point.of("speaker", (("device", name),), dict(values), now) for name, values in zip(NAMES, told, strict=True)]
        if tampered:
            points.append(Point.of("event", (("device", "d1"), ("event", "tamper")), {"body": "{}"}, now))
        if number in {2, 4}:
            points += [_lives(name, "offline" if number == 2 else "online", now + SECOND) for name in NAMES[:2]]
    return points


def _lives(name: str, state: str, at: int) -> Point:
    cause = "arrival" if state == "online" else "silence"
    return Point.of("availability", (("device", name),), {"online": int(state == "online"), "state": state, "cause": cause}, at)


@pytest.mark.parametrize("kind", list(WHEN))
@settings(max_examples=8)
@given(turns=TURNS, dice=st.randoms(use_true_random=False))
async def test_order_in_which_the_store_answers_changes_no_backtest(kind: str, turns: Any, dice: Any) -> None:
    """The same alarms and messages, however the points of a span come."""
    points, known, found = stored(turns), devices(*NAMES), []
    for order in (Random(0), dice):
        scenery = backdrop(rules_of(kind))
        course = Course(scenery, known)
        history = History(FAMILIES, {one.device: one for one in known})
        await run(Shelf(points, order), history, [course], Span(start=START, end=START + 60 * MINUTE), reached=lambda _: None)
        found.append(report(course.chronicle, START, ZONE))
    assert found[0] == found[1]
