"""One contract, two stores: InfluxDB 2 and the embedded file answer alike."""

import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.domain.point import Point, SeriesRow, in_time
from ioc.domain.rollup import DeviceMinute, Rolled

DAY = 86_400_000
RETENTION = 90 * DAY
Store = EmbeddedStore | InfluxStore
NOW = int(time.time() * 1000) // 60_000 * 60_000
"""The real server judges retention by its own clock, so the tests' times lie around today's."""


@pytest.fixture(params=["embedded", pytest.param("influxdb", marks=pytest.mark.real("influxdb"))])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A prepared, empty store that keeps points for 90 days."""
    opened: Store
    if request.param == "embedded":
        opened = EmbeddedStore(tmp_path / "series.db", clock=lambda: int(time.time() * 1000))
    else:
        server: Any = request.getfixturevalue("influxdb")
        opened = InfluxStore(server.url, org=server.org, bucket=server.new_bucket(), token=server.token, timeout_ms=60_000)
    await opened.prepare(RETENTION)
    yield opened
    await opened.close()


def point(device: str, ts: int, /, measurement: str = "speaker", **fields: float | str) -> Point:
    """A point of one device."""
    return Point.of(measurement, (("device", device),), fields, ts)


async def raw(store: Store, device: str, field: str, measurement: str = "speaker") -> list[tuple[int, Any]]:
    """Every stored value of one field."""
    rows = await store.series(measurement, {"device": device}, field, NOW - RETENTION, NOW + DAY, None)
    return [(row.ts, row.value) for row in rows]


async def test_store_returns_what_was_written_with_its_types(store: Store) -> None:
    """Floats stay floats (also 70.0), integers integers, text text."""
    assert await store.write([point("a", NOW, f=70.0, i=2**62 + 1, s="đang phát", lag_ms=5)]) == []
    latest = await store.latest("speaker")
    assert latest == {"a": {"f": (NOW, 70.0), "i": (NOW, 2**62 + 1), "s": (NOW, "đang phát"), "lag_ms": (NOW, 5)}}
    assert {name: type(value) for name, (_, value) in latest["a"].items()} == {"f": float, "i": int, "s": str, "lag_ms": int}
    assert await store.field_types("speaker") == {"f": "float", "i": "integer", "s": "string", "lag_ms": "integer"}


async def test_store_takes_more_points_than_one_request_holds(store: Store) -> None:
    """12,000 points in one call are 12,000 points, and a refusal's index is that of the call."""
    points = [point(f"d{i % 40}", NOW - i, v=i, lag_ms=0) for i in range(12_000)]
    points[7_777] = point("old", NOW - 2 * RETENTION, v=1)
    assert [(refusal.index, refusal.field) for refusal in await store.write(points)] == [(7_777, None)]
    assert await store.count("speaker", NOW - 12_000, NOW + 1) == 11_999
    assert await store.count("speaker", NOW - 999, NOW + 1) == 1_000


async def test_store_of_no_points_answers_at_once(store: Store) -> None:
    """An empty batch is no trouble."""
    assert await store.write([]) == []
    assert await store.latest("speaker") == {}
    assert await store.count("speaker", NOW, NOW + 1) == 0
    assert await store.series("speaker", {"device": "a"}, "v", NOW, NOW + 1, None) == []


async def test_rewrite_of_a_batch_changes_nothing(store: Store) -> None:
    """Writing again after an answer that never came is safe."""
    points = [point("a", NOW + i, v=float(i), lag_ms=0) for i in range(100)]
    for _ in range(3):
        assert await store.write(points) == []
    assert await store.count("speaker", NOW, NOW + 1_000) == 100
    assert await raw(store, "a", "v") == [(NOW + i, float(i)) for i in range(100)]


async def points(store: Store, *measurements: str, end: int) -> list[Point]:
    """All from NOW on, by time."""
    return sorted((one for columns in await store.columns(measurements, NOW, end) for one in columns.points()), key=in_time)


