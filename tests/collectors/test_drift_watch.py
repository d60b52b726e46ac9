"""Which messages are looked at for schema drift, and what they are seen to tell."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collectors.delivery import Delivery
from collectors.drift import MESSAGES, DriftTracker
from collectors.drift_watch import EVERY_MS, LOOKS, MAX_SAMPLE, DriftWatch
from collectors.ingest import Ingest
from collectors.redelivery import RedeliveryMemory
from ioc.domain.family import Family

NOW = 1_700_000_000_000


class Bench:
    """A watch behind a real reader; `looks` = how many messages were looked at so far."""

    def __init__(self, families: dict[str, Family], *dialects: str) -> None:
        self.tracker = DriftTracker()
        self.watch = DriftWatch(self.tracker, families)
        self._ingest = Ingest(
            families, topic_root="ioc/v1", history_limit=90 * 86_400_000, redelivery=RedeliveryMemory(), dialects=dialects
        )

    def send(
        self, document: object, *, device: str = "d1", channel: str = "telemetry", at: int = NOW, topic: str = "", **flags: Any
    ) -> None:
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        topic = topic or f"ioc/v1/speaker/{device}/{channel}"
        self.watch.note(self._ingest.read([Delivery(topic.encode(), payload, at, 1, 1, **flags)]))

    @property
    def looks(self) -> int:
        return sum(group.looks for group in self.tracker.groups.values())

    def types(self, firmware: str = "") -> dict[str, set[str]]:
        return {field: set(types) for field, types in self.tracker.groups["speaker", "native", firmware].types.items()}


def test_first_messages_are_looked_at_and_then_one_now_and_then(families: dict[str, Family]) -> None:
    """Again after a change of firmware."""
    bench = Bench(families)
    for n in range(50):
        bench.send({"ts": NOW + n, "fw": "1", "uptime_s": n}, at=NOW + n)
    assert bench.looks == LOOKS
    bench.send({"fw": "1", "uptime_s": 1}, at=NOW + EVERY_MS + 100)
    assert bench.looks == LOOKS + 1
    for n in range(50):
        bench.send({"fw": "2", "uptime_s": n}, at=NOW + EVERY_MS + 200 + n)
    assert bench.looks == 2 * LOOKS + 1


def test_odd_message_is_looked_at_a_few_times_for_each_oddity(families: dict[str, Family]) -> None:
    """A device that always tells an undeclared key costs nothing more for it, and one alone is enough to be drift."""
    bench = Bench(families)
    for n in range(50):
        bench.send({"uptime_s": n}, at=NOW + n)
    for n in range(50):
        bench.send({"uptime_s": n, "codec": "opus"}, at=NOW + 100 + n)
    assert bench.looks == LOOKS + MESSAGES
    assert [drift.field for drift in bench.watch.news] == ["codec"]


def test_birth_tells_the_firmware(families: dict[str, Family]) -> None:
    """Retained too; a Will tells none."""
    bench = Bench(families)
    bench.send({"online": True, "fw": "3.1"}, channel="status", retain=True)
    bench.send({"online": False, "fw": "9"}, channel="status")
    bench.send({"uptime_s": 1})
    assert list(bench.tracker.groups) == [("speaker", "native", "3.1")]


def test_types_are_those_of_the_payload_where_it_was_not_understood(families: dict[str, Family]) -> None:
    """What converts without loss has the declared type; out of range or unknown is no other type."""
    bench = Bench(families)
    bench.send({"volume": "70", "door_open": 1, "audio_dbfs": 900.0, "state": "asleep", "uptime_s": 1.0, "x": [1], "y": None, "ts": "no"})
    assert bench.types() == {
        "volume": {"string"}, "door_open": {"boolean"}, "audio_dbfs": {"number"}, "state": {"string"}, "uptime_s": {"number"},
        "x": {"array"},
    }  # fmt: skip


def test_message_of_which_nothing_could_be_stored_tells_its_types(families: dict[str, Family]) -> None:
    """The only field re-typed, or all of them unknown."""
    bench = Bench(families)
    bench.send({"volume": "70"})
    bench.send({"codec": "opus"})
    assert bench.types() == {"volume": {"string"}, "codec": {"string"}}


def test_what_was_buffered_under_an_older_firmware_is_left_alone(families: dict[str, Family]) -> None:
    """Historical samples, events, repetitions and junk are no observation."""
    bench = Bench(families)
    bench.send({"ts": NOW - 3_600_000, "fw": "0.9", "uptime_s": 1})
    bench.send({"ts": NOW, "event": "tamper"}, channel="event")
    bench.send(b"junk")
    bench.send({"uptime_s": 1}, channel="cmd")
    assert bench.looks == 0


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
_KEYS = st.sampled_from(["volume", "fw", "state", "ts", "online", "event"]) | st.text(max_size=80)
_PAYLOADS = st.binary(max_size=40) | st.dictionaries(_KEYS, _JSON, max_size=6)


@given(messages=st.lists(st.tuples(_PAYLOADS, st.sampled_from(["telemetry", "event", "status", "x"]), st.integers(0, 10**7)), max_size=12))
def test_no_payload_disturbs_the_watch(families: dict[str, Family], messages: list[tuple[Any, str, int]]) -> None:
    """Whatever it holds; samples stay short."""
    bench = Bench(families)
    for payload, channel, at in messages:
        bench.send(payload, channel=channel, at=NOW + at)
    for event in bench.tracker.events.values():
        assert all(len(sample) <= 4 * MAX_SAMPLE for sample in event.now().samples)


def test_dialect_is_a_group_of_its_own_and_its_nested_keys_and_types_are_seen(families: dict[str, Family]) -> None:
    """After an update a vendor's new key deep inside is new, and what stands in a field's place is its new type."""
    bench = Bench(families, "volume_steps")
    usual = {"play": {"state": "PLAY", "vol": 8}, "temps": [300, 310], "door": "CLOSED"}
    for n in range(8):
        bench.send(usual | {"time": NOW + n}, at=NOW + n, topic="spk/d1/report")
    changed = usual | {"play": {"state": "PLAY", "vol": [8], "codec": "opus"}}
    for n in range(100, 112):
        bench.send(changed | {"time": NOW + n}, at=NOW + n, topic="spk/d1/report")
    found = {(drift.dialect, drift.kind.value, drift.field, drift.new_type) for drift in bench.watch.news}
    assert found == {("volume_steps", "new", "play.codec", "string"), ("volume_steps", "retyped", "volume", "array")}
