"""One door to the store: what it does not take waits in the spool, and is taken once."""

import asyncio
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

NOW = 1_700_000_000_000
Wait = Callable[..., Awaitable[Any]]


def points(*numbers: int) -> list[Point]:
    return [Point.of("speaker", (("device", "d1"),), {"volume": number}, NOW + number) for number in numbers]


class Store:
    """A store that can be away, hang, or break."""

    def __init__(self) -> None:
        self.taken: list[Point] = []
        self.writes = 0
        self.away: Exception | None = None
        self.hangs = False
        self.refusals: list[PointRefusal] = []

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        self.writes += 1
        await self.ping()
        self.taken += points
        return self.refusals

    async def ping(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.away is not None:
            raise self.away


class Door:
    """A writer over a real spool."""

    def __init__(self, folder: Path, *, limit: int = 10_000_000) -> None:
        self.now = NOW
        self.store = Store()
        self.file = spool_file(folder / "spool.db")
        self.spool = Spool(self.file, limit_bytes=limit, clock=lambda: self.now)
        self.writer = Writer(self.store, self.spool, clock=lambda: self.now)
        self.drain = Drain(self.writer, self.spool, self, jitter=lambda: 0.0)
        self.booked: list[tuple[int, list[PointRefusal]]] = []

    async def drained(self, rows: Sequence[TakenRow]) -> None:
        self.booked += [(taken.row.id, taken.refusals) for taken in rows]

    async def lost(self) -> None:
        pass

    async def spool_one(self, *numbers: int) -> int:
        written = await self.writer.put("ioc-1", points(*numbers), lambda: b"note")
        assert written.spooled_as is not None
        self.writer.release(written.spooled_as)
        return written.spooled_as

    @asynccontextmanager
    async def draining(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.drain.run())
        try:
            yield
        finally:
            assert not task.done(), task.exception()
            task.cancel()


@pytest.fixture
async def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr(drain_module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(drain_module, "RETRY_MOST_S", 0.02)
    monkeypatch.setattr(writer_module, "SPOOL_FULL_RETRY_S", 0.01)
    made = Door(tmp_path)
    await made.file.open()
    await made.spool.open()
    yield made
    await made.file.close()


AWAY = StoreUnavailableError("connection refused")
DISK_FULL = StoreUnavailableError("disk is full")
DISK_GONE = StoreUnavailableError("disk I/O error")


async def test_points_go_to_the_store_while_it_answers(door: Door) -> None:
    """Its refusals come back; the spool is not touched."""
    door.store.refusals = [PointRefusal(0, None, "beyond retention")]
    written = await door.writer.put("ioc-1", points(1, 2), lambda: b"")
    assert (written.refusals, written.spooled_as) == (door.store.refusals, None)
    assert (door.spool.rows, door.writer.down_since) == (0, None)


async def test_store_that_hangs_counts_as_away_since_it_was_asked(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds of waiting are part of its absence: else the alarm would come too late."""
    monkeypatch.setattr(writer_module, "WRITE_TIMEOUT_S", 0.05)
    door.store.hangs = True
    task = asyncio.create_task(door.writer.put("ioc-1", points(1), lambda: b""))
    await asyncio.sleep(0)
    door.now = NOW + 5_000
    assert (await task).spooled_as is not None
    assert door.writer.down_since == NOW
    assert "no answer" in door.writer.last_error


async def test_store_that_is_away_is_not_asked_for_every_batch(door: Door) -> None:
    """Batches go to the spool at once until a probe or the drain finds it again."""
    door.store.away = AWAY
    for number in range(5):
        await door.spool_one(number)
    assert door.store.writes == 1
    assert door.spool.rows == 5


async def test_error_of_our_own_while_writing_keeps_the_points(door: Door) -> None:
    """A store adapter that stumbles over something costs no point, and not the server."""
    door.store.away = ZeroDivisionError("unforeseen")
    await door.spool_one(1)
    assert "unforeseen" in door.writer.last_error


async def test_probe_finds_a_store_that_went_away_while_nothing_was_written(door: Door) -> None:
    """Silence of devices hides nothing."""
    door.store.away = AWAY
    await door.writer.probe()
    assert door.writer.down_since == NOW
    assert not door.writer.answered


async def test_store_has_answered_once_it_did(door: Door) -> None:
    """Until then nobody knows whether it works."""
    assert not door.writer.answered
    await door.writer.probe()
    assert door.writer.answered


async def test_rows_are_drained_oldest_first_once_the_ledger_counts_them(door: Door, wait_until: Wait) -> None:
    """A row that is not booked yet waits, though the store is back."""
    door.store.away = AWAY
    first = await door.spool_one(1, 2)
    written = await door.writer.put("ioc-1", points(3), lambda: b"")
    door.store.away = None
    async with door.draining():
        await wait_until(lambda: door.spool.rows == 1)
        assert door.store.taken == points(1, 2)
        assert written.spooled_as is not None
        door.writer.release(written.spooled_as)
        await wait_until(lambda: door.spool.rows == 0)
    assert door.store.taken == points(1, 2, 3)
    assert door.booked == [(first, []), (written.spooled_as, [])]
    assert door.writer.down_since is None


async def test_live_points_are_written_beside_the_drain(door: Door, wait_until: Wait) -> None:
    """What comes now need not wait for what came then."""
    door.store.away = AWAY
    await door.spool_one(1)
    door.store.away = None
    async with door.draining():
        await wait_until(lambda: door.writer.down_since is None)
        assert (await door.writer.put("ioc-1", points(9), lambda: b"")).spooled_as is None


async def test_full_spool_makes_everybody_wait_until_the_store_is_back(tmp_path: Path, door: Door, wait_until: Wait) -> None:
    """Nothing is dropped; once the store takes points again nothing is full any more."""
    del door
    small = Door(tmp_path / "small", limit=1)
    await small.file.open()
    await small.spool.open()
    small.store.away = AWAY
    async with small.draining():
        task = asyncio.create_task(small.writer.put("ioc-1", points(1), lambda: b""))
        await wait_until(lambda: small.writer.spool_full_since == NOW)
        assert "the spool is full" in small.writer.spool_error
        assert not task.done()
        small.store.away = None
        assert (await task).spooled_as is None
    assert small.writer.spool_full_since is None
    await small.file.close()


async def test_spool_stays_full_while_a_batch_waits_that_does_not_fit(tmp_path: Path, wait_until: Wait) -> None:
    """A smaller one that fits meanwhile must not end the alarm, to raise it again half a second later."""
    small = Door(tmp_path / "small", limit=400)
    await small.file.open()
    await small.spool.open()
    small.store.away = AWAY
    large = asyncio.create_task(small.writer.put("ioc-1", [*points(*range(300))], lambda: bytes(400)))
    await wait_until(lambda: small.writer.spool_full_since == NOW)
    await small.spool_one(1)
    assert small.writer.spool_full_since == NOW
    small.store.away = None
    async with small.draining():
        assert (await large).spooled_as is None
        await wait_until(lambda: small.writer.spool_full_since is None)
    await small.file.close()


async def test_drain_survives_a_spool_that_fails_and_books_a_row_once(
    door: Door, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, or gone for a while, ends nothing and counts nothing twice."""
    door.store.away = AWAY
    row = await door.spool_one(1)
    door.store.away = None
    remove, oldest = door.spool.remove, door.spool.oldest
    failures = {"read": 2, "remove": 2}

    async def failing_remove(row_ids: Sequence[int]) -> None:
        if failures["remove"]:
            failures["remove"] -= 1
            raise DISK_FULL
        await remove(row_ids)

    async def failing_oldest(limit: int, *, points: int) -> Any:
        if failures["read"]:
            failures["read"] -= 1
            raise DISK_GONE
        return await oldest(limit, points=points)

    monkeypatch.setattr(door.spool, "remove", failing_remove)
    monkeypatch.setattr(door.spool, "oldest", failing_oldest)
    async with door.draining():
        await wait_until(lambda: door.spool.rows == 0)
    assert door.booked == [(row, [])]
    assert door.writer.down_since is None
