"""Setting up against a real InfluxDB 2, and what people are told when it can't be."""

import asyncio
import re
import time
from typing import Any

import pytest

from ioc.adapters.influx import InfluxStore
from ioc.domain.point import Point, StoreDeniedError, StoreUnavailableError

pytestmark = pytest.mark.real("influxdb")
DAY_S = 86_400
DAY = DAY_S * 1_000
NOW = int(time.time() * 1000) // 60_000 * 60_000 - 30_000
"""The server judges retention by its own clock; between two minutes, so that what lies 1 ms before is in the same shard."""


@pytest.fixture
async def opened(influxdb: Any) -> Any:
    """`opened(bucket=, token=, org=, url=)`: a store that is closed with the test."""
    stores: list[InfluxStore] = []

    def make(**wishes: Any) -> InfluxStore:
        asked = {"url": influxdb.url, "org": influxdb.org, "bucket": influxdb.bucket, "token": influxdb.token, "timeout_ms": 60_000}
        store = InfluxStore(**(asked | wishes))
        stores.append(store)
        return store

    yield make
    for store in stores:
        await store.close()


def retention_s(influxdb: Any, bucket: str) -> int:
    """What the server says."""
    found = influxdb.request("GET", f"/api/v2/buckets/{influxdb.bucket_id(bucket)}")
    return int(found["retentionRules"][0]["everySeconds"]) if found["retentionRules"] else 0


async def test_missing_bucket_is_created_with_its_retention(influxdb: Any, opened: Any) -> None:
    """By an administrator's token; queries find it by its name."""
    name = influxdb.new_bucket() + "-mới"
    store = opened(bucket=name)
    await store.prepare(90 * DAY)
    assert await asyncio.to_thread(retention_s, influxdb, name) == 90 * DAY_S
    await store.prepare(90 * DAY)


@pytest.mark.parametrize(("had", "wanted"), [(0, 30 * DAY_S), (30 * DAY_S, 90 * DAY_S), (30 * DAY_S, 0)])
async def test_retention_that_differs_is_set_and_read_back(influxdb: Any, opened: Any, had: int, wanted: int) -> None:
    """0 = for ever."""
    bucket = influxdb.new_bucket(retention_s=had)
    await opened(bucket=bucket).prepare(wanted * 1_000)
    assert await asyncio.to_thread(retention_s, influxdb, bucket) == wanted


async def test_retention_too_short_for_the_server_is_named(influxdb: Any, opened: Any) -> None:
    """InfluxDB keeps nothing shorter than an hour."""
    with pytest.raises(StoreDeniedError, match=r"store\.retention is 60 s, but InfluxDB keeps nothing for less than an hour"):
        await opened(bucket=influxdb.new_bucket()).prepare(60_000)


async def test_token_for_one_bucket_is_enough(influxdb: Any, opened: Any) -> None:
    """Least privilege: read and write of the bucket."""
    bucket = influxdb.new_bucket(retention_s=30 * DAY_S)
    store = opened(bucket=bucket, token=influxdb.new_token(bucket))
    await store.prepare(90 * DAY)
    assert await store.write([Point.of("speaker", (("device", "a"),), {"v": 1.0}, NOW)]) == []


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"token": "wrong"}, "does not know this token"),
        ({"org": "elsewhere"}, "has no organisation 'elsewhere'"),
        ({"url": "http://127.0.0.1:1"}, "can't be reached"),
    ],
)
async def test_wrong_access_is_named(opened: Any, wishes: dict[str, str], words: str) -> None:
    """Token, organisation, address; the token itself is never told."""
    store = opened(**wishes)
    with pytest.raises(StoreUnavailableError, match=words) as caught:
        await store.prepare(90 * DAY)
    assert store._http._token not in str(caught.value) or wishes.get("token") == "wrong"
    assert isinstance(caught.value, StoreDeniedError) == ("url" not in wishes)
    with pytest.raises(StoreUnavailableError):
        await store.ping()
    with pytest.raises(StoreUnavailableError):
        await store.write([Point.of("speaker", (("device", "a"),), {"v": 1.0}, 0)])


