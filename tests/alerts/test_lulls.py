"""What a backtest passes over changes nothing of what it finds."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from alerts.calm import Calm
from alerts.engine import Engine
from alerts.proving.backtest import Span, run
from alerts.proving.chronicle import Chronicle
from alerts.proving.course import Course
from alerts.proving.history import History
from alerts.rule import Rule
from ioc.domain.point import FieldValue, Point
from ioc.domain.sample import Sample
from proving.live import MINUTE, SECOND, START, backdrop, devices
from proving.shelf import Shelf
from ruling.stage import FAMILIES, rule, shipped_rules

Fields = dict[str, FieldValue]
NAMES = tuple(f"d{n}" for n in range(9))
HOUR = 60 * MINUTE
TEMP = {"metric": "amp_temp_c", "over": "5m"}
HOT = {"kind": "threshold", "metric": "amp_temp_c", "above": "80", "clear_below": "70"}
PLAYING = {"kind": "state", "metric": "state", "is": "playing"}
IDLE = {"kind": "state", "metric": "state", "is": "idle"}
QUIET = {"kind": "threshold", "metric": "audio_dbfs", "below": "-50"}
MAINS_LOW = {"kind": "threshold", "metric": "mains_v", "below": "180"}
TAMPER = {"kind": "event", "name": "tamper"}
PASSED_OVER: list[dict[str, Any]] = [
    HOT,
    MAINS_LOW,
    {"kind": "state", "metric": "state", "in": ["off", "fault"]},
    {"all": [PLAYING, QUIET]},
    {"any": [HOT, PLAYING]},
    {"all": [TAMPER, HOT]},
    TAMPER,
    {"all": [TAMPER, IDLE]},
    {"kind": "absence"},
    {"kind": "increase", "metric": "uptime_s", "over": "5m", "above": "3"},
]
"""Kinds that leave most samples alone."""
ASKED: list[dict[str, Any]] = [
    {"kind": "state", "metric": "state", "is_not": "idle"},
    {"not": PLAYING},
    {"kind": "rate", **TEMP, "above": "5"},
    {"kind": "window", "take": "mean", **TEMP, "above": "75"},
    {"kind": "stuck", **TEMP},
    {"kind": "forecast", **TEMP, "rises_to": "95", "within": "30m"},
    {"kind": "group", "at_least": "2", "of": HOT},
]
"""Kinds that have to see each."""
KEYS: list[dict[str, Any]] = [
    {},
    {"for": "90s"},
    {"for": "10m"},
    {"keep_firing_for": "70s"},
    {"latched": True},
    {"between": ("23:30", "23:50")},
    {"suppressed_while": MAINS_LOW},
    {"suppressed_while": {"rule": "r_0"}},
    {"latched": True, "suppressed_while": MAINS_LOW},
]
FINE: Fields = {"state": "idle", "amp_temp_c": 40.0, "mains_v": 230.0, "audio_dbfs": -85.0, "carrier": "Viettel"}
TOLD: list[Fields] = [
    FINE,
    FINE,
    FINE,
    {**FINE, "amp_temp_c": 85.0},
    {**FINE, "amp_temp_c": 75.0},
    {**FINE, "state": "playing"},
    {**FINE, "state": "fault", "carrier": "VinaPhone"},
    {**FINE, "mains_v": 100.0},
    {"state": "idle"},
    {"state": "playing"},
    {"amp_temp_c": 85.0},
    {"uptime_s": 5, "carrier": "MobiFone"},
    {},
]


def some_rules(dice: Random) -> list[Rule]:
    """Of one to four kinds; a group's texts are its own."""
    found = []
    for number in range(dice.randint(1, 4)):
        when, keys = dice.choice(PASSED_OVER), dict(dice.choice(KEYS))
        if number == 3:
            when = dice.choice(ASKED)
        if when.get("kind") == "group":
            keys = {"summary": {"vi": "{value}", "en": "{value}"}}
        if "event" in str(when):
            keys.pop("for", None)
        if keys.get("suppressed_while") == {"rule": "r_0"} and not number:
            keys = {}
        found.append(rule(when, id=f"r_{number}", **keys))
    return found


