"""Payloads: what is stored, what each misfit costs."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.decode import Fields, LenientDecoder, compile_decoder
from collectors.events import MAX_BODY, decode_event, decode_status
from collectors.lenient import RefusedError
from ioc.domain.family import Family
from ioc.domain.sample import Reason

TS = 1_700_000_000_000


def read(family: Family, payload: bytes) -> dict[str, object]:
    fields = compile_decoder(family)(payload)
    return {metric.name: value for metric, value in zip(family.metrics, fields.values, strict=True) if value is not None}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"ts":1,"state":"off","volume":70}', {"state": "off", "volume": 70}),
        ('{"volume":70.0}', {"volume": 70}),
        ('{"amp_temp_c":41}', {"amp_temp_c": 41.0}),
        ('{"door_open":1}', {"door_open": 1}),
        ('{"door_open":1.0,"volume":3}', {"door_open": 1, "volume": 3}),
        ('{"free_mb":100000000000000000000000,"volume":3.0}', {"free_mb": 1e23, "volume": 3}),
        ('{"door_open":true,"volume":null}', {"door_open": 1}),
        ('{"bulletin":"Hòa Bình"}', {"bulletin": "Hòa Bình"}),
        ('{"state":"idle","volume":3}\x00', {"state": "idle", "volume": 3}),
        ('\ufeff{"state":"idle"}', {"state": "idle"}),
    ],
)
def test_value_is_kept_where_nothing_is_lost(families: dict[str, Family], payload: str, expected: dict[str, object]) -> None:
    """Int and float convert, 0 and 1 are booleans, strings are NFC, null is absent."""
    assert read(families["speaker"], payload.encode()) == expected


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ('"volume":"loud"', Reason.WRONG_TYPE),
        ('"volume":70.5', Reason.WRONG_TYPE),
        ('"volume":true', Reason.WRONG_TYPE),
        ('"volume":101', Reason.OUT_OF_RANGE),
        ('"state":"dancing"', Reason.UNKNOWN_VALUE),
        ('"amp_temp_c":1e400', Reason.NOT_FINITE),
        ('"amp_temp_c":NaN', Reason.NOT_FINITE),
        ('"amp_temp_c":-Infinity', Reason.NOT_FINITE),
        ('"uptime_s":1208925819614629174706176', Reason.NOT_FINITE),
        ('"bulletin":"' + "x" * 129 + '"', Reason.TOO_LONG),
        ('"bulletin":"\\ud800"', Reason.NOT_UTF8),
        ('"bulletin":"' + "\u0958" * 128 + '"', Reason.TOO_LONG),
        ('"seq":[1]', Reason.WRONG_TYPE),
        ('"seq":1.5', Reason.WRONG_TYPE),
        ('"ts":"yesterday"', Reason.BAD_TIME),
        ('"ts":-5', Reason.BAD_TIME),
        ('"door_open":2', Reason.WRONG_TYPE),
        ('"volume":{"deep":1}', Reason.WRONG_TYPE),
    ],
)
def test_misfit_costs_that_field_only(families: dict[str, Family], field: str, reason: Reason) -> None:
    """The other fields are stored and the reason names the field."""
    payload = "{" + field + ',"rssi_dbm":-70}'
    fields = compile_decoder(families["speaker"])(payload.encode())
    assert [refusal.reason for refusal in fields.refusals] == [reason]
    assert fields.refusals[0].field == field.split('"')[1]
    assert read(families["speaker"], payload.encode()) == {"rssi_dbm": -70}


def test_out_of_range_value_is_shown_though_not_stored(families: dict[str, Family]) -> None:
    """`refused` carries it to the people."""
    fields = compile_decoder(families["speaker"])(b'{"volume":140,"state":"idle"}')
    assert fields.refused == (("volume", 140),)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b'{"state":"id', Reason.NOT_JSON),
        (b"[1,2]", Reason.NOT_OBJECT),
        (b"\xff\xfe", Reason.NOT_UTF8),
        (b'{"ts":1}', Reason.NO_KNOWN_METRIC),
        (b'{"volume":null}', Reason.NO_KNOWN_METRIC),
        (b'{"colour":"red"}', Reason.NO_KNOWN_METRIC),
        (b'{"volume":"x"}', Reason.NO_USABLE_FIELD),
        (b'{"state":"idle","x":' + b"[" * 16 + b"]" * 16 + b"}", Reason.TOO_DEEP),
        (b"[" * 60_000, Reason.TOO_DEEP),
        (b'{"state":"idle","pad":"' + b"x" * 65_536 + b'"}', Reason.TOO_LARGE),
        (json.dumps({"state": "idle", **{f"k{n}": n for n in range(256)}}).encode(), Reason.TOO_MANY_KEYS),
    ],
)
def test_hopeless_message_is_refused_whole(families: dict[str, Family], payload: bytes, reason: Reason) -> None:
    """Each with its own reason."""
    with pytest.raises(RefusedError) as caught:
        compile_decoder(families["speaker"])(payload)
    assert caught.value.reason is reason


def test_unmapped_keys_are_listed(families: dict[str, Family]) -> None:
    """Schema drift is shown, not punished."""
    fields = compile_decoder(families["speaker"])(b'{"state":"idle","colour":"red"}')
    assert fields.unmapped == ("colour",)
    assert fields.refusals == ()


@pytest.mark.parametrize(
    ("text", "ms"), [("2023-11-14T22:13:20Z", TS), ("2023-11-15T05:13:20.000+07:00", TS), ("2023-11-15 05:13:20+07:00", TS)]
)
def test_ts_as_rfc3339_with_offset_is_unix_ms(families: dict[str, Family], text: str, ms: int) -> None:
    """An offset is required."""
    assert compile_decoder(families["speaker"])(json.dumps({"ts": text, "state": "idle"}).encode()).ts == ms


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["ts", "seq", "state", "volume", "amp_temp_c", "door_open", "bulletin", "uptime_s", "other"])


@settings(max_examples=300)
@given(st.dictionaries(KEYS, JSON, max_size=9))
def test_fast_and_lenient_path_agree_wherever_both_answer(families: dict[str, Family], document: dict[str, object]) -> None:
    """The typed struct is only faster."""
    payload = json.dumps(document).encode()
    family = families["speaker"]
    results: list[Fields | Reason] = []
    for decode in (compile_decoder(family), LenientDecoder(family).decode):
        try:
            results.append(decode(payload))
        except RefusedError as error:
            results.append(error.reason)
    assert results[0] == results[1]


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_decoders_answer_any_bytes_with_fields_or_a_reason(families: dict[str, Family], payload: bytes) -> None:
    """A device's bad bytes are data, never an exception of another kind."""
    for decode in (compile_decoder(families["speaker"]), decode_event, decode_status):
        try:
            decode(payload)
        except RefusedError as error:
            assert isinstance(error.reason, Reason)  # noqa: PT017  any other exception fails the test


def test_event_keeps_its_json_and_name() -> None:
    """Any further keys stay in the body."""
    event = decode_event('{"ts":1,"event":"tamper","cửa":"mở"}'.encode())
    assert event.name == "tamper"
    assert json.loads(event.body) == {"ts": 1, "event": "tamper", "cửa": "mở"}


def test_event_that_is_too_long_still_happened() -> None:
    """Its body is replaced by a mark; the whole goes to quarantine as a copy."""
    event = decode_event(json.dumps({"event": "reboot", "log": "x" * 5000}).encode())
    assert len(event.body) <= MAX_BODY
    assert json.loads(event.body) == {"event": "reboot", "truncated": True}
    assert event.refusals[0].reason is Reason.TOO_LONG


@pytest.mark.parametrize("payload", [b'{"event":"Tamper"}', b'{"event":5}', b"{}"])
def test_event_without_a_proper_name_is_refused(payload: bytes) -> None:
    """Names are [a-z][a-z0-9_]{0,63}."""
    with pytest.raises(RefusedError) as caught:
        decode_event(payload)
    assert caught.value.reason is Reason.BAD_EVENT
