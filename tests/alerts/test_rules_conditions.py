"""Each kind of condition: what it says of values, and how it is read from a file."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from alerts.rule import Rule
from alerts.rules import KINDS, AnyCondition
from alerts.rules.condition import NO_SIDES, Condition, Values
from ruling.stage import FAMILIES, HOT, PLAYING, TEXTS

SPEAKER = FAMILIES["speaker"]
READER: TypeAdapter[Condition] = TypeAdapter(AnyCondition)
WARM = {"kind": "threshold", "metric": "amp_temp_c", "above": "75", "clear_below": "70"}
QUIET = {"kind": "threshold", "metric": "audio_dbfs", "below": "-50", "clear_above": "-45"}
OPEN = {"kind": "state", "metric": "door_open", "is": "true"}


def values(**given: float | str) -> Values:
    """What holds now."""
    return tuple(given.get(name) for name in SPEAKER.index)


def holds(written: dict[str, Any], *, event: str | None = None, **given: float | str) -> bool | None:
    """What a condition says of these values."""
    condition = READER.validate_python(written)
    return condition.compiled(SPEAKER, ("when",)).holds(values(**given), NO_SIDES, event)


@pytest.mark.parametrize(
    ("written", "given", "expected"),
    [
        (HOT, {"amp_temp_c": 80.0}, False),
        (HOT, {"amp_temp_c": 80.1}, True),
        (HOT, {}, None),
        ({"kind": "threshold", "metric": "volume", "below": "0.5"}, {"volume": 0}, True),
        ({"kind": "threshold", "metric": "audio_dbfs", "below": "-50"}, {"audio_dbfs": -50.0}, False),
        ({"kind": "threshold", "metric": "audio_dbfs", "below": "-50"}, {}, None),
        (WARM, {"amp_temp_c": 72.0}, False),
        (QUIET, {"audio_dbfs": -47.0}, False),
        (PLAYING, {"state": "playing"}, True),
        (PLAYING, {"state": "idle"}, False),
        (PLAYING, {}, None),
        ({"kind": "state", "metric": "state", "is": "off"}, {"state": "off"}, True),
        ({"kind": "state", "metric": "state", "is_not": "idle"}, {"state": "off"}, True),
        ({"kind": "state", "metric": "state", "is_not": "idle"}, {"state": "idle"}, False),
        ({"kind": "state", "metric": "state", "is_not": "idle"}, {}, None),
        ({"kind": "state", "metric": "network", "in": ["2g", "3g"]}, {"network": "3g"}, True),
        ({"kind": "state", "metric": "network", "in": ["2g", "3g"]}, {"network": "4g"}, False),
        ({"kind": "state", "metric": "network", "in": ["2g", "3g"]}, {}, None),
        ({"kind": "state", "metric": "network", "in": ["2g"]}, {"network": "2g"}, True),
        (OPEN, {"door_open": 1}, True),
        (OPEN, {"door_open": 0}, False),
        ({"kind": "state", "metric": "volume", "is": "0"}, {"volume": 0}, True),
        ({"kind": "state", "metric": "carrier", "is_not": "Viettel"}, {"carrier": "VinaPhone"}, True),
        ({"kind": "absence"}, {}, None),
        ({"not": PLAYING}, {"state": "idle"}, True),
        ({"not": PLAYING}, {"state": "playing"}, False),
        ({"not": PLAYING}, {}, None),
        ({"all": [PLAYING, HOT]}, {"state": "playing", "amp_temp_c": 90.0}, True),
        ({"all": [PLAYING, HOT]}, {"state": "playing"}, None),
        ({"all": [PLAYING, HOT]}, {"amp_temp_c": 20.0}, False),
        ({"all": [PLAYING, HOT]}, {"state": "idle"}, False),
        ({"all": [PLAYING, HOT, OPEN]}, {"state": "playing", "door_open": 0}, False),
        ({"all": [PLAYING, HOT, OPEN]}, {"state": "playing", "door_open": 1}, None),
        ({"all": [PLAYING, HOT, OPEN]}, {"state": "playing", "door_open": 1, "amp_temp_c": 81.0}, True),
        ({"all": [PLAYING]}, {"state": "playing"}, True),
        ({"any": [PLAYING, HOT]}, {"state": "idle", "amp_temp_c": 90.0}, True),
        ({"any": [PLAYING, HOT]}, {"amp_temp_c": 90.0}, True),
        ({"any": [PLAYING, HOT]}, {"amp_temp_c": 20.0}, None),
        ({"any": [PLAYING, HOT]}, {"state": "idle", "amp_temp_c": 20.0}, False),
    ],
)
def test_says_true_false_or_unknown(written: dict[str, Any], given: dict[str, Any], expected: bool | None) -> None:  # noqa: FBT001
    """Only known values decide; what can't be told stays open."""
    assert holds(written, **given) is expected


def test_sees_an_event_at_its_moment_only() -> None:
    """By its name."""
    tamper = {"kind": "event", "name": "tamper"}
    assert holds(tamper, event="tamper") is True
    assert holds(tamper, event="reboot") is False
    assert holds(tamper) is False
    assert holds({"all": [tamper, PLAYING]}, event="tamper", state="playing") is True


