"""The order of a batch: assigned times → decide and commit → store or spool → quarantine → ledger → acknowledge."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from collectors.accounting import read_note
from collectors.delivery import CanaryBack, Connected, Delivery, Disconnected, SessionItem
from collectors.drain import Drain, SpoolRow, TakenRow
from collectors.drift import DriftTracker
from collectors.drift_watch import DriftWatch
from collectors.ingest import Ingest
from collectors.pipeline import DeskInput, Pipeline
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from collectors.spool_books import SpoolBooks
from collectors.unmapped import UnmappedKeys
from collectors.writer import Writer
from ioc.domain.family import Family
from ioc.domain.hearing import Heard, Lost
from ioc.domain.ledger import Booking, LedgerTerms, SpooledBatch
from ioc.domain.point import Point, PointRefusal, StoreUnavailableError
from ioc.domain.quarantined import QuarantineEntry
from ioc.domain.rollup import HOUR_MS, DueHour, Frontier
from ioc.domain.sample import Arrival, Sample
from servers.waiting import PATIENCE_S, wait_until

NOW = 1_700_000_000_000
DISK_FULL = StoreUnavailableError("disk is full")
AWAY = "connection refused"


@pytest.fixture(autouse=True)
def store_is_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that hangs does so until the test ends it: on a busy machine what is decided meanwhile takes longer than its 5 s."""
    monkeypatch.setattr("collectors.writer.WRITE_TIMEOUT_S", PATIENCE_S)


class Bench:
    """Fakes of everything around a pipeline; `log` is the order in which they were asked."""

    def __init__(self, families: dict[str, Family], items: Sequence[SessionItem]) -> None:
        self.log: list[str] = []
        self.items = list(items)
        self.stored: list[Point] = []
        self.refusals: list[PointRefusal] = []
        self.store_down = False
        self.store_hangs: asyncio.Event | None = None
        self.rows: list[Any] = []
        self.entries: list[QuarantineEntry] = []
        self.bookings: list[Booking] = []
        self.inputs: list[DeskInput] = []
        self.acknowledged: list[SessionItem] = []
        self.assigned: list[tuple[int, int]] = []
        self.frontier = Frontier(families)
        redelivery = RedeliveryMemory()
        self.writer = Writer(self, self, clock=lambda: NOW)
        self.pipeline = Pipeline(
            "ioc-1",
            session=self,
            ingest=Ingest(families, topic_root="ioc/v1", history_limit=90 * 86_400_000, redelivery=redelivery),
            encoder=PointEncoder(families),
            redelivery=redelivery,
            desk=self,
            quarantine=self,
            assigned=self,
            writer=self.writer,
            ledger=self,
            unmapped=UnmappedKeys(),
            drift=DriftWatch(DriftTracker(), families),
            frontier=self.frontier,
        )

    # the session
    async def receive(self, *, most: int, linger: float) -> Sequence[SessionItem]:
        del linger
        if not self.items:
            await asyncio.Event().wait()
        batch, self.items = self.items[:most], self.items[most:]
        self.log.append("receive")
        return batch

    def acknowledge(self, items: Sequence[SessionItem]) -> int:
        self.log.append("acknowledge")
        self.acknowledged += items
        return 0

    @property
    def queued(self) -> int:
        return sum(isinstance(item, Delivery) for item in self.items)

    # the desk
    async def decide(self, source: str, inputs: Sequence[DeskInput]) -> Sequence[Point]:
        del source
        self.log.append("decide")
        self.inputs += inputs
        return []

    # the store
    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        if self.store_hangs is not None:
            await self.store_hangs.wait()
        if self.store_down:
            raise StoreUnavailableError(AWAY)
        self.log.append("store")
        self.stored += points
        return self.refusals

    async def ping(self) -> None:
        if self.store_down:
            raise StoreUnavailableError(AWAY)

    # the spool
    async def append(self, source: str, points: Sequence[Point], ledger: bytes) -> int:
        self.log.append("spool")
        self.rows.append(_Row(len(self.rows) + 1, source, list(points), ledger))
        return len(self.rows)

    put_aside = 0

    async def oldest(self, limit: int, *, points: int) -> Sequence[SpoolRow]:
        del points
        return self.rows[:limit]

    async def remove(self, row_ids: Sequence[int]) -> None:
        self.rows = [row for row in self.rows if row.id not in row_ids]

    async def ids(self) -> Sequence[int]:
        return [row.id for row in self.rows]

    async def damaged(self) -> Sequence[Any]:
        return []

    # quarantine, assigned times, ledger
    async def add(self, entries: Sequence[QuarantineEntry]) -> int:
        self.log.append("quarantine")
        self.entries += entries
        return 0

    async def record(self, source: str, entries: Sequence[tuple[int, int]]) -> None:
        del source
        self.log.append("assigned")
        self.assigned += entries

    async def book(self, *bookings: Booking) -> None:
        self.log.append("book")
        self.bookings += bookings

    async def spooled_ids(self) -> frozenset[int]:
        return frozenset()

    async def spooled(self, ids: Sequence[int]) -> Sequence[SpooledBatch]:
        del ids
        return []

    @property
    def terms(self) -> LedgerTerms:
        total = LedgerTerms()
        for booking in self.bookings:
            for row in booking.rows:
                total.add(row.terms)
        return total

    async def run(self, done: Callable[[], bool]) -> None:
        """Until `done`, then stopped in order."""
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            task = group.create_task(self.pipeline.run())
            await wait_until(done)
            self.pipeline.stop()
            await task