async def test_points_come_back_whole_and_in_order(store: Store) -> None:
    """Every point of a span, of several measurements, with tags and types; the end is left out."""
    alarm = Point.of("alarm", (("device", "ô 1"), ("rule", "hot")), {"id": "a,1", "acked": 0}, NOW + 1)
    told = [point("b", NOW + 1, f=70.0, s="đang phát"), alarm, point("a", NOW + 1, i=2**62 + 1), point("a", NOW, f=1.5)]
    other = [point("c", NOW, measurement="other", v=1), point("a", NOW - 1, f=0.5), point("a", NOW + 400_000, f=2.5)]
    assert await store.write([*told, *other]) == []
    found = await points(store, "speaker", "alarm", "nothing", end=NOW + 400_000)
    assert found == [told[3], alarm, told[2], told[0]]
    types = {name: type(value) for one in found for name, value in one.fields.items()}
    assert types == {"f": float, "id": str, "acked": int, "i": int, "s": str}
    assert [one.ts for one in await points(store, "speaker", end=NOW + 400_001)] == [NOW, NOW + 1, NOW + 1, NOW + 400_000]
    series = [one for columns in await store.columns(["speaker"], NOW, NOW + 2) for one in columns.series]
    assert sorted(series) == [((("device", "a"),), 2), ((("device", "b"),), 1)]
    assert await store.columns(["speaker"], NOW, NOW) == []
    assert await store.columns([], NOW - DAY, NOW + DAY) == []


async def test_fields_of_the_same_point_merge(store: Store) -> None:
    """Same identity, other fields: one point with both; the later value of a field holds."""
    await store.write([point("a", NOW, v=1.0, w=1), point("a", NOW, w=2)])
    await store.write([point("a", NOW, x="neu", w=3)])
    assert await store.latest("speaker") == {"a": {"v": (NOW, 1.0), "w": (NOW, 3), "x": (NOW, "neu")}}
    assert await store.count("speaker", NOW, NOW + 1, field="w") == 1


async def test_type_conflict_costs_that_field_only(store: Store) -> None:
    """The first type holds; the other fields of the point, and all other points, are stored."""
    await store.write([point("a", NOW, v=1.0, lag_ms=0)])
    refusals = await store.write([
        point("a", NOW + 1, v=2, lag_ms=1), point("b", NOW + 1, v=3.0, lag_ms=1), point("c", NOW + 1, v="x", lag_ms=1),
    ])  # fmt: skip
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(0, "v"), (2, "v")]
    assert "already exists as" in refusals[0].detail
    assert "float" in refusals[0].detail
    assert await store.count("speaker", NOW, NOW + 10) == 4
    assert await raw(store, "a", "v") == [(NOW, 1.0)]
    assert await raw(store, "b", "v") == [(NOW + 1, 3.0)]


async def test_type_conflicts_of_several_fields_are_each_named(store: Store) -> None:
    """Every field that disagrees is refused by itself, whichever the server names first."""
    await store.write([point("a", NOW, v=1.0, w=1, x="t", lag_ms=0)])
    refusals = await store.write([point("b", NOW + 1, v=2, w=2.0, x=3, lag_ms=1), point("c", NOW + 1, w=4, lag_ms=1)])
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(0, "v"), (0, "w"), (0, "x")]
    assert await store.latest("speaker", since=NOW + 1) == {
        "b": {"lag_ms": (NOW + 1, 1)}, "c": {"w": (NOW + 1, 4), "lag_ms": (NOW + 1, 1)},
    }  # fmt: skip


async def test_point_whose_every_field_is_refused_is_refused_whole(store: Store) -> None:
    """Nothing of it is stored, so the refusal names no field."""
    await store.write([point("a", NOW, v=1.0, w=1)])
    refusals = await store.write([point("a", NOW + 1, v=2, w=2.5)])
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(0, None)]


async def test_first_value_in_a_batch_fixes_a_new_field(store: Store) -> None:
    """Also within one batch a field has one type."""
    refusals = await store.write([point("a", NOW, v=1, lag_ms=0), point("b", NOW, v=1.5, lag_ms=0), point("c", NOW, v=2, lag_ms=0)])
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(1, "v")]
    assert await store.count("speaker", NOW, NOW + 1) == 3


