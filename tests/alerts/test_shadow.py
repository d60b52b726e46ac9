"""Which rules are superfluous beside others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from alerts.rules import AnyCondition
from alerts.rules.condition import NO_SIDES, Condition
from alerts.shadow import covers, implies, shadowed
from ruling.stage import FAMILIES, HOT, PLAYING, rule

SPEAKER = FAMILIES["speaker"]
READER: TypeAdapter[Condition] = TypeAdapter(AnyCondition)
HOTTER = {**HOT, "above": "85"}

thresholds = st.builds(
    lambda metric, side, limit: {"kind": "threshold", "metric": metric, side: limit},
    st.sampled_from(("amp_temp_c", "volume")), st.sampled_from(("above", "below")), st.integers(-2, 2),
)  # fmt: skip
states = st.builds(
    lambda how, values: {"kind": "state", "metric": "state", how: values if how == "in" else values[0]},
    st.sampled_from(("is", "is_not", "in")), st.lists(st.sampled_from(("off", "idle", "playing")), min_size=1, max_size=2, unique=True),
)  # fmt: skip
conditions = st.recursive(
    thresholds | states,
    lambda inner: st.builds(
        lambda how, parts: {how: parts[0] if how == "not" else parts},
        st.sampled_from(("all", "any", "not")), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)  # fmt: skip
samples = st.fixed_dictionaries(
    {
        "amp_temp_c": st.none() | st.integers(-3, 3).map(float),
        "volume": st.none() | st.integers(-3, 3),
        "state": st.none() | st.sampled_from(("off", "idle", "playing", "fault")),
    }
)


@given(conditions, conditions, st.lists(samples, min_size=1, max_size=20))
def test_what_is_implied_always_holds(one: dict[str, Any], other: dict[str, Any], told: list[dict[str, Any]]) -> None:
    """For any values, known or not."""
    narrow, wide = READER.validate_python(one), READER.validate_python(other)
    if implies(narrow, wide):
        tests = [condition.compiled(SPEAKER, ("when",)).holds for condition in (narrow, wide)]
        for sample in told:
            values = tuple(sample.get(name) for name in SPEAKER.index)
            narrow_holds, wide_holds = (test(values, NO_SIDES, None) for test in tests)
            assert wide_holds or not narrow_holds


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (HOTTER, HOT),
        ({"all": [PLAYING, HOTTER]}, HOT),
        (HOT, {"any": [PLAYING, HOT]}),
        ({"any": [HOTTER, {**HOT, "above": "90"}]}, HOT),
        ({"all": [PLAYING, HOTTER]}, {"all": [HOT, PLAYING]}),
        (PLAYING, {"kind": "state", "metric": "state", "in": ["idle", "playing"]}),
        (PLAYING, {"kind": "state", "metric": "state", "is_not": "off"}),
        ({**HOTTER, "clear_below": "75"}, {**HOT, "clear_below": "70"}),
        ({"kind": "absence"}, {"kind": "absence"}),
        *(
            ({**look, "above": "9"}, {**look, "above": "8"})
            for look in (
                {"kind": "rate", "metric": "amp_temp_c", "over": "10m"},
                {"kind": "window", "metric": "amp_temp_c", "over": "10m", "take": "max"},
            )
        ),
    ],
)
def test_finds_the_wider_condition(narrow: dict[str, Any], wide: dict[str, Any]) -> None:
    """In one direction, unless they are alike."""
    one, other = READER.validate_python(narrow), READER.validate_python(wide)
    assert implies(one, other)
    assert implies(other, one) is (narrow == wide)


@pytest.mark.parametrize(
    "narrow",
    [
        {"for": "30s"},
        {"severity": "critical"},
        {"labels": {"team": "x"}},
        {"keep_firing_for": "5m"},
        {"family": "network_site"},
        {"when": {**HOTTER, "clear_below": "60"}},
    ],
)
def test_a_rule_that_says_something_of_its_own_is_not_shadowed(narrow: dict[str, Any]) -> None:
    """Sooner, graver, to others, for longer, or about other devices."""
    keys = {"when": HOTTER, "for": "1m", "id": "narrow", **narrow}
    assert not covers(rule(HOT, id="wide", **{"for": "1m"}), rule(keys.pop("when"), **keys))


def test_of_two_alike_the_later_one_is_named() -> None:
    """And of several the first that is wide enough."""
    rules = [rule(HOT, id="a"), rule(HOT, id="b"), rule(HOTTER, id="c")]
    assert [(place, other.id) for place, other in shadowed(rules)] == [(1, "a"), (2, "a")]