class _Row:
    def __init__(self, row_id: int, source: str, points: list[Point], ledger: bytes) -> None:
        self.id = row_id
        self.source = source
        self.points = points
        self.ledger = ledger


def message(document: object, *, mid: int = 1, **flags: Any) -> Delivery:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Delivery(b"ioc/v1/speaker/d1/telemetry", payload, NOW + mid, mid, 1, **flags)


async def test_batch_is_acknowledged_last_and_in_order(families: dict[str, Family]) -> None:
    """What is refused whole is kept while the store is asked, the copy of a partial one after; the ledger and the answer follow."""
    items = [message({"volume": 1}, mid=1), message(b"junk", mid=2), message({"ts": NOW, "volume": "x", "state": "idle"}, mid=3)]
    bench = Bench(families, items)
    await bench.run(lambda: len(bench.acknowledged) == 3)
    assert bench.log == ["receive", "assigned", "decide", "quarantine", "store", "quarantine", "book", "acknowledge"]
    assert bench.acknowledged == items
    assert (bench.terms.received, bench.terms.stored, bench.terms.quarantined, bench.terms.partial) == (3, 2, 1, 1)
    assert bench.terms.difference == 0
    assert [(entry.refusal.reason, entry.partial) for entry in bench.entries] == [("not_json", False), ("wrong_type", True)]


async def test_desk_hears_arrivals_samples_and_canaries_in_order(families: dict[str, Family]) -> None:
    """A canary proves that everything before it was decided."""
    items: list[SessionItem] = [
        Connected(NOW, 1, session_present=False),
        message({"ts": NOW, "volume": 1}, mid=1),
        CanaryBack(NOW + 5, NOW + 6, 1, 9, first=True),
        message(b"junk", mid=2),
        Disconnected(NOW + 9, 1, "gone"),
    ]
    bench = Bench(families, items)
    await bench.run(lambda: len(bench.acknowledged) == 5)
    assert [type(news) for news in bench.inputs] == [Sample, Heard, Arrival, Lost]
    assert bench.inputs[0].heard


async def test_store_refusal_moves_the_delivery_to_quarantine(families: dict[str, Family]) -> None:
    """A refused point is quarantined with the server's words; a refused field makes it partial."""
    bench = Bench(families, [message({"ts": NOW + n, "volume": n}, mid=n) for n in range(3)])
    bench.refusals = [PointRefusal(0, None, "beyond retention"), PointRefusal(2, "volume", "is type float")]
    await bench.run(lambda: len(bench.acknowledged) == 3)
    assert (bench.terms.stored, bench.terms.quarantined, bench.terms.partial) == (2, 1, 1)
    assert [(entry.refusal.detail, entry.partial) for entry in bench.entries] == [
        ("beyond retention", False),
        ("volume: is type float", True),
    ]
    assert bench.terms.difference == 0


async def test_store_away_spools_and_acknowledges_then_drains_with_the_ledger_closed(families: dict[str, Family]) -> None:
    """Spooled moves to stored, or to quarantined, when the store takes the row."""
    bench = Bench(families, [message({"ts": NOW + n, "volume": n}, mid=n) for n in range(3)] + [message(b"junk", mid=7)])
    bench.store_down = True
    await bench.run(lambda: len(bench.acknowledged) == 4)
    assert (bench.terms.spooled, bench.terms.stored, bench.terms.quarantined) == (3, 0, 1)
    (row,) = bench.rows
    assert len(read_note(row.ledger)) == 3
    bench.store_down = False
    bench.refusals = [PointRefusal(1, None, "beyond retention")]

    books = SpoolBooks(bench, quarantine=bench, ledger=bench, uncounted=(), rebooked=list, frontier=Frontier(), clock=lambda: NOW)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Drain(bench.writer, bench, books, jitter=lambda: 0.0).run())
        await wait_until(lambda: not bench.rows)
        task.cancel()
    assert (bench.terms.spooled, bench.terms.stored, bench.terms.quarantined) == (0, 2, 2)
    assert bench.terms.difference == 0
    assert bench.writer.down_since is None