async def test_points_beyond_retention_are_refused_and_the_rest_stored(store: Store) -> None:
    """The oldest ones only, with the reason; a conflict elsewhere in the batch hides neither."""
    await store.write([point("a", NOW, v=1.0, lag_ms=0)])
    refusals = await store.write([
        point("a", NOW - 100 * DAY, v=1.0, lag_ms=0), point("b", NOW, v=1.0, lag_ms=0), point("c", NOW - 200 * DAY, v=2.0, lag_ms=0),
        point("d", NOW, v=1, lag_ms=0), point("e", NOW - 80 * DAY, v=1.0, lag_ms=0),
    ])  # fmt: skip
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(0, None), (2, None), (3, "v")]
    assert "retention" in refusals[0].detail
    assert await store.count("speaker", NOW - 300 * DAY, NOW + 1) == 4


async def test_point_that_no_line_can_hold_is_refused_not_raised(store: Store) -> None:
    """A newline in a tag, NaN, an integer beyond 64 bits, half a surrogate pair: that point only."""
    points = [
        point("a\nspeaker,device=b v=1", NOW, v=1.0), point("nan", NOW, v=float("nan")), point("inf", NOW, v=float("-inf")),
        point("big", NOW, v=2**63), point("half", NOW, s="\ud800"), point("time", NOW, time=1), point("late", 2**63, v=1.0),
        Point.of("speaker", (("device", "none"),), {}, NOW), Point.of("#speaker", (("device", "x"),), {"v": 1.0}, NOW),
        Point.of("speaker", (("time", "x"),), {"v": 1.0}, NOW), point("good", NOW, v=1.0),
    ]  # fmt: skip
    refusals = await store.write(points)
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(i, None) for i in range(len(points) - 1)]
    assert all(refusal.detail for refusal in refusals)
    assert await store.latest("speaker") == {"good": {"v": (NOW, 1.0)}}


async def test_range_is_half_open_and_buckets_lie_on_round_times(store: Store) -> None:
    """Mean, low and high of each bucket; empty buckets are left out."""
    await store.write([point("a", NOW + i * 1_000, v=float(i), i=i, s=f"s{i}") for i in [0, 1, 2, 3, 4, 5, 8]])
    ask = ("speaker", {"device": "a"})
    assert await store.series(*ask, "v", NOW, NOW + 8_000, 3_000) == [
        SeriesRow(NOW, 1.0, 0.0, 2.0), SeriesRow(NOW + 3_000, 4.0, 3.0, 5.0),
    ]  # fmt: skip
    assert await store.series(*ask, "i", NOW, NOW + 8_001, 6_000) == [
        SeriesRow(NOW, 2.5, 0.0, 5.0), SeriesRow(NOW + 6_000, 8.0, 8.0, 8.0),
    ]  # fmt: skip
    assert await store.series(*ask, "s", NOW, NOW + 8_001, 6_000) == [SeriesRow(NOW, "s5"), SeriesRow(NOW + 6_000, "s8")]
    assert await store.series(*ask, "v", NOW + 1_000, NOW + 3_000, None) == [SeriesRow(NOW + 1_000, 1.0), SeriesRow(NOW + 2_000, 2.0)]
    assert await store.series(*ask, "nothing", NOW, NOW + 8_000, 1_000) == []
    assert await store.series("speaker", {"device": "z"}, "v", NOW, NOW + 8_000, 1_000) == []


async def test_first_bucket_may_begin_before_the_range(store: Store) -> None:
    """A bucket's time is its own start, also where the range cuts it."""
    await store.write([point("a", NOW + i * 1_000, v=float(i)) for i in range(60)])
    rows = await store.series("speaker", {"device": "a"}, "v", NOW + 50_000, NOW + 60_000, 60_000)
    assert rows == [SeriesRow(NOW, 54.5, 50.0, 59.0)]


async def test_series_over_months_finds_all(store: Store) -> None:
    """One point a day for 80 days."""
    await store.write([point("a", NOW - day * DAY, v=float(day)) for day in range(80)])
    assert await raw(store, "a", "v") == [(NOW - day * DAY, float(day)) for day in reversed(range(80))]


