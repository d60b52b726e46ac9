"""What devices tell otherwise than before: one event a group, field and kind; nothing for what is merely odd."""

import random
from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.drift import LEARN, MOST_EVENTS, MOST_FIELDS, MOST_GROUPS, MOST_PENDING, DriftTracker, Event, Group, Observation
from ioc.domain.drift import Drift, DriftKind

USUAL = {"volume": "number", "state": "string", "mains_v": "number"}


def told(fields: dict[str, str], *, device: str = "d1", firmware: str = "1.0", at: int = 0, undeclared: Sequence[str] = ()) -> Observation:
    return Observation(at, "speaker", "native", device, firmware, tuple(sorted(fields.items())), frozenset(undeclared), f"{device} {at}")


def taught(devices: int = 5, looks: int = 2 * LEARN, **more: str) -> DriftTracker:
    """Devices that told the usual for a while."""
    tracker = DriftTracker()
    for at in range(looks):
        assert tracker.observe([told(USUAL | more, device=f"d{n}", at=at, undeclared=list(more)) for n in range(devices)]) == []
    return tracker


def phrases(drifts: Sequence[Drift]) -> list[tuple[str, str, str | None, str | None]]:
    return sorted((drift.kind.value, drift.field, drift.old_type, drift.new_type) for drift in drifts)


def test_update_raises_one_event_for_each_field_that_changed() -> None:
    """New, lost, re-typed; further devices and messages only count."""
    tracker = taught()
    changed = {"volume": "string", "state": "string", "codec": "string"}
    found: list[Drift] = []
    for at in range(100, 110):
        found += tracker.observe(
            [told(changed, device=f"d{n}", firmware="1.1", at=at, undeclared=["codec"]) for n in range(5) if n < 2 or at > 105]
        )
    assert phrases(found) == [
        ("lost", "mains_v", "number", None),
        ("new", "codec", None, "string"),
        ("retyped", "volume", "number", "string"),
    ]
    assert {(drift.firmware, drift.before) for drift in found} == {("1.1", "1.0")}
    assert {event.now().devices for event in tracker.events.values()} == {5}
    assert all(1 <= len(event.now().samples) <= 3 for event in tracker.events.values())


def test_devices_that_never_told_a_field_have_not_lost_it() -> None:
    """However regularly the others of their firmware tell it."""
    tracker = DriftTracker()
    poor = {name: kind for name, kind in USUAL.items() if name != "mains_v"}
    for at in range(2 * LEARN):
        tracker.observe([told(USUAL if n < 20 else poor, device=f"d{n}", at=at) for n in range(22)])
    found: list[Drift] = []
    for at in range(100, 120):
        found += tracker.observe([told(poor, device=f"d{n}", firmware="1.1", at=at) for n in (20, 21)])
    assert found == []
    for at in range(200, 220):
        found += tracker.observe([told(poor, device=f"d{n}", firmware="1.1", at=at) for n in (0, 1)])
    assert phrases(found) == [("lost", "mains_v", "number", None)]


def test_update_after_an_update_is_compared_with_the_one_before() -> None:
    """What was drift then is usual now."""
    tracker = taught()
    for firmware in ("1.1", "1.2"):
        found = []
        for at in range(10):
            found += tracker.observe(
                [told(USUAL | {"codec": "string"}, device=f"d{n}", firmware=firmware, at=at, undeclared=["codec"]) for n in range(5)]
            )
        assert phrases(found) == ([("new", "codec", None, "string")] if firmware == "1.1" else [])


def test_device_that_appears_raises_nothing_whatever_it_tells() -> None:
    """Nor does one that tells its firmware for the first time."""
    tracker = taught()
    odd = {"volume": "string", "x": "array"}
    for at in range(20):
        assert tracker.observe([told(odd, device="new", at=at, undeclared=["x"])]) == []
    for at in range(20):
        assert tracker.observe([told(USUAL, device="silent", firmware="", at=at)]) == []
    for at in range(20):
        assert tracker.observe([told({"volume": "number", "y": "string"}, device="silent", firmware="3", at=at, undeclared=["y"])]) == []


def test_garbled_message_is_no_drift_and_a_field_told_now_and_then_is_not_lost() -> None:
    """Two messages of one device are too few."""
    tracker = taught()
    for at in range(5):
        tracker.observe([told(USUAL | {"bulletin": "string"}, device="d1", at=50 + at)])
    garbled = [told(USUAL | {"vol\x00me": "number"}, at=60 + at, undeclared=["vol\x00me"]) for at in range(2)]
    assert tracker.observe(garbled) == []
    assert [drift for at in range(20) for drift in tracker.observe([told(USUAL, device=f"d{at % 5}", firmware="1.1", at=70 + at)])] == []


