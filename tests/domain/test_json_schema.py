"""The JSON Schema says what the decoder does: what it stores without a word is valid, what is valid it stores without a word."""

import json
import unicodedata
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.decode import Fields, compile_decoder
from collectors.lenient import RefusedError
from ioc.config.families import load_families
from ioc.domain.family import INT64_MAX, MAX_STRING, Family, Metric, MetricType
from ioc.domain.json_schema import telemetry_schema

LABEL = {"vi": "x", "en": "x"}
PUMP = Family.model_validate(
    {
        "family": "pump",
        "labels": LABEL,
        "cadence": "10s",
        "metrics": {
            "state": {"type": "enum", "values": ["idle", "on"], "labels": LABEL},
            "pct": {"type": "int", "min": "0", "max": "100", "labels": LABEL},
            "count": {"type": "int", "labels": LABEL},
            "temp_c": {"type": "float", "min": "-40", "max": "150", "labels": LABEL},
            "cycle_s": {"type": "float", "above": "0", "labels": LABEL},
            "open": {"type": "bool", "labels": LABEL},
            "text": {"type": "string", "labels": LABEL},
        },
    }
)
DECODE = compile_decoder(PUMP)
VALIDATOR = jsonschema_rs.validator_for(telemetry_schema(PUMP))

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 200),
    st.sampled_from([0.0, 1.0, 0.5, 70.0, -41.0, 151.0, 1e30, float(2**60), 10**30, INT64_MAX, INT64_MAX + 1, -(2**63)]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "idle", "on", "off", "x" * MAX_STRING, "x" * (MAX_STRING + 1), "Hòa Bình"]),
    st.just([1]),
    st.just({"a": 1}),
)


def fitting(metric: Metric) -> st.SearchStrategy[Any]:
    low = metric.min if metric.above is None else metric.above
    match metric.type:
        case MetricType.FLOAT:
            return st.floats(low, metric.max, exclude_min=metric.above is not None, allow_nan=False, allow_infinity=False)
        case MetricType.INT:
            whole = st.integers(int(-INT64_MAX if low is None else low), int(INT64_MAX if metric.max is None else metric.max))
            return whole | whole.filter(lambda number: abs(number) < 2**53).map(float)
        case MetricType.BOOL:
            return st.sampled_from([True, False, 0, 1])
        case MetricType.STRING:
            letters = st.characters(codec="utf-8", exclude_categories=["Cs"])
            return (
                st.text(letters, max_size=MAX_STRING)
                .map(lambda text: unicodedata.normalize("NFC", text)[:MAX_STRING])
                .filter(lambda text: unicodedata.is_normalized("NFC", text))
            )
        case MetricType.ENUM:
            return st.sampled_from(metric.values)


HEAD = {
    "ts": st.none() | st.integers(0, 2**53 - 1) | st.sampled_from(["2026-07-01T10:00:00+07:00", "2026-07-01T10:00:00.123Z"]),
    "seq": st.none() | st.integers(0, 2**40) | st.text("abc", max_size=5),
}
FITTING = st.fixed_dictionaries({}, optional={**HEAD, **{metric.name: st.none() | fitting(metric) for metric in PUMP.metrics}})
WILD = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(["ts", "seq", "firmware"], ANYTHING), **{m.name: ANYTHING for m in PUMP.metrics}}
)


def decoded(document: object) -> Fields | None:
    try:
        return DECODE(json.dumps(document).encode())
    except RefusedError:
        return None


@settings(max_examples=400)
@given(WILD)
def test_what_is_stored_without_refusals_is_valid(document: dict[str, Any]) -> None:
    """A vendor who tests against the schema is never told that a good message is wrong."""
    fields = decoded(document)
    if fields is not None and not fields.refusals:
        VALIDATOR.validate(document)


@settings(max_examples=400)
@given(WILD)
@example({"count": INT64_MAX + 1, "pct": 1})
@example({"ts": 2**53, "pct": 1})
def test_what_is_refused_in_part_is_not_valid(document: dict[str, Any]) -> None:
    """Nor that a bad one is good: each refusal of a field shows in the schema (a time's wording, which is text there, aside)."""
    fields = decoded(document)
    if fields is not None and any(refusal.field != "ts" or isinstance(document["ts"], int | float) for refusal in fields.refusals):
        assert not VALIDATOR.is_valid(document)


@settings(max_examples=300)
@given(FITTING)
def test_what_is_valid_and_says_something_is_stored_whole(document: dict[str, Any]) -> None:
    """At least one metric with a value: then nothing is refused and nothing left over."""
    if document:
        VALIDATOR.validate(document)
    told = {name for name, value in document.items() if value is not None} - {"ts", "seq"}
    fields = decoded(document)
    if not told:
        assert fields is None
        return
    assert fields is not None
    assert fields.refusals == ()
    assert {name for name, position in PUMP.index.items() if fields.values[position] is not None} == told


SHIPPED = load_families([], cadence={}, retention=90 * 86_400_000, problems=[])


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_schema_of_each_shipped_family_is_a_schema_that_asks_for_what_it_says(name: str) -> None:
    """Valid against the meta-schema; every metric has its own rule."""
    schema = telemetry_schema(SHIPPED[name])
    jsonschema_rs.meta.validate(schema)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert set(SHIPPED[name].index) < set(properties)
    for metric in SHIPPED[name].metrics:
        assert not jsonschema_rs.is_valid(schema, {metric.name: {"value": 1}})