async def test_token_without_the_right_to_write_is_named(influxdb: Any, opened: Any) -> None:
    """At the start, not at the first point."""
    bucket = influxdb.new_bucket(retention_s=90 * DAY_S)
    with pytest.raises(StoreDeniedError, match="may not do this"):
        await opened(bucket=bucket, token=influxdb.new_token(bucket, write=False)).prepare(90 * DAY)


async def test_token_that_may_not_see_the_bucket_is_named(influxdb: Any, opened: Any) -> None:
    """A token of another bucket can neither find nor create this one."""
    other = influxdb.new_bucket()
    with pytest.raises(StoreDeniedError, match=r"may not see it|that this token may see"):
        await opened(bucket="unseen", token=influxdb.new_token(other)).prepare(90 * DAY)


async def test_database_name_taken_by_another_bucket_is_named(influxdb: Any, opened: Any) -> None:
    """Else every query would answer from the wrong bucket."""
    mine, other = influxdb.new_bucket(retention_s=90 * DAY_S), influxdb.new_bucket()
    mapping = {
        "orgID": influxdb._org_id, "bucketID": influxdb.bucket_id(other), "database": mine, "retention_policy": "autogen", "default": True,
    }  # fmt: skip
    await asyncio.to_thread(influxdb.request, "POST", "/api/v2/dbrps", mapping)
    with pytest.raises(StoreDeniedError, match="mapped to another bucket"):
        await opened(bucket=mine).prepare(90 * DAY)


async def test_types_are_settled_shard_by_shard(influxdb: Any, opened: Any) -> None:
    """A field that is float today and was integer last week costs only what its own day refuses."""
    bucket = influxdb.new_bucket()
    store = opened(bucket=bucket)
    await store.prepare(90 * DAY)

    def one(device: str, value: float, ts: int) -> Point:
        return Point.of("speaker", (("device", device),), {"v": value, "lag_ms": 0}, ts)

    await store.write([one("a", 1.0, NOW), one("a", 1, NOW - 8 * DAY)])
    refusals = await store.write([one("b", 2, NOW), one("b", 2, NOW - 8 * DAY), one("c", 2.0, NOW), one("c", 2.0, NOW - 8 * DAY)])
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(0, "v"), (3, "v")]
    assert await store.count("speaker", 0, NOW + 1) == 6
    assert await store.count("speaker", 0, NOW + 1, field="v") == 4


async def test_string_longer_than_the_server_takes_costs_that_point(influxdb: Any, opened: Any) -> None:
    """1 MiB is its limit; found by halving."""
    store = opened(bucket=influxdb.new_bucket())
    await store.prepare(90 * DAY)
    points = [Point.of("event", (("device", f"d{i}"),), {"body": "x" * (1_100_000 if i == 33 else 10)}, NOW) for i in range(100)]
    refusals = await store.write(points)
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(33, None)]
    assert "too long" in refusals[0].detail
    assert await store.count("event", NOW, NOW + 1, field="body") == 99


async def test_store_goes_on_after_the_server_was_away(influxdb_factory: Any) -> None:
    """Down, killed, up again: the same points, written again, are there once."""
    server = await asyncio.to_thread(influxdb_factory)
    store = InfluxStore(server.url, org=server.org, bucket=server.bucket, token=server.token, timeout_ms=60_000)
    await store.prepare(90 * DAY)
    points = [Point.of("speaker", (("device", f"d{i}"),), {"lag_ms": i}, NOW) for i in range(100)]
    await store.write(points[:50])
    await asyncio.to_thread(server.kill)
    with pytest.raises(StoreUnavailableError):
        await store.write(points)
    await asyncio.to_thread(server.start)
    assert await store.write(points) == []
    assert await store.count("speaker", 0, NOW + 1) == 100
    await store.close()


