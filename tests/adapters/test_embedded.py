"""What only the embedded store has: a file of its own, an expiry of its own, a disk that fills."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.adapters.embedded import EmbeddedStore
from ioc.domain.point import Point, StoreUnavailableError

DAY = 86_400_000
NOW = 1_795_000_000_000


class Clock:
    """Set by the test."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At NOW."""
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[EmbeddedStore]:
    """Keeps 10 days."""
    opened = EmbeddedStore(tmp_path / "series.db", clock=clock)
    await opened.prepare(10 * DAY)
    yield opened
    await opened.close()


def point(device: str, ts: int, **fields: float | str) -> Point:
    """A point of one device."""
    return Point.of("speaker", (("device", device),), fields or {"lag_ms": 0}, ts)


async def rows_of(store: EmbeddedStore) -> int:
    """Points on disk, expired or not."""
    return await store._file.read(lambda connection: connection.execute("SELECT count(*) FROM point").fetchone()[0])


async def test_points_expire_in_slices_while_new_ones_come(store: EmbeddedStore, clock: Clock) -> None:
    """At most 5,000 a second, so that live points don't wait; in the end nothing old is left."""
    for first in range(0, 12_000, 4_000):
        await store.write([point(f"d{i % 7}", NOW - 9 * DAY + i * 10) for i in range(first, first + 4_000)])
    await store.write([point("new", NOW + 2 * DAY)])
    clock.now = NOW + 2 * DAY
    left = []
    for _ in range(4):
        clock.now += 1_000
        await store.write([point("new", clock.now)])
        left.append(await rows_of(store))
    assert left == [12_001 + 1 - 5_000, 12_001 + 2 - 10_000, 4, 5]
    await store.write([point("new", clock.now)])
    assert await rows_of(store) == 5


async def test_restart_keeps_points_types_and_latest_values(tmp_path: Path, clock: Clock) -> None:
    """A second start goes on where the first ended."""
    for start in range(3):
        store = EmbeddedStore(tmp_path / "series.db", clock=clock)
        await store.prepare(10 * DAY)
        assert await store.write([point("a", NOW + start, v=float(start), s="x")]) == []
        assert [refusal.field for refusal in await store.write([point("b", NOW, v=1, s="y")])] == ["v"]
        assert await store.latest("speaker") == {"a": {"v": (NOW + start, float(start)), "s": (NOW + start, "x")}, "b": {"s": (NOW, "y")}}
        await store.close()


async def test_full_disk_loses_nothing_and_mixes_nothing_up(store: EmbeddedStore) -> None:
    """The failed batch is not there at all; numbers given to its series and fields are given anew."""
    await store.write([point("kept", NOW, v=1.0)])
    await store._file.write(lambda connection: connection.execute("PRAGMA max_page_count=60").fetchone())
    batch = [point(f"device-{i}", NOW, **{f"metric_{i % 50}": "x" * 300}) for i in range(2_000)]
    with pytest.raises(StoreUnavailableError, match=r"series\.db: database or disk is full: free space"):
        await store.write(batch)
    assert await store.latest("speaker") == {"kept": {"v": (NOW, 1.0)}}
    await store._file.write(lambda connection: connection.execute("PRAGMA max_page_count=1000000").fetchone())
    assert await store.write([point("other", NOW, metric_49=5), *batch[:49]]) == []
    latest = await store.latest("speaker")
    assert latest["other"] == {"metric_49": (NOW, 5)}
    assert latest["device-7"] == {"metric_7": (NOW, "x" * 300)}
    assert len(latest) == 51


async def test_damaged_file_is_named_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    """Its history may be worth a repair by hand."""
    (tmp_path / "series.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(StoreUnavailableError, match=r"series\.db: file is not a database: .*move it away"):
        await EmbeddedStore(tmp_path / "series.db", clock=clock).prepare(0)


_POINTS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(-900_000, 900_000), st.dictionaries(st.sampled_from("uvw"), st.integers(-9, 9), min_size=1)
    ),
    max_size=60,
)
_files = iter(range(10**9))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(_POINTS, max_size=4))
async def test_store_agrees_with_a_plain_dictionary(
    tmp_path: Path, clock: Clock, batches: list[list[tuple[str, int, dict[str, int]]]]
) -> None:
    """Whatever order points come in: series, latest values and counts are those of merged fields by (device, ts)."""
    store = EmbeddedStore(tmp_path / f"{next(_files)}.db", clock=clock)
    await store.prepare(0)
    model: dict[tuple[str, int], dict[str, int]] = {}
    for batch in batches:
        for device, ts, fields in batch:
            model.setdefault((device, NOW + ts), {}).update(fields)
        assert await store.write([Point.of("m", (("device", device),), dict(fields), NOW + ts) for device, ts, fields in batch]) == []
    expected: dict[str, dict[str, tuple[int, int]]] = {}
    for (device, ts), fields in sorted(model.items()):
        expected.setdefault(device, {}).update({name: (ts, value) for name, value in fields.items()})
    assert await store.latest("m") == expected
    for field in "uvw":
        stored = {(d, row.ts): row.value for d in "abc" for row in await store.series("m", {"device": d}, field, 0, NOW * 2, None)}
        assert stored == {key: fields[field] for key, fields in model.items() if field in fields}
        assert await store.count("m", NOW - 300_000, NOW + 300_000, field) == sum(
            1 for (_, ts), fields in model.items() if field in fields and NOW - 300_000 <= ts < NOW + 300_000
        )
    await store.close()
