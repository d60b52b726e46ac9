"""Values that say nothing new are left out of points, and nothing else is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collectors.deadband import DeadbandMemory, memories
from collectors.delivery import Delivery
from collectors.ingest import Taken
from collectors.points import PointEncoder
from ioc.domain.family import Family
from ioc.domain.point import FieldValue, Point
from ioc.domain.sample import Sample

TEXT = {"vi": "x", "en": "x"}
HEARTBEAT = 60_000
FAMILY = Family.model_validate({
    "family": "line", "labels": TEXT, "cadence": "10s",
    "metrics": {
        "power": {"type": "float", "labels": TEXT, "deadband": {"absolute": "0.5", "percent": "10", "heartbeat": "60s"}},
        "state": {"type": "enum", "values": ["a", "b"], "labels": TEXT, "deadband": {"heartbeat": "60s"}},
        "free": {"type": "int", "labels": TEXT},
    },
})  # fmt: skip
FAMILIES = {"line": FAMILY}


def sample(ts: int, *values: Any, device: str = "d", live: bool = True) -> Sample:
    return Sample("line", device, ts, ts, values, 3, live)


def encoder() -> PointEncoder:
    return PointEncoder(FAMILIES, memories(FAMILIES))


def written(by: PointEncoder, one: Sample, *, corrected: bool = False) -> dict[str, FieldValue]:
    """The fields of a sample's point, without `lag_ms`, which every point has."""
    taken = Taken(Delivery(b"t", b"", one.arrival, 0, 0), 0, "line", one.device, news=one, clock_corrected=corrected)
    point = by.point(taken)
    assert isinstance(point, Point)
    fields = dict(point.fields)
    assert fields.pop("lag_ms") == 3
    return fields


def test_leaves_out_equal_values_and_those_within_the_band() -> None:
    """A metric without a deadband is written each time; absent ones stay absent."""
    by = encoder()
    assert written(by, sample(0, 100.0, "a", 1)) == {"power": 100.0, "state": "a", "free": 1}
    assert written(by, sample(1, 110.0, "a", 1)) == {"free": 1}
    assert written(by, sample(2, 110.1, "b", None)) == {"power": 110.1, "state": "b"}
    assert written(by, sample(3, 0.1, None, None)) == {"power": 0.1}
    assert written(by, sample(4, 0.6, None, None)) == {}


def test_writes_again_once_the_heartbeat_is_due() -> None:
    """Each metric by the time of its own last write."""
    by = encoder()
    written(by, sample(0, 1.0, "a", None))
    written(by, sample(30_000, 5.0, "a", None))
    assert written(by, sample(HEARTBEAT, 5.0, "a", None)) == {"state": "a"}
    assert written(by, sample(90_000, 5.0, "a", None)) == {"power": 5.0}


def test_writes_whole_what_is_not_live_or_not_later_and_what_follows() -> None:
    """Else what was left out would seem to have had the value that came late."""
    for odd, corrected in [(sample(5, 1.0, "a", 1), False), (sample(50, 1.0, "a", 1, live=False), False), (sample(50, 1.0, "a", 1), True)]:
        by = encoder()
        written(by, sample(0, 1.0, "a", 1))
        written(by, sample(10, 1.0, "a", 1))
        assert written(by, odd, corrected=corrected) == {"power": 1.0, "state": "a", "free": 1}
        assert written(by, sample(60, 1.0, "a", 1)) == {"power": 1.0, "state": "a", "free": 1}


def test_forgets_the_oldest_device_when_there_are_too_many() -> None:
    """Which writes more, never less."""
    memory = DeadbandMemory(FAMILY, most=2)
    for device in "abc":
        memory.news(sample(0, 1.0, "a", 1, device=device), corrected=False)
    assert memory.devices == 2
    assert memory.news(sample(1, 1.0, "a", 1, device="a"), corrected=False) == (1.0, "a", 1)
    assert memory.news(sample(1, 1.0, "a", 1, device="c"), corrected=False) == (None, None, 1)
    assert memory.dropped == 2


def test_family_without_deadbands_has_no_memory(families: dict[str, Family]) -> None:
    """The shipped ones are written whole: a check that counts fields finds them all."""
    assert memories(families) == {}


@given(
    steps=st.lists(
        st.tuples(
            st.integers(-20_000, 40_000),
            st.floats(-1e6, 1e6),
            st.sampled_from(["a", "b", None]),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_held_value_is_within_the_band_and_never_older_than_the_heartbeat(
    steps: list[tuple[int, float, str | None, bool, bool, bool]],
) -> None:
    """At every live sample's time; also where samples come late, and the memory is lost and messages come again in between."""
    by, now, latest = encoder(), 1_000_000, 0
    points: list[tuple[int, dict[str, FieldValue]]] = []
    for step, power, state, live, restart, again in steps:
        ts = now + step
        now = max(now, ts)
        in_order = live and ts > latest
        latest = max(latest, ts)
        if restart and in_order:
            by = encoder()
        one = sample(ts, power, state, None, live=live)
        points += [(ts, written(by, one)) for _ in range(1 + again)]
        _check(points, ts, one, in_order=in_order)


def _check(points: list[tuple[int, dict[str, FieldValue]]], ts: int, one: Sample, *, in_order: bool) -> None:
    """What the store tells for the sample's time once it has been written."""
    for name, value in zip(("power", "state"), one.values[:2], strict=True):
        if value is None:
            continue
        holding = [(at, order, fields[name]) for order, (at, fields) in enumerate(points) if name in fields and at <= ts]
        at, _, held = max(holding)
        assert ts - at < HEARTBEAT
        if not in_order:
            assert (at, held) == (ts, value)
        elif name == "state":
            assert held == value
        else:
            assert abs(float(held) - float(value)) <= max(0.5, abs(float(held)) * 0.1) + 1e-9
