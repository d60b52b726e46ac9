"""The spool drains oldest first, many rows at a time, and lives beside live traffic."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from collectors import drain as drain_module
from collectors import writer as writer_module
from collectors.drain import Drain, TakenRow
from collectors.writer import Writer
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.domain.point import Point, PointRefusal, StoreUnavailableError
from servers.waiting import PATIENCE_S

NOW = 1_700_000_000_000
AWAY = StoreUnavailableError("connection refused")
Wait = Callable[..., Awaitable[Any]]


def points(count: int, first: int = 0) -> list[Point]:
    return [Point.of("speaker", (("device", f"d{n}"),), {"volume": n}, NOW) for n in range(first, first + count)]


class Site:
    """A writer, a spool and a drain around a store that answers as told."""

    def __init__(self, folder: Path) -> None:
        self.file = spool_file(folder / "spool.db")
        self.spool = Spool(self.file, limit_bytes=100_000_000, clock=lambda: NOW)
        self.writer = Writer(self, self.spool, clock=lambda: NOW)
        self.drain = Drain(self.writer, self.spool, self, jitter=lambda: 0.0)
        self.requests: list[list[Point]] = []
        self.answer: Callable[[Sequence[Point]], list[PointRefusal]] = lambda _points: []
        self.held: dict[str, asyncio.Event] = {}
        """Measurement of a write's first point → what its answer waits for."""
        self.booked: list[list[TakenRow]] = []
        self.asked_for_lost = 0

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        self.requests.append(list(points))
        if points[0].measurement in self.held:
            await self.held[points[0].measurement].wait()
        return self.answer(points)

    async def ping(self) -> None:
        self.answer([])

    async def drained(self, rows: Sequence[TakenRow]) -> None:
        self.booked.append(list(rows))

    async def lost(self) -> None:
        self.asked_for_lost += 1

    async def fill(self, *sizes: int) -> list[int]:
        """Rows of so many points."""
        ids = []
        for number, size in enumerate(sizes):
            ids.append(await self.spool.append("ioc-1", points(size, number * 10_000), b""))
            self.writer.release(ids[-1])
        return ids

    @asynccontextmanager
    async def draining(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.drain.run())
        try:
            yield
        finally:
            assert not task.done(), task.exception()
            task.cancel()


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(drain_module, "RETRY_FIRST_S", 0.005)
    monkeypatch.setattr(drain_module, "RETRY_MOST_S", 0.01)
    monkeypatch.setattr(writer_module, "SPOOL_FULL_RETRY_S", 0.01)
    # The store is slow, or gives no answer, where a test says so, not where the machine has other work to do.
    monkeypatch.setattr(writer_module, "WRITE_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(drain_module, "FAST_S", PATIENCE_S)
    monkeypatch.setattr(drain_module, "SLOW_S", PATIENCE_S)
    made = Site(tmp_path)
    await made.file.open()
    await made.spool.open()
    yield made
    await made.file.close()


async def test_many_small_rows_go_in_one_request(site: Site, wait_until: Wait) -> None:
    """As many as the store takes at once; each is booked, and all are forgotten together."""
    ids = await site.fill(*[100] * 120)
    async with site.draining():
        await wait_until(lambda: site.spool.rows == 0)
    assert [len(request) for request in site.requests] == [5_000, 5_000, 2_000]
    assert [taken.row.id for rows in site.booked for taken in rows] == ids
    assert [point.fields["volume"] for request in site.requests for point in request] == sorted(
        n * 10_000 + i for n in range(120) for i in range(100)
    )
    assert (site.drain.points, site.drain.rows) == (12_000, 120)
    assert site.drain.rate > 0


async def test_row_larger_than_a_request_goes_by_itself(site: Site, wait_until: Wait) -> None:
    """It is not left behind."""
    await site.fill(10, 7_000, 10)
    async with site.draining():
        await wait_until(lambda: site.spool.rows == 0)
    assert [len(request) for request in site.requests] == [10, 7_000, 10]


async def test_refusals_are_booked_with_their_own_row(site: Site, wait_until: Wait) -> None:
    """By their place in that row."""
    ids = await site.fill(3, 1, 4)
    site.answer = lambda _points: [PointRefusal(2, None, "a"), PointRefusal(3, "volume", "b"), PointRefusal(7, None, "c")]
    async with site.draining():
        await wait_until(lambda: site.spool.rows == 0)
    ((first, second, third),) = site.booked
    assert [taken.row.id for taken in (first, second, third)] == ids
    assert first.refusals == [PointRefusal(2, None, "a")]
    assert second.refusals == [PointRefusal(0, "volume", "b")]
    assert third.refusals == [PointRefusal(3, None, "c")]


async def test_drain_waits_while_a_live_write_waits_but_not_for_ever(site: Site, wait_until: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow store serves live points first."""
    monkeypatch.setattr(drain_module, "GIVE_WAY_FROM_S", 0.0)
    monkeypatch.setattr(drain_module, "GIVE_WAY_MOST_S", PATIENCE_S)
    site.held["live"] = asyncio.Event()
    live = asyncio.create_task(site.writer.put("ioc-1", [Point.of("live", (), {"v": 1}, NOW)], lambda: b""))
    await wait_until(lambda: len(site.requests) == 1)
    await site.fill(10)
    async with site.draining():
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(site.requests) == 1
        site.held["live"].set()
        assert (await live).spooled_as is None
        await wait_until(lambda: site.spool.rows == 0)

        site.held["live"] = asyncio.Event()
        monkeypatch.setattr(drain_module, "GIVE_WAY_MOST_S", 0.01)
        live = asyncio.create_task(site.writer.put("ioc-1", [Point.of("live", (), {"v": 1}, NOW)], lambda: b""))
        await wait_until(lambda: len(site.requests) == 3)
        await site.fill(10)
        await wait_until(lambda: site.spool.rows == 0)
        site.held["live"].set()
        await live


async def test_live_points_pass_a_drain_that_hangs(site: Site, wait_until: Wait) -> None:
    """At most one request of the drain is under way, and nobody waits for it."""
    site.held["speaker"] = asyncio.Event()
    await site.fill(10, 10)
    async with site.draining():
        await wait_until(lambda: len(site.requests) == 1)
        for _ in range(5):
            written = await site.writer.put("ioc-1", [Point.of("live", (), {"v": 1}, NOW)], lambda: b"")
            assert written.spooled_as is None
        assert [request[0].measurement for request in site.requests] == ["speaker", *["live"] * 5]
        site.held["speaker"].set()
        await wait_until(lambda: site.spool.rows == 0)


async def test_spooled_batch_that_the_store_fails_on_delays_no_live_point(site: Site, wait_until: Wait) -> None:
    """The same points are sent again, so that equal answers can be told; the store does not count as away for it."""

    def fails_on_old(some: Sequence[Point]) -> list[PointRefusal]:
        if some and some[0].measurement == "speaker":
            raise StoreUnavailableError("500 panic")  # noqa: EM101, TRY003
        return []

    site.answer = fails_on_old
    await site.fill(10)
    async with site.draining():
        await wait_until(lambda: len(site.requests) >= 2)
        await site.fill(10)
        await wait_until(lambda: len(site.requests) >= 6)
        assert {len(request) for request in site.requests} == {10}
        assert (await site.writer.put("ioc-1", [Point.of("live", (), {"v": 1}, NOW)], lambda: b"")).spooled_as is None
        assert site.writer.down_since is None
        assert "panic" in site.drain.last_error
        site.answer = lambda _points: []
        await wait_until(lambda: site.spool.rows == 0)
    assert site.drain.last_error == ""


async def test_slow_store_is_given_less_at_a_time(site: Site, wait_until: Wait, monkeypatch: pytest.MonkeyPatch) -> None:
    """And more again once it is fast."""
    monkeypatch.setattr(drain_module, "SLOW_S", 0.0)
    monkeypatch.setattr(drain_module, "FAST_S", 0.0)
    await site.fill(*[100] * 100)
    async with site.draining():
        await wait_until(lambda: len(site.requests) >= 3)
        monkeypatch.setattr(drain_module, "SLOW_S", PATIENCE_S)
        monkeypatch.setattr(drain_module, "FAST_S", PATIENCE_S)
        await wait_until(lambda: site.spool.rows == 0)
    assert [len(request) for request in site.requests][:3] == [5_000, 2_500, 1_200]


async def test_requests_under_random_trouble_are_close_to_the_fewest_possible(site: Site, wait_until: Wait) -> None:
    """One for each full batch, and one more for each time that the store did not take it."""
    chance = random.Random(7)
    troubles = 0

    def moody(some: Sequence[Point]) -> list[PointRefusal]:
        nonlocal troubles
        if some and chance.random() < 0.5:
            troubles += 1
            raise AWAY
        return []

    site.answer = moody
    await site.fill(*[100] * 500)
    async with site.draining():
        await wait_until(lambda: site.spool.rows == 0)
    assert len(site.requests) <= 1.5 * (10 + troubles)
    assert sum(len(taken.row.points) for rows in site.booked for taken in rows) == 50_000


async def test_rows_that_can_not_be_read_are_asked_for_at_the_start_and_when_found(site: Site, wait_until: Wait) -> None:
    """Their deliveries may not stay spooled for ever."""
    await site.fill(1, 1)
    async with site.draining():
        await wait_until(lambda: site.spool.rows == 0)
        assert site.asked_for_lost == 1
        row = await site.spool.append("ioc-1", points(1), b"")
        await site.file.write(lambda connection: connection.execute("UPDATE batch SET size = 1, points = x'00'"))
        site.writer.release(row)
        await wait_until(lambda: site.asked_for_lost == 2)


async def test_full_disk_stops_everything_and_loses_nothing(site: Site, wait_until: Wait) -> None:
    """While nothing can be spooled nobody is told that it was; freed again, each point is stored once, whatever came in between."""

    def away(_points: Sequence[Point]) -> list[PointRefusal]:
        raise AWAY

    async def limit(pages: int) -> None:
        await site.file.write(lambda connection: connection.execute(f"PRAGMA max_page_count={pages}").fetchall())

    async def put_all() -> None:
        for number in range(200):
            written = await site.writer.put("ioc-1", points(100, number * 100), lambda: b"note")
            if written.spooled_as is not None:
                site.writer.release(written.spooled_as)

    site.answer = away
    await limit(20)
    async with site.draining(), asyncio.TaskGroup() as group:
        putting = group.create_task(put_all())
        await wait_until(lambda: site.writer.spool_full_since is not None)
        assert "full" in site.writer.spool_error
        held = site.spool.rows
        assert 0 < held < 200
        await limit(60)
        await wait_until(lambda: site.spool.rows > held)
        await limit(1_000_000)
        site.answer = lambda _points: []
        await wait_until(lambda: putting.done() and site.spool.rows == 0 and site.writer.spool_full_since is None)
    taken = [point.fields["volume"] for rows in site.booked for one in rows for point in one.row.points]
    assert len(taken) == len(set(taken))
    assert set(range(20_000)) <= {point.fields["volume"] for request in site.requests for point in request}