async def test_bucket_of_another_program_costs_few_requests(influxdb: Any, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty fields with other types in the store: a handful of requests, not thirty; what fits is stored."""
    store = opened(bucket=influxdb.new_bucket())
    await store.prepare(90 * DAY)
    await store.write([Point.of("speaker", (("device", "old"),), {f"m{i}": 1 for i in range(30)} | {"s": 1.0}, NOW)])
    sent: list[bytes] = []
    post = store._http.post_lines

    async def counted(path: str, query: Any, lines: bytes) -> Any:
        sent.append(lines)
        return await post(path, query, lines)

    monkeypatch.setattr(store._http, "post_lines", counted)
    new = [
        Point.of("speaker", (("device", f"d{i}"),), {f"m{i}": 0.5 for i in range(30)} | {"s": "on", "lag_ms": 0}, NOW) for i in range(50)
    ]
    refusals = await store.write(new)
    named = [*(f"m{i}" for i in range(30)), "s"]
    assert {(refusal.index, refusal.field) for refusal in refusals} == {(i, name) for i in range(50) for name in named}
    assert len(refusals) == 50 * 31
    assert len(sent) <= 4
    assert await store.count("speaker", NOW, NOW + 1) == 50


class Counting:
    """How many writes a store sends."""

    def __init__(self, store: InfluxStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests = 0
        post = store._http.post_lines

        async def counted(path: str, query: Any, lines: bytes) -> Any:
            self.requests += 1
            return await post(path, query, lines)

        monkeypatch.setattr(store._http, "post_lines", counted)


def _conflict(good: Point) -> Point:
    return Point.of(good.measurement, good.tags, {"v": "text", "lag_ms": 0}, good.ts)


def _too_old(good: Point) -> Point:
    return Point.of(good.measurement, good.tags, good.fields, good.ts - 40 * 365 * DAY)


def _too_long(good: Point) -> Point:
    return Point.of(good.measurement, good.tags, {**good.fields, "s": "x" * 1_100_000}, good.ts)


def _unreadable(good: Point) -> Point:
    return Point.of(good.measurement, good.tags, {"v": float("nan"), "lag_ms": 0}, good.ts)


@pytest.mark.parametrize(
    "case",
    [
        (_conflict, "v", "already exists as type float", 2),
        (_too_old, None, "outside retention policy", 2),
        (_too_long, None, "too long", 27),
        (_unreadable, None, "unable to parse|invalid", 2),
    ],
    ids=["type conflict", "beyond retention", "too long", "unreadable"],
)
async def test_one_bad_point_of_5000_costs_no_other_and_few_requests(
    influxdb: Any, opened: Any, monkeypatch: pytest.MonkeyPatch, case: tuple[Any, str | None, str, int]
) -> None:
    """The other 4,999 are stored within that write: what the server names goes at once, else it is found by halving."""
    spoil, field, words, most = case
    store = opened(bucket=influxdb.new_bucket(retention_s=3650 * DAY_S), timeout_ms=60_000)
    await store.prepare(3650 * DAY)
    await store.write([Point.of("speaker", (("device", "first"),), {"v": 0.5, "lag_ms": 0}, NOW - 1)])
    batch = [Point.of("speaker", (("device", f"d{n}"),), {"v": float(n), "lag_ms": 0}, NOW) for n in range(5_000)]
    batch[3_210] = spoil(batch[3_210])
    if spoil is _unreadable:  # our own encoder would not let it out

        def as_it_is(point: Point) -> bytes:
            fields = ",".join(f"{name}={value}" for name, value in point.fields.items())
            return f"speaker,device={dict(point.tags)['device']} {fields}i {point.ts}".encode()

        monkeypatch.setattr(store._encoder, "line", as_it_is)
    counting = Counting(store, monkeypatch)
    refusals = await store.write(batch)
    assert [(refusal.index, refusal.field) for refusal in refusals] == [(3_210, field)]
    assert re.search(words, refusals[0].detail)
    assert counting.requests <= most
    assert await store.count("speaker", NOW, NOW + 1, field="v") == 4_999


async def test_bucket_or_token_that_goes_away_later_is_named(influxdb: Any, opened: Any) -> None:
    """401 and 404 at a write: a person must act, and is told which file to look at; nothing counts as refused."""
    bucket = influxdb.new_bucket()
    store = opened(bucket=bucket)
    await store.prepare(0)
    await asyncio.to_thread(influxdb.request, "DELETE", f"/api/v2/buckets/{influxdb.bucket_id(bucket)}")
    point = Point.of("speaker", (("device", "a"),), {"v": 1.0}, NOW)
    with pytest.raises(StoreDeniedError, match=r"404.*check store\.url, store\.org and store\.bucket"):
        await store.write([point])
    store._http._token = "revoked"  # noqa: S105
    await store.close()
    with pytest.raises(StoreDeniedError, match=r"401.*check store\.token_file"):
        await store.write([point])