Spell = tuple[list[str], Fields, int, str | None]
"""Some devices, what they tell instead of being fine, for how many minutes, and what happens besides."""


def some_spells(dice: Random) -> list[Spell]:
    """Often of the same devices one after the other."""
    some, spells = dice.sample(NAMES, 4), list[Spell]()
    for _ in range(dice.randint(4, 9)):
        if dice.random() < 0.5:
            some = dice.sample(NAMES, dice.randint(1, 7))
        spells.append((some, dice.choice(TOLD), dice.randint(1, 25), dice.choice([None, None, "offline", "tamper", "blind"])))
    return spells


def lives(device: str, state: str, at: int) -> Point:
    cause = "arrival" if state == "online" else "silence"
    return Point.of("availability", (("device", device),), {"online": int(state == "online"), "state": state, "cause": cause}, at)


def blind(step: str, at: int) -> Point:
    return Point.of("alarm", (("rule", "ioc_blind"), ("severity", "critical")), {"id": "b", "transition": step}, at)


def stored(spells: Sequence[Spell], *, told_online: Sequence[str] = NAMES) -> Iterator[Point]:
    """Everybody is fine once a minute, around the end of pieces, but in each spell some devices tell something else, nothing, or fall."""
    now = START
    yield from (lives(name, "online", now) for name in told_online)
    for some, told, minutes, what in spells:
        for minute in range(minutes):
            for place, name in enumerate(NAMES):
                fields = told if name in some else FINE
                if fields and not (what == "offline" and name in some):
                    yield Point.of("speaker", (("device", name),), dict(fields), now + minute * MINUTE + 55_500 + place * 700)
        for name in some if what in {"offline", "tamper"} else ():
            if what == "tamper":
                yield Point.of("event", (("device", name), ("event", "tamper")), {"body": "{}"}, now + 17 * SECOND)
            else:
                yield lives(name, "offline", now + 20 * SECOND)
                yield lives(name, "online", now + minutes * MINUTE)
        if what == "blind":
            yield blind("raised", now + 10 * SECOND)
            yield blind("cleared", now + minutes * MINUTE - 10 * SECOND)
        now += minutes * MINUTE


async def found(points: Sequence[Point], *sets: Sequence[Rule], step: int = 5 * SECOND) -> list[Chronicle]:
    """What each set of rules makes of it."""
    known = devices(*NAMES)
    courses = [Course(backdrop(rules), known) for rules in sets]
    history = History(FAMILIES, {one.device: one for one in known})
    span = Span(start=START, end=START + 3 * HOUR, step=step)
    await run(Shelf(points, Random(1)), history, courses, span, reached=lambda _: None)
    return [course.chronicle for course in courses]


async def found_by_asking(points: Sequence[Point], *sets: Sequence[Rule], step: int = 5 * SECOND) -> list[Chronicle]:
    """The same where nothing is passed over."""
    with patch.object(Calm, "marked", lambda _self, _column: None):
        return await found(points, *sets, step=step)


def same(one: Chronicle, other: Chronicle) -> bool:
    return (one.transitions, one.messages, list(one.alarms.items())) == (other.transitions, other.messages, list(other.alarms.items()))


@pytest.mark.parametrize("seed", range(50))
async def test_passing_over_lulls_changes_nothing(seed: int) -> None:
    """Every journal entry, alarm and message is the same as when every sample is told, of one set of rules and of two at once."""
    dice = Random(seed)
    rules, others, points, step = some_rules(dice), some_rules(dice), list(stored(some_spells(dice))), dice.choice((5, 7, 60)) * SECOND
    asked = await found_by_asking(points, rules, others, step=step)
    alone, both = await found(points, rules, step=step), await found(points, rules, others, step=step)
    assert same(alone[0], asked[0])
    assert [same(one, other) for one, other in zip(both, asked, strict=True)] == [True, True]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """The samples that engines see."""
    seen, step = list[Sample](), Engine._sample

    def noted(engine: Engine, sample: Sample) -> None:
        seen.append(sample)
        step(engine, sample)

    monkeypatch.setattr(Engine, "_sample", noted)
    return seen