def test_declared_field_that_turns_up_is_no_drift() -> None:
    """The family knows it."""
    tracker = taught()
    assert [d for at in range(9) for d in tracker.observe([told(USUAL | {"lat": "number"}, firmware="1.1", at=at)])] == []


def test_change_without_any_firmware_is_seen_too() -> None:
    """Families without a firmware: compared with what the same devices told."""
    tracker = taught()
    found = [d for at in range(9) for d in tracker.observe([told(USUAL | {"volume": "string"}, device="d1", at=100 + at)])]
    assert phrases(found) == [("retyped", "volume", "number", "string")]
    assert found[0].before is None


def test_restart_in_the_midst_changes_nothing() -> None:
    """Groups, events, counts and acknowledgements are those of a tracker that ran on."""
    batches = [[told(USUAL, device=f"d{n}", at=at) for n in range(4)] for at in range(8)]
    changed = {"volume": "string", "codec": "string"}
    batches += [[told(changed, device=f"d{n}", firmware="1.1", at=10 + at, undeclared=["codec"]) for n in range(at + 1)] for at in range(4)]
    whole, parts = DriftTracker(), DriftTracker()
    for batch in batches:
        found = whole.observe(batch)
        again = DriftTracker()
        again.restore(
            [(key, msgspec.msgpack.decode(msgspec.msgpack.encode(group), type=Group)) for key, group in parts.groups.items()],
            [msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Event) for event in parts.events.values()],
        )
        again._learning = parts._learning
        parts = again
        assert parts.observe(batch) == found
    assert len(whole.events) == 4
    assert {one: event.now() for one, event in parts.events.items()} == {one: event.now() for one, event in whole.events.items()}


def test_acknowledged_drift_stays_and_is_not_raised_again() -> None:
    """The first who knew stays."""
    tracker = taught()
    (found,) = [d for at in range(9) for d in tracker.observe([told(USUAL | {"volume": "string"}, at=100 + at)])]
    tracker.acknowledge(found.id, at=5, by="an")
    tracker.acknowledge(found.id, at=6, by="bình")
    assert tracker.unacknowledged() == []
    assert tracker.observe([told(USUAL | {"volume": "string"}, at=300)]) == []
    assert tracker.events[found.id].now().acknowledged_by == "an"
    assert tracker.acknowledge("nothing", at=5, by="an") is None


def test_memory_is_bounded_whatever_comes() -> None:
    """Groups, fields, doubts and events; what had to go is counted."""
    tracker = taught(devices=1)
    rnd = random.Random(1)
    for at in range(3_000):
        fields = {f"k{rnd.randrange(10_000)}": "number" for _ in range(3)}
        tracker.observe([told(fields, at=100 + at, firmware=f"f{at // 5}" if at % 2 else "1.0", undeclared=list(fields))])
    assert len(tracker.groups) <= MOST_GROUPS
    assert len(tracker.events) <= MOST_EVENTS
    assert all(len(group.types) <= MOST_FIELDS and len(group.pending) <= MOST_PENDING for group in tracker.groups.values())
    assert tracker.evicted > 0


_OBSERVATIONS = st.builds(
    told,
    st.dictionaries(st.sampled_from(["volume", "state", "x", "y"]), st.sampled_from(["number", "string"]), max_size=4),
    device=st.sampled_from(["d0", "d1", "d2"]),
    firmware=st.sampled_from(["", "1.0", "1.1"]),
    at=st.integers(0, 20),
    undeclared=st.just(["x", "y"]),
)


@given(batches=st.lists(st.lists(_OBSERVATIONS, max_size=25), max_size=5), seed=st.integers(0, 99))
def test_order_within_a_batch_means_nothing(batches: list[list[Observation]], seed: int) -> None:
    """Same events, same counts; at most one event a group, field and kind."""
    one, other = DriftTracker(), DriftTracker()
    rnd = random.Random(seed)
    raised: list[Drift] = []
    for batch in batches:
        shuffled = rnd.sample(batch, len(batch))
        found = one.observe(batch)
        assert found == other.observe(shuffled)
        raised += found
    assert {key: event.now() for key, event in one.events.items()} == {key: event.now() for key, event in other.events.items()}
    assert len({drift.id for drift in raised}) == len(raised)
    assert all(drift.kind is not DriftKind.NEW or drift.field in {"x", "y"} for drift in raised)
