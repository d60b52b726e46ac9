"""The look at a few metrics that spares asking every rule."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from alerts.rules import AnyCondition
from alerts.rules.condition import NO_SIDES, Condition, Values
from alerts.screen import Screen
from ruling.stage import FAMILIES

SPEAKER = FAMILIES["speaker"]
READER: TypeAdapter[Condition] = TypeAdapter(AnyCondition)
NUMBERS = ("amp_temp_c", "audio_dbfs", "volume")
STATES = {"state": ("off", "idle", "playing", "fault"), "network": ("2g", "3g", "4g")}
LIMITS = st.integers(-3, 3)

thresholds = st.builds(
    lambda metric, side, limit, width: {
        "kind": "threshold", "metric": metric, side: limit,
        **({} if width is None else {"clear_below": limit - width} if side == "above" else {"clear_above": limit + width}),
    },
    st.sampled_from(NUMBERS), st.sampled_from(("above", "below")), LIMITS, st.none() | st.integers(0, 2),
)  # fmt: skip
states = st.sampled_from(tuple(STATES)).flatmap(
    lambda metric: st.builds(
        lambda how, values: {"kind": "state", "metric": metric, how: values if how == "in" else values[0]},
        st.sampled_from(("is", "is_not", "in")),
        st.lists(st.sampled_from(STATES[metric]), min_size=1, max_size=2, unique=True),
    )
)
leaves: st.SearchStrategy[dict[str, Any]] = (
    thresholds | states | st.just({"kind": "event", "name": "tamper"}) | st.just({"kind": "absence"})
)
conditions = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda how, parts: {how: parts[0] if how == "not" else parts},
        st.sampled_from(("all", "any", "not")),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
samples = st.fixed_dictionaries(
    {
        **{name: st.none() | st.integers(-4, 4).map(float) for name in NUMBERS},
        **{name: st.none() | st.sampled_from(values) for name, values in STATES.items()},
    }
)


def values_of(sample: dict[str, Any]) -> Values:
    return tuple(sample.get(name) for name in SPEAKER.index)


@given(st.lists(conditions, max_size=6), samples)
def test_every_rule_that_holds_is_a_candidate(written: list[dict[str, Any]], sample: dict[str, Any]) -> None:
    """Nothing that holds is passed over, and candidates come in the order of the rules."""
    compiled = [READER.validate_python(one).compiled(SPEAKER, ("when",)) for one in written]
    values = values_of(sample)
    candidates = Screen([one.needs for one in compiled]).candidates(values)
    holding = {number for number, one in enumerate(compiled) if one.holds(values, NO_SIDES, None)}
    assert holding <= set(candidates)
    assert list(candidates) == sorted(set(candidates))


def test_rules_whose_metrics_are_within_their_limits_are_passed_over() -> None:
    """A usual sample asks no rule at all."""
    written = [
        {"kind": "threshold", "metric": "amp_temp_c", "above": 80},
        {"kind": "threshold", "metric": "audio_dbfs", "below": -50},
        {"all": [{"kind": "state", "metric": "state", "is": "playing"}, {"kind": "threshold", "metric": "volume", "below": 5}]},
        {"kind": "state", "metric": "state", "is": "fault"},
        {"kind": "event", "name": "tamper"},
    ]
    screen = Screen([READER.validate_python(one).compiled(SPEAKER, ("when",)).needs for one in written])
    usual = {"amp_temp_c": 40.0, "audio_dbfs": -20.0, "state": "playing", "volume": 60}
    assert list(screen.candidates(values_of(usual))) == []
    assert list(screen.candidates(values_of({**usual, "amp_temp_c": 81.0, "state": "fault"}))) == [0, 3]
    assert list(screen.candidates(values_of({**usual, "volume": 1, "state": "idle"}))) == []
    assert list(screen.candidates(values_of({**usual, "volume": 1}))) == [2]


@given(st.lists(conditions, max_size=6), st.lists(samples, min_size=1, max_size=8))
def test_many_samples_are_marked_wherever_one_has_candidates(written: list[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    """Whole columns give what each sample by itself gives; nothing that may hold is left unmarked."""
    rules = [READER.validate_python(one) for one in written]
    screen = Screen([one.compiled(SPEAKER, ("when",)).needs for one in rules])
    rows = [values_of(sample) for sample in told]
    marked = screen.marked(lambda position: [row[position] for row in rows])
    having = {number for number, row in enumerate(rows) if screen.candidates(row)}
    assert marked is None or having <= marked
    assert marked is not None or having == {*range(len(rows))}
