"""Dialects at work: identity, repetitions, units and times; and that no bytes make them fall."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.delivery import Delivery
from collectors.dialect import compile_dialect, read_time
from collectors.ingest import Ingest, Taken
from collectors.lenient import RefusedError
from collectors.redelivery import RedeliveryMemory
from ioc.domain.dialect import Dialect, TimeUnit
from ioc.domain.family import Family
from ioc.domain.sample import Reason, Refusal, Sample

NOW = 1_700_000_000_000
SHIPPED = ("group_heartbeat", "volume_steps", "attenuation_byte", "agent_lines")
TOPICS = [
    b"tx/g/HB1",
    b"tx/h/HB1",
    b"spk/S1/report",
    b"amp/s/A1/state",
    b"telegraf/T1/system",
    b"tx/g/\xff",
    b"tx/g/a b",
    b"tx/g",
    b"box/all",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["sn", "t", "id", "st", "vol", "gps", "lat", "x"]), below),
    max_leaves=20,
)
PAYLOADS = st.one_of(st.binary(max_size=80), JSON.map(lambda one: json.dumps(one).encode()))


def taught(families: dict[str, Family], **dialect: Any) -> dict[str, Family]:
    """The loudspeakers, with one more dialect called `mine`."""
    speaker = families["speaker"]
    mine = Dialect.model_validate({"id": "mine", "topic": "box/{device}", "fields": {"volume": "v"}, **dialect})
    return {"speaker": speaker.model_copy(update={"dialects": (*speaker.dialects, mine)})}


def ingest(families: dict[str, Family], *dialects: str) -> Ingest:
    return Ingest(families, topic_root="ioc/v1", history_limit=10**11, redelivery=RedeliveryMemory(), dialects=dialects or ("mine",))


def sent(topic: str, document: object, at: int = NOW, **flags: Any) -> Delivery:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Delivery(topic.encode(), payload, at, 1, 1, **flags)


def volume(taken: Taken, family: Family) -> object:
    return taken.news.values[family.index["volume"]] if isinstance(taken.news, Sample) else None


@given(st.lists(st.tuples(st.sampled_from(TOPICS), PAYLOADS, st.booleans(), st.booleans()), max_size=12))
def test_any_bytes_on_any_topic_end_in_one_outcome_each(
    families: dict[str, Family], messages: list[tuple[bytes, bytes, bool, bool]]
) -> None:
    """n in, n accounted, in order; none as an error of ours."""
    reader = ingest(taught(families, topic="box/all", device="sn"), "mine", *SHIPPED)
    deliveries = [
        Delivery(topic, payload, NOW, mid, 1, dup=dup, retain=retain) for mid, (topic, payload, dup, retain) in enumerate(messages)
    ]
    taken = reader.read(deliveries)
    assert [one.delivery for one in taken] == deliveries
    assert {one.outcome for one in taken} <= {"stored", "quarantined", "duplicate", "retained"}
    assert not [one for one in taken if any(refusal.reason is Reason.FAULT for refusal in one.refusals)]


@given(PAYLOADS)
def test_decoder_gives_fields_or_refuses(families: dict[str, Family], payload: bytes) -> None:
    """As the family's own decoder does; whatever is stored has a value."""
    for dialect in families["speaker"].dialects:
        with suppress(RefusedError):
            fields = compile_dialect(families["speaker"], dialect)(payload)
            assert any(value is not None for value in fields.values)


def test_device_from_the_payload_has_its_own_clock_and_memory(families: dict[str, Family]) -> None:
    """Many devices on one topic; a message that names none, or a wrong one, is nobody's."""
    known = taught(families, topic="box/all", device="id.sn", duplicate=["n"])
    messages = [{"id": {"sn": "a"}, "v": 1, "n": 1}, {"id": {"sn": "b"}, "v": 2, "n": 1}, {"id": {"sn": "a"}, "v": 9, "n": 1}, {"v": 3}]
    taken = ingest(known).read([sent("box/all", one) for one in [*messages, {"id": {"sn": "a b"}, "v": 4}]])
    assert [(one.device, one.outcome) for one in taken] == [
        ("a", "stored"), ("b", "stored"), ("a", "duplicate"), (None, "quarantined"), (None, "quarantined"),
    ]  # fmt: skip
    assert [one.refusals[0].reason for one in taken[3:]] == [Reason.BAD_DEVICE] * 2
    assert [one.is_arrival for one in taken] == [True, True, True, False, False]


def test_device_from_the_payload_is_known_although_nothing_else_can_be_read(families: dict[str, Family]) -> None:
    """It was heard, and whoever looks at the quarantine sees whose message it was."""
    known = taught(families, topic="box/all", device="id.sn")
    (taken,) = ingest(known).read([sent("box/all", {"id": {"sn": "a"}, "v": "loud"})])
    assert (taken.device, taken.outcome, taken.is_arrival) == ("a", "quarantined", True)