async def test_tags_pick_the_series(store: Store) -> None:
    """All given tags must fit; further tags may be anything."""
    tags = [(("device", "a"), ("unit", "xã Đông")), (("device", "a"), ("unit", "x,y=z \\w'\"")), (("device", "b"), ("unit", "xã Đông"))]
    await store.write([Point.of("availability", tag, {"online": i}, NOW + i) for i, tag in enumerate(tags)])
    ask = ("online", NOW, NOW + 10, None)
    assert [row.value for row in await store.series("availability", {"device": "a"}, *ask)] == [0, 1]
    assert [row.value for row in await store.series("availability", {"unit": "xã Đông"}, *ask)] == [0, 2]
    assert [row.value for row in await store.series("availability", dict(tags[1]), *ask)] == [1]
    assert [row.value for row in await store.series("availability", {}, *ask)] == [0, 1, 2]


@pytest.mark.parametrize("odd", ["\r", "\0", "\n", "a\\", "' OR 1=1 --", '"'])
async def test_question_for_odd_text_finds_nothing_and_harms_nothing(store: Store, odd: str) -> None:
    """Whatever people type into an address."""
    await store.write([point("a", NOW, v=1.0)])
    assert await store.series("speaker", {"device": odd}, "v", NOW, NOW + 1, None) == []
    assert await store.series("speaker", {"device": "a"}, odd, NOW, NOW + 1, None) == []
    assert await store.series(odd, {odd: "a"}, "v", NOW, NOW + 1, 1_000) == []


async def test_latest_is_by_field_and_not_by_order_of_arrival(store: Store) -> None:
    """A buffer that drains late does not become the newest value; a field seldom sent keeps its own time."""
    await store.write([point("a", NOW - 5_000, v=1.0, fw="1.2"), point("a", NOW, v=3.0), point("b", NOW, v=9.0)])
    await store.write([point("a", NOW - 2_000, v=2.0, fw="1.3")])
    assert await store.latest("speaker") == {"a": {"v": (NOW, 3.0), "fw": (NOW - 2_000, "1.3")}, "b": {"v": (NOW, 9.0)}}
    assert await store.latest("speaker", since=NOW - 1_000) == {"a": {"v": (NOW, 3.0)}, "b": {"v": (NOW, 9.0)}}


async def test_latest_leaves_out_points_of_no_device(store: Store) -> None:
    """Sums of units and the ledger have no device."""
    await store.write([Point.of("ledger", (("family", "speaker"),), {"received": 1}, NOW)])
    assert await store.latest("ledger") == {}


async def test_tag_without_value_is_an_absent_tag(store: Store) -> None:
    """Both write the same point."""
    spelt = [(("device", ""), ("rule", "r")), (("rule", "r"),)]
    await store.write([Point.of("alarm", tags, {"acked": acked}, NOW) for acked, tags in enumerate(spelt)])
    assert [row.value for row in await store.series("alarm", {"rule": "r"}, "acked", NOW, NOW + 1, None)] == [1]


async def test_ping_answers_when_the_store_works(store: Store) -> None:
    """No news is good news."""
    await store.ping()


_examples = itertools.count()
_ODD = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)
_NAME = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda name: "\\" not in name and not name.startswith("#") and name not in {"time", "device", "_field", "_measurement"}
)
_TAG = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(lambda text: not text.endswith("\\"))
_NUMBERS = st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(_TAG, _NAME, _ODD, *_NUMBERS), min_size=1, max_size=20), measurement=_NAME)
async def test_any_text_comes_back_as_it_was_and_never_as_another_point(
    store: Store, rows: list[tuple[str, str, str, int, float]], measurement: str
) -> None:
    """n points in, n points out, values equal, over all of Unicode in values, tags and names."""
    measurement = f"{measurement}/{next(_examples)}"  # of its own for each example: fields keep their types for ever
    devices = {f"{tag}·{i}": (name, text, whole, number) for i, (tag, name, text, whole, number) in enumerate(rows)}
    points = [
        Point.of(measurement, (("device", device),), {name + ".s": text, name + ".i": whole, name + ".f": number}, NOW)
        for device, (name, text, whole, number) in devices.items()
    ]
    assert await store.write(points) == []
    found = await store.latest(measurement)
    assert found == {
        device: {name + ".s": (NOW, text), name + ".i": (NOW, whole), name + ".f": (NOW, number)}
        for device, (name, text, whole, number) in devices.items()
    }
    device, (name, text, _, _) = next(iter(devices.items()))
    rows_of_one = await store.series(measurement, {"device": device}, name + ".s", NOW, NOW + 1, None)
    assert rows_of_one == [SeriesRow(NOW, text)]


