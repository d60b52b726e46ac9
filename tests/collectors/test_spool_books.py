"""Spooled deliveries end in the ledger, also those whose row is damaged or gone."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from collectors.accounting import book_batch, note_spooled
from collectors.delivery import Delivery
from collectors.drain import TakenRow
from collectors.ingest import Taken
from collectors.spool_books import SpoolBooks
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.adapters.state.store import StateDb
from ioc.domain.audit import Expected
from ioc.domain.ledger import LedgerTerms
from ioc.domain.point import Point, PointRefusal
from ioc.domain.rollup import Frontier

HOUR = 3_600_000
NOW = 1_700_000_000_000 // HOUR * HOUR


def taken(number: int, *, fresh: bool = True) -> Taken:
    point = Point.of("speaker", (("device", f"d{number}"),), {"volume": number, "lag_ms": 0}, NOW + number)
    delivery = Delivery(b"ioc/v1/speaker/d%d/telemetry" % number, b"{}", NOW + number, number, 1)
    return Taken(delivery, number, "speaker", f"d{number}", point=point, fresh=fresh)


class Site:
    """Spool, quarantine and ledger as they are."""

    def __init__(self, folder: Path, state: StateDb) -> None:
        self.state = state
        self.file = spool_file(folder / "spool.db")
        self.spool = Spool(self.file, limit_bytes=10_000_000, clock=lambda: NOW)
        self.quarantine = QuarantineFile(folder / "quarantine.db", limit_bytes=10_000_000)
        self.minutes: set[int] = set()
        self.books = SpoolBooks(
            self.spool,
            quarantine=self.quarantine,
            ledger=state,
            uncounted={99},
            rebooked=self.minutes.update,
            frontier=Frontier(),
            clock=lambda: NOW,
        )

    async def spool_batch(self, batch: Sequence[Taken]) -> int:
        row = await self.spool.append("ioc-1", [one.point for one in batch if one.point is not None], note_spooled(batch))
        await self.state.book(book_batch("ioc-1", batch, spooled_as=row))
        return row

    async def terms(self) -> LedgerTerms:
        terms = (await self.state.ledger())["speaker"]
        assert terms.difference == 0
        return terms


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        made = Site(tmp_path, state)
        await made.file.open()
        await made.spool.open()
        await made.quarantine.open()
        yield made
        await made.file.close()
        await made.quarantine.close()


async def test_drained_rows_are_booked_with_what_the_store_should_hold(site: Site) -> None:
    """Fresh points are certain, others and refused ones are not; nothing is expected of the spool any more."""
    await site.spool_batch([taken(1), taken(2, fresh=False), taken(3)])
    await site.spool_batch([taken(4)])
    assert await site.state.expected(NOW) == [Expected("speaker", NOW, 0, 0, 4, changes=2)]
    first, second = await site.spool.oldest(10)
    await site.books.drained([TakenRow(first, [PointRefusal(2, None, "beyond retention")]), TakenRow(second, [])])
    assert await site.state.expected(NOW) == [Expected("speaker", NOW, 2, 2, 0, changes=4)]
    terms = await site.terms()
    assert (terms.stored, terms.spooled, terms.quarantined) == (3, 0, 1)
    assert site.minutes == {NOW}
    assert await site.state.spooled_ids() == frozenset()


async def test_damaged_row_ends_in_quarantine_and_the_ledger_closes(site: Site) -> None:
    """With the topics that its note tells; once."""
    row = await site.spool_batch([taken(1), taken(2)])
    kept = await site.spool_batch([taken(3)])
    await site.file.write(lambda connection: connection.execute("UPDATE batch SET points = x'00' WHERE id = ?", (row,)))
    assert [one.id for one in await site.spool.oldest(10)] == [kept]
    await site.books.lost()
    await site.books.lost()
    terms = await site.terms()
    assert (terms.received, terms.spooled, terms.quarantined) == (3, 1, 2)
    assert await site.state.expected(NOW) == [Expected("speaker", NOW, 0, 0, 1, changes=3)]
    found = await site.quarantine.list(limit=10)
    assert {(one.device, one.reason) for one in found} == {("d1", "fault"), ("d2", "fault")}
    assert f"row {row} of the spool, which is damaged" in found[0].detail
    assert site.books.lost_deliveries == 2


@pytest.mark.parametrize("damage", ["UPDATE batch SET ledger = x'c1ff'", "DELETE FROM batch"])
async def test_row_of_which_nothing_can_be_read_is_counted_all_the_same(site: Site, damage: str) -> None:
    """The ledger itself remembers how many deliveries it held."""
    await site.spool_batch([taken(1), taken(2)])
    await site.file.write(lambda connection: connection.execute(damage))
    assert await site.spool.oldest(10) == []
    await site.books.lost()
    terms = await site.terms()
    assert (terms.received, terms.spooled, terms.quarantined) == (2, 0, 2)
    (entry,) = await site.quarantine.list(limit=10)
    assert "(2 messages)" in entry.detail


async def test_row_that_the_ledger_never_counted_leaves_no_trace_in_it(site: Site) -> None:
    """Its deliveries come again from the broker and are counted then."""
    row = await site.spool.append("ioc-1", [Point.of("speaker", (("device", "d1"),), {"volume": 1}, NOW)], note_spooled([taken(1)]))
    (found,) = await site.spool.oldest(1)
    await site.books.drained([TakenRow(type(found)(99, found.source, found.at, found.points, found.ledger), [])])
    assert row != 99
    assert await site.state.ledger() == {}