@pytest.mark.parametrize("counted", [True, False])
async def test_hours_are_due_again_when_their_points_are_stored_and_not_before(families: dict[str, Family], counted: bool) -> None:  # noqa: FBT001
    """Of a batch with its booking, of a spooled one when the store takes it; also of a row that the ledger never counted."""
    hour = DueHour("speaker", "d1", NOW - NOW % HOUR_MS)
    bench = Bench(families, [message({"ts": NOW, "volume": 1})])
    bench.frontier.until = NOW + HOUR_MS
    await bench.run(lambda: len(bench.acknowledged) == 1)
    assert [booking.due for booking in bench.bookings] == [(hour,)]
    bench = Bench(families, [message({"ts": NOW, "volume": 1})])
    bench.store_down = True
    await bench.run(lambda: len(bench.acknowledged) == 1)
    bench.frontier.until = NOW + HOUR_MS
    uncounted = () if counted else (bench.rows[0].id,)
    books = SpoolBooks(
        bench, quarantine=bench, ledger=bench, uncounted=uncounted, rebooked=list, frontier=bench.frontier, clock=lambda: NOW
    )
    await books.drained([TakenRow(bench.rows[0], [])])
    assert [booking.due for booking in bench.bookings] == [(), (hour,)]


async def test_deciding_goes_on_while_the_store_hangs(families: dict[str, Family]) -> None:
    """Alarms never wait for the store."""
    bench = Bench(families, [message({"ts": NOW + n, "volume": n % 100}, mid=n) for n in range(12_000)])
    bench.store_hangs = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        task = group.create_task(bench.pipeline.run())
        await wait_until(lambda: sum(isinstance(news, Sample) for news in bench.inputs) == 12_000)
        assert bench.acknowledged == []
        assert bench.pipeline.in_flight == 12_000
        bench.store_hangs.set()
        bench.pipeline.stop()
        await task
    assert len(bench.acknowledged) == 12_000
    assert bench.pipeline.in_flight == 0


async def test_batches_that_wait_for_a_write_are_finished_together(families: dict[str, Family], monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow a write is, what came meanwhile costs one more, and is acknowledged in order of arrival."""
    bench = Bench(families, [message({"ts": NOW + n, "volume": n % 100}, mid=n) for n in range(3_000)])
    receive = bench.receive

    async def few(*, most: int, linger: float) -> Sequence[SessionItem]:
        return await receive(most=min(most, 100), linger=linger)

    monkeypatch.setattr(bench, "receive", few)
    bench.store_hangs = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        task = group.create_task(bench.pipeline.run())
        await wait_until(lambda: sum(isinstance(news, Sample) for news in bench.inputs) == 3_000)
        bench.store_hangs.set()
        bench.pipeline.stop()
        await task
    assert bench.log.count("store") <= 2  # of 30 batches
    assert bench.acknowledged == [*sorted(bench.acknowledged, key=lambda item: item.mid)]  # type: ignore[union-attr]
    assert len(bench.acknowledged) == 3_000
    assert bench.terms.stored == 3_000


async def test_canary_is_heard_behind_many_batches_that_wait_for_a_write(
    families: dict[str, Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that hangs for its five seconds must not make us deaf."""
    monkeypatch.setattr("collectors.pipeline.MOST", 1)
    batches = [message({"ts": NOW + n, "volume": n}, mid=n) for n in range(50)]
    bench = Bench(families, [*batches, CanaryBack(NOW + 5, NOW + 6, 1, 99, first=False)])
    bench.store_hangs = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        task = group.create_task(bench.pipeline.run())
        while not any(isinstance(news, Heard) for news in bench.inputs):  # noqa: ASYNC110  the deadline is the timeout's
            await asyncio.sleep(0.005)
        bench.store_hangs.set()
        bench.pipeline.stop()
        await task
    assert len(bench.acknowledged) == 51


async def test_file_that_cannot_be_written_is_told_until_it_can(families: dict[str, Family], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is acknowledged before; then all of it, booked once."""
    monkeypatch.setattr("collectors.durably.RETRY_S", 0.005)
    bench = Bench(families, [message(b"junk")])
    add, told = bench.add, []

    async def failing(entries: Sequence[QuarantineEntry]) -> int:
        told.append(bench.pipeline.not_durable)
        if len(told) < 3:
            raise DISK_FULL
        return await add(entries)

    monkeypatch.setattr(bench, "add", failing)
    await bench.run(lambda: len(bench.acknowledged) == 1)
    assert told == [None, "quarantine: disk is full", "quarantine: disk is full"]
    assert bench.pipeline.not_durable is None
    assert bench.terms.quarantined == 1