def test_repetition_is_told_by_the_dialects_own_key(families: dict[str, Family]) -> None:
    """The payload may differ in what the key does not name; without the key's parts the whole payload counts."""
    known = taught(families, topic="box/{group}/{device}", time={"path": "t", "unit": "s"}, duplicate=["t", "n"])
    told = [("a", {"t": 1, "n": 1, "v": 1}), ("b", {"t": 1, "n": 1, "v": 2}), ("b", {"t": 1, "n": 2, "v": 2}), ("b", {"t": 1, "v": 2})]
    taken = ingest(known).read([sent(f"box/{group}/d", one) for group, one in told])
    assert [one.outcome for one in taken] == ["stored", "duplicate", "stored", "stored"]


def test_vendor_topics_are_nobodys_until_the_source_listens(families: dict[str, Family]) -> None:
    """A dialect that is not named is not read."""
    (taken,) = ingest(families, "volume_steps").read([sent("tx/g/HB1", {"vol": 1})])
    assert (taken.outcome, taken.family, taken.refusals[0].reason) == ("quarantined", "unknown", Reason.TOPIC)


def test_retained_and_redelivered_messages_are_told_apart_as_on_our_own_topics(families: dict[str, Family]) -> None:
    """What the broker kept is no news; what comes again after a reconnect came before."""
    memory = RedeliveryMemory()
    reader = Ingest(taught(families), topic_root="ioc/v1", history_limit=10**11, redelivery=memory, dialects=["mine"])
    (kept, first) = reader.read([sent("box/d", {"v": 1}, retain=True), sent("box/d", {"v": 1})])
    memory.connected()
    (again,) = reader.read([sent("box/d", {"v": 1}, dup=True)])
    assert [one.outcome for one in (kept, first, again)] == ["retained", "stored", "duplicate"]


@pytest.mark.parametrize(
    ("source", "raw", "expected"),
    [
        ("v", 70.0, 70),
        ("v", "70", 70),
        ("v", 70.5, None),
        ({"path": "v", "scale": 100, "offset": -1}, 0.5, 49),
        ({"path": "v", "scale": 10}, "7", 70),
        ({"path": "v", "scale": 1e308}, 1e308, None),
        ({"path": "v", "from": [0, 255], "to": [100, 0]}, 128, 50),
        ({"path": "v", "from": [0, 255], "to": [100, 0]}, 256, None),
        ({"path": "v", "from": [0, 255], "to": [100, 0]}, float("nan"), None),
        ({"path": "v", "from": [0, 255], "to": [100, 0]}, True, None),
        ({"path": "v", "from": [0, 255], "to": [100, 0]}, 10**400, None),
        ({"path": "v", "values": {"1": "10", "true": "20", "lo": "30"}}, 1.0, 10),
        ({"path": "v", "values": {"1": "10", "true": "20", "lo": "30"}}, True, 20),
        ({"path": "v", "values": {"1": "10", "true": "20", "lo": "30"}}, "lo", 30),
        ({"path": "v", "values": {"1": "10", "true": "20", "lo": "30"}}, ["lo"], None),
        ({"path": "v[1].x"}, [0, {"x": 5}], 5),
        ({"path": "v[1].x"}, [0], None),
    ],
)
def test_values_are_converted_or_refused(families: dict[str, Family], source: object, raw: object, expected: int | None) -> None:
    """Whole numbers are rounded only where something was scaled; what lies off the vendor's scale is refused."""
    known = taught(families, fields={"volume": source, "uptime_s": "up"})
    payload = json.dumps({"up": 1, "v": raw}).encode()
    (taken,) = ingest(known).read([sent("box/d", payload)])
    assert volume(taken, known["speaker"]) == expected
    assert taken.outcome == "stored"


@pytest.mark.parametrize(
    ("told", "unit", "ms"),
    [
        (1_700_000_000, TimeUnit.S, NOW),
        ("1700000000", TimeUnit.S, NOW),
        (1_700_000_000.25, TimeUnit.S, NOW + 250),
        (NOW, TimeUnit.MS, NOW),
        (NOW * 1_000 + 999, TimeUnit.US, NOW),
        (NOW * 1_000_000 + 999_999, TimeUnit.NS, NOW),
        ("2023-11-15T05:13:20+07:00", TimeUnit.RFC3339, NOW),
        (NOW, TimeUnit.RFC3339, None),
        ("2023-11-15T05:13:20", TimeUnit.RFC3339, None),
        (-1, TimeUnit.S, None),
        (10**30, TimeUnit.S, None),
        (float("inf"), TimeUnit.MS, None),
        (1e308, TimeUnit.S, None),
        (True, TimeUnit.S, None),
        ({}, TimeUnit.S, None),
    ],
)
def test_times_are_read_in_the_dialects_unit(told: object, unit: TimeUnit, ms: int | None) -> None:
    """Exactly where they are whole; what is no time is refused."""
    refusals: list[Refusal] = []
    assert read_time(told, unit, refusals) == ms
    assert [refusal.reason for refusal in refusals] == ([] if ms is not None else [Reason.BAD_TIME])