MINUTE = 60_000
METRICS = ("v", "on", "s")


async def rolled(store: Store, metric: str, device: str = "a") -> list[tuple[int, Rolled]]:
    """What stands in the rollups."""
    return await store.rollups("speaker", device, metric, NOW - 800 * DAY, NOW + DAY)


async def roll_up(store: Store, start: int, end: int, *devices: str) -> None:
    """As the periodic job does it."""
    async for minutes in store.summarise("speaker", METRICS, start, end, devices=devices):
        await store.write_rollups("speaker", minutes)


async def summary(store: Store, measurement: str, start: int, end: int, *devices: str) -> list[DeviceMinute]:
    """The minutes of all slices."""
    return [one async for minutes in store.summarise(measurement, METRICS, start, end, devices=devices) for one in minutes]


async def test_minutes_are_summarised_by_device_and_metric(store: Store) -> None:
    """Numbers have mean, low and high, bools too (as stored: 0 and 1), texts the last; minutes without values are left out."""
    start = NOW - 10 * MINUTE
    await store.write([point("a", start + i * 10_000, v=float(i), on=i % 2, lag_ms=0) for i in range(12)])
    await store.write(
        [
            point("a", start + 5_000, s="x"),
            point("a", start + 6_000, s="y"),
            point("b", start + MINUTE, v=7.5),
            point("b", start - 1, v=1.0),
        ]
    )
    found = {(one.device, one.minute): one.metrics for one in await summary(store, "speaker", start, start + 2 * MINUTE)}
    assert found == {
        ("a", start): {"v": Rolled(6, 5.0, 2.5, 0.0, 5.0), "on": Rolled(6, 1, 0.5, 0.0, 1.0), "s": Rolled(2, "y")},
        ("a", start + MINUTE): {"v": Rolled(6, 11.0, 8.5, 6.0, 11.0), "on": Rolled(6, 1, 0.5, 0.0, 1.0)},
        ("b", start + MINUTE): {"v": Rolled(1, 7.5, 7.5, 7.5, 7.5)},
    }
    only = await summary(store, "speaker", start, start + 2 * MINUTE, "b", "it's")
    assert [one.device for one in only] == ["b"]
    assert await summary(store, "nothing", start, NOW) == []


async def test_rollups_come_back_and_are_replaced(store: Store) -> None:
    """Late values change the minute when it is rolled up again; rolling up twice changes nothing. They have a longer life than points."""
    await store.prepare_rollups(730 * DAY)
    start = NOW - 10 * MINUTE
    await store.write([point("a", start, v=1.0, on=1, s="x", lag_ms=0), point("a", start + MINUTE, v=2.0)])
    await roll_up(store, start, NOW)
    await roll_up(store, start, NOW)
    assert await rolled(store, "v") == [(start, Rolled(1, 1.0, 1.0, 1.0, 1.0)), (start + MINUTE, Rolled(1, 2.0, 2.0, 2.0, 2.0))]
    await store.write([point("a", start + 30_000, v=4.0, on=0)])
    await roll_up(store, start, start + MINUTE, "a")
    assert await rolled(store, "v") == [(start, Rolled(2, 4.0, 2.5, 1.0, 4.0)), (start + MINUTE, Rolled(1, 2.0, 2.0, 2.0, 2.0))]
    assert await rolled(store, "on") == [(start, Rolled(2, 0, 0.5, 0.0, 1.0))]
    assert await rolled(store, "s") == [(start, Rolled(1, "x"))]
    old = NOW - 700 * DAY
    await store.write_rollups("speaker", [DeviceMinute("a", old, {"v": Rolled(3, 9.0, 8.0, 7.0, 9.0)})])
    assert (await rolled(store, "v"))[0] == (old, Rolled(3, 9.0, 8.0, 7.0, 9.0))
    assert await rolled(store, "v", "nobody") == []
    assert await rolled(store, "nothing") == []
