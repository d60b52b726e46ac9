"""The ledger in the database against plain sums."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.adapters.state import StateDb
from ioc.domain.audit import Audit
from ioc.domain.ledger import TERMS, Booking, Expectation, LedgerRow, LedgerTerms, SpooledBatch

MINUTE = 60_000
TWO = SpooledBatch(id=2, source="s", deliveries=(("speaker", MINUTE, 5),), points=(("speaker", 0, 4),))
terms = st.builds(
    LedgerTerms, **{term: st.integers(-3, 1000) if term == "spooled" else st.integers(0, 1000) for term in TERMS}
)  # fmt: skip
rows = st.builds(LedgerRow, st.sampled_from(["speaker", "network_site", "_unknown"]), st.integers(0, 4).map(lambda n: n * MINUTE), terms)
bookings = st.lists(st.builds(Booking, source=st.sampled_from(["ioc-1", "ioc-2"]), rows=st.lists(rows, max_size=5).map(tuple)), max_size=6)


def summed(booked: Sequence[Booking], start: int | None, end: int | None) -> dict[str, LedgerTerms]:
    """What the ledger must say, added up by hand."""
    found: dict[str, LedgerTerms] = {}
    for booking in booked:
        for row in booking.rows:
            if (start is None or row.minute >= start) and (end is None or row.minute < end):
                found.setdefault(row.family, LedgerTerms()).add(row.terms)
    return found


@given(booked=bookings, bounds=st.tuples(st.integers(0, 5), st.integers(0, 5)))
@settings(max_examples=25, deadline=None)
def test_ledger_sums_are_those_of_the_bookings(booked: list[Booking], bounds: tuple[int, int]) -> None:
    """For any bookings and any range, by family; the sums since the beginning equal the minutes' sums."""

    async def check(folder: str) -> None:
        start, end = (bound * MINUTE for bound in bounds)
        async with await StateDb.open(Path(folder) / "state.db") as state:
            await state.take_epoch()
            for booking in booked:
                await state.book(booking)
            assert await state.ledger(start, end) == summed(booked, start, end)
            assert await state.ledger(start) == summed(booked, start, None)
            assert await state.ledger(None, end) == summed(booked, None, end)
            assert await state.ledger() == summed(booked, None, None) == await state.ledger(0)

    with TemporaryDirectory() as folder:
        asyncio.run(check(folder))


async def test_ledger_minutes_are_given_by_family_and_source(state: StateDb) -> None:
    """As the measurement `ledger` wants them, from a minute on."""
    one = LedgerTerms(received=2, stored=1, in_flight=1)
    two = LedgerTerms(received=5, spooled=5)
    await state.book(Booking(source="ioc-2", rows=(LedgerRow("speaker", 0, one), LedgerRow("speaker", MINUTE, one))))
    await state.book(Booking(source="ioc-1", rows=(LedgerRow("speaker", MINUTE, two), LedgerRow("speaker", MINUTE, two))))
    await state.book(Booking(source="ioc-1", rows=(LedgerRow("speaker", MINUTE, LedgerTerms(stored=4, spooled=-4)),)))
    assert await state.ledger_minutes(MINUTE) == [
        ("speaker", "ioc-1", MINUTE, LedgerTerms(received=10, spooled=6, stored=4)),
        ("speaker", "ioc-2", MINUTE, one),
    ]
    assert len(await state.ledger_minutes(0)) == 3


async def test_fingerprints_are_kept_of_the_last_hundred_thousand_deliveries(path: Path) -> None:
    """Of each source by itself, whole batches, also over a restart."""
    batch = 30_000

    def body(number: int) -> bytes:
        return number.to_bytes(8, "big") * batch

    async with await StateDb.open(path) as state:
        await state.take_epoch()
        await state.book(Booking(source="quiet", fingerprints=b"12345678"))
        for number in range(4):
            await state.book(Booking(source="busy", fingerprints=body(number)))
        assert (await state.load()).fingerprints("busy") == [body(number) for number in range(4)]
    async with await StateDb.open(path) as state:
        await state.take_epoch()
        await state.book(Booking(source="busy", fingerprints=body(4)))
        restored = await state.load()
        assert restored.fingerprints("busy") == [body(number) for number in range(1, 5)]
        assert restored.fingerprints("quiet") == [b"12345678"]


async def test_spool_row_booked_twice_is_remembered_once(state: StateDb) -> None:
    """Ids only say which rows are counted; naming one again does no harm."""
    await state.book(Booking(source="s", spool_added=(SpooledBatch(id=1, source="s"), TWO)))
    await state.book(Booking(source="s", spool_added=(TWO, SpooledBatch(id=3, source="s")), spool_removed=(1, 9)))
    assert (await state.load()).spooled == frozenset({2, 3}) == await state.spooled_ids()
    assert await state.spooled([1, 2]) == [TWO]


async def test_old_minutes_and_hours_go_and_the_sums_stay(state: StateDb) -> None:
    """The ledger since the beginning is right for ever."""
    for minute in range(4):
        row = LedgerRow("speaker", minute * MINUTE, LedgerTerms(received=1, stored=1))
        await state.book(Booking(source="s", rows=(row,), expected=(Expectation("speaker", minute * MINUTE, 1),)))
    await state.put_audits([Audit("speaker", minute * MINUTE, changes=1, counted=9, at=5) for minute in range(4)])
    assert await state.last_booked_minute() == 3 * MINUTE
    await state.forget(2 * MINUTE)
    assert [minute for _, _, minute, _ in await state.ledger_minutes(0)] == [2 * MINUTE, 3 * MINUTE]
    assert (await state.ledger())["speaker"] == LedgerTerms(received=4, stored=4)
    assert await state.expected(MINUTE) == []
    assert [audit.hour for _, audit in await state.audits_that_differ(0, 10)] == [2 * MINUTE, 3 * MINUTE]