@pytest.mark.parametrize(
    ("written", "given", "on", "expected"),
    [
        (WARM, {"amp_temp_c": 70.0}, {"when"}, True),
        (WARM, {"amp_temp_c": 69.9}, {"when"}, False),
        (WARM, {"amp_temp_c": 70.0}, {"elsewhere"}, False),
        (QUIET, {"audio_dbfs": -45.0}, {"when"}, True),
        (QUIET, {"audio_dbfs": -44.9}, {"when"}, False),
    ],
)
def test_holds_on_its_own_side_until_the_clear_limit(
    written: dict[str, Any],
    given: dict[str, Any],
    on: set[str],
    expected: bool,  # noqa: FBT001
) -> None:
    """A side that was crossed is left at the other limit."""
    compiled = READER.validate_python(written).compiled(SPEAKER, ("when",))
    assert compiled.holds(values(**given), frozenset(on), None) is expected
    assert compiled.sides is not None
    assert compiled.sides(values(**given), frozenset(on)) == ({"when"} if expected else set())
    assert compiled.sides(values(), frozenset({"when", "x"})) == {"when"}


def test_keeps_the_sides_of_several_thresholds() -> None:
    """Each under its own place in the rule."""
    compiled = READER.validate_python({"any": [WARM, {"all": [PLAYING, QUIET]}]}).compiled(SPEAKER, ("when",))
    assert compiled.sides is not None
    assert compiled.sides(values(amp_temp_c=80.0, audio_dbfs=-60.0), NO_SIDES) == {"when.any.0", "when.any.1.all.1"}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"kind": "treshold"}, "did you mean `threshold`"),
        ({"metric": "state"}, "a condition has no kind"),
        ("playing", "a condition is a mapping"),
        ({"kind": "threshold", "metric": "volume"}, "either `above` or `below`"),
        ({"kind": "threshold", "metric": "volume", "above": "1", "below": "2"}, "either `above` or `below`"),
        ({"kind": "threshold", "metric": "volume", "above": "1", "clear_above": "2"}, "write `clear_below`"),
        ({"kind": "threshold", "metric": "volume", "below": "1", "clear_below": "2"}, "write `clear_above`"),
        ({"kind": "threshold", "metric": "volume", "above": "nan"}, "finite number"),
        ({"kind": "threshold", "metric": "volume", "above": "hot"}, "valid number"),
        ({"kind": "rate", "metric": "volume", "over": "10m"}, "either `above` or `below`"),
        ({"kind": "rate", "metric": "volume", "above": "1"}, "over"),
        ({"kind": "window", "metric": "volume", "over": "10m", "take": "median", "above": "1"}, "take"),
        ({"kind": "forecast", "metric": "volume", "over": "1h", "within": "1d"}, "either `rises_to` or `falls_to`"),
        (
            {"kind": "forecast", "metric": "volume", "over": "1h", "within": "1d", "falls_to": "1", "restarts": "true"},
            "a counter does not fall",
        ),
        ({"kind": "group", "at_least": "101%", "of": PLAYING}, "is no part of a group"),
        ({"kind": "group", "at_least": "some", "of": PLAYING}, "is no part of a group"),
        ({"kind": "state", "metric": "state"}, "exactly one of them"),
        ({"kind": "state", "metric": "state", "is": "a", "is_not": "b"}, "exactly one of them"),
        ({"kind": "state", "metric": "state", "in": []}, "lists no values"),
        ({"kind": "event", "name": "Tamper!"}, "should match pattern"),
        ({"kind": "absence", "for": "60s"}, "Extra inputs"),
        ({"all": []}, "no conditions are listed"),
        ({"any": [], "kind": "state"}, "Extra inputs"),
        ({"not": [PLAYING]}, "a condition is a mapping"),
    ],
)
def test_refuses_what_is_no_condition(written: object, words: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(ValidationError, match=words):
        READER.validate_python(written)


def test_knows_every_kind_by_its_name() -> None:
    """A kind's table entry and its own declaration agree."""
    for name, kind in KINDS.items():
        assert kind.model_fields["kind"].annotation.__args__ == (name,)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"action": None}, "action"),
        ({"action": {"vi": "gọi"}}, r"action\.en"),
        ({"for": "five minutes"}, "is not a duration"),
        ({"for": "-1s"}, "is not a duration"),
        ({"between": ["5", "22:00"]}, "is not a time of day"),
        ({"between": ["05:00", "05:00"]}, "same time"),
        ({"between": ["00:00", "24:00"]}, "same time"),
        ({"between": ["05:00"]}, "between"),
        ({"id": "Bad Id"}, "id"),
        ({"severity": "fatal"}, "severity"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_refuses_a_rule_that_is_not_complete_or_not_clear(change: dict[str, Any], words: str) -> None:
    """Above all one without an action: an alarm that nobody can act on is none."""
    written = {"id": "a", "family": "speaker", "severity": "major", "when": PLAYING, **TEXTS, **change}
    with pytest.raises(ValidationError, match=words):
        Rule.model_validate({key: value for key, value in written.items() if value is not None})


def test_reads_durations_and_hours_from_text() -> None:
    """As files hold them."""
    written = {"id": "a", "family": "speaker", "severity": "major", "when": PLAYING, **TEXTS, "for": "1.5m", "between": ["22:00", "4:30"]}
    rule = Rule.model_validate(written)
    assert (rule.for_, rule.keeps_ms) == (90_000, 0)
    assert rule.between is not None
    assert (rule.between.from_, rule.between.to) == (22 * 60, 270)
    event = Rule.model_validate({**written, "for": "0s", "when": {"kind": "event", "name": "tamper"}})
    assert event.keeps_ms == 600_000
    assert Rule.model_validate({**written, "when": {"any": [{"kind": "event", "name": "x"}, PLAYING]}}).keeps_ms == 0