FELL: list[Spell] = [([], FINE, 60, None), (["d1"], {**FINE, "state": "fault"}, 10, None), ([], FINE, 90, None)]


async def test_calm_devices_are_not_asked_about(asked: list[Sample]) -> None:
    """One of nine has a fault for ten minutes: once all are known to be online, only its samples around that are told."""
    rules = [one for one in shipped_rules() if one.family == "speaker"]
    chronicle = (await found(list(stored(FELL)), rules))[0]
    assert [(one.rule, one.device) for one in chronicle.alarms.values()] == [("speaker_fault", "d1")]
    later = [one for one in asked if one.ts >= START + 5 * MINUTE]
    assert {one.device for one in later} == {"d1"}
    assert len(later) < 30


async def test_devices_whose_samples_are_counted_are_asked_about_always(asked: list[Sample]) -> None:
    """Whoever looks back needs every sample."""
    await found(list(stored(FELL)), [rule({"kind": "rate", **TEMP, "above": "5"})])
    assert len(asked) == 9 * 160


PLAIN: Spell = ([], FINE, 10, None)
SPARSE: Spell = (["d1"], {"state": "idle"}, 30, None)
STORIES: dict[str, tuple[Rule, list[Spell]]] = {
    "a sound level told once holds for a device that tells only what is new": (
        rule({"all": [PLAYING, QUIET]}),
        [PLAIN, SPARSE, (["d1"], {"state": "playing"}, 10, None)],
    ),
    "an event long after the last sample finds what was said then": (
        rule({"all": [TAMPER, IDLE]}),
        [PLAIN, (["d1"], {}, 40, None), (["d1"], {}, 5, "tamper")],
    ),
    "a group hears of each member": (
        rule(ASKED[-1], summary={"vi": "{value}", "en": "{value}"}),
        [PLAIN, (["d1", "d2"], {**FINE, "amp_temp_c": 85.0}, 10, None), PLAIN],
    ),
    "an alarm that stands until somebody resets it may be suppressed long after": (
        rule(HOT, latched=True, suppressed_while=MAINS_LOW),
        [PLAIN, (["d1"], {**FINE, "amp_temp_c": 85.0}, 10, None), PLAIN, (["d1"], {**FINE, "mains_v": 100.0}, 20, None), PLAIN],
    ),
}


@pytest.mark.parametrize("told_online", [NAMES, ()])
@pytest.mark.parametrize("story", STORIES)
async def test_what_lulls_leave_behind_is_found(story: str, told_online: Sequence[str]) -> None:
    """An alarm that needs more than the sample by which it is raised."""
    what, spells = STORIES[story]
    points = list(stored(spells, told_online=told_online))
    passed, told = (await found(points, [what]))[0], (await found_by_asking(points, [what]))[0]
    assert passed.alarms
    assert same(passed, told)


async def test_outage_is_explained_by_what_calm_devices_said() -> None:
    """Who stays counts for what those that fell have in common, as it is now: three came over to their carrier while all was calm."""
    away: list[Spell] = [([], FINE, 30, None), ([*NAMES[:6]], FINE, 20, "offline"), ([], FINE, 30, None)]
    points = [
        _with(one, carrier="MobiFone") if one.ts < START + 15 * MINUTE and one.tags[0][1] in NAMES[6:] else one for one in stored(away)
    ]
    rules = [rule({"kind": "absence"})]
    passed, told = (await found(points, rules))[0], (await found_by_asking(points, rules))[0]
    assert any("Phường Việt Trì" in str(message.body, "utf-8") for message in passed.messages)
    assert same(passed, told)


def _with(point: Point, **fields: FieldValue) -> Point:
    return Point.of(point.measurement, point.tags, {**point.fields, **fields}, point.ts) if point.measurement == "speaker" else point
