"""The ledger closes, whatever becomes of deliveries and whenever."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.accounting import book_batch, book_drained, book_returned, minute_of, note_spooled, read_note
from collectors.delivery import Delivery
from collectors.ingest import Taken
from ioc.domain.ledger import Booking, LedgerTerms, SpooledBatch
from ioc.domain.point import Point, PointRefusal
from ioc.domain.sample import Reason, Refusal

NOW = 1_700_000_000_000
POINT = Point.of("speaker", (("device", "d1"),), {"volume": 1}, NOW)
REFUSAL = Refusal(Reason.WRONG_TYPE, "expected a number", "volume")


@st.composite
def deliveries(draw: st.DrawFn) -> Taken:
    outcome = draw(st.sampled_from(["stored", "quarantined", "duplicate", "retained", ""]))
    stored = outcome == "stored"
    return Taken(
        Delivery(b"ioc/v1/speaker/d1/telemetry", b"{}", NOW + draw(st.integers(0, 180_000)), 1, 1),
        draw(st.integers(0, 2**64 - 1)),
        draw(st.sampled_from(["speaker", "network_site", "unknown"])),
        "d1",
        outcome=outcome,
        refusals=(REFUSAL,) if outcome == "quarantined" or (stored and draw(st.booleans())) else (),
        clock_corrected=stored and draw(st.booleans()),
        overwritten=stored and draw(st.booleans()),
        point=POINT if stored and draw(st.booleans()) else None,
    )


def total(bookings: list[Booking]) -> LedgerTerms:
    terms = LedgerTerms()
    for booking in bookings:
        for row in booking.rows:
            assert row.minute % 60_000 == 0
            terms.add(row.terms)
    return terms


@given(st.lists(st.tuples(st.lists(deliveries(), max_size=12), st.booleans(), st.lists(st.integers(0, 11), max_size=4)), max_size=6))
def test_ledger_closes_for_any_mix_of_outcomes_spool_and_drain(batches: list[tuple[list[Taken], bool, list[int]]]) -> None:
    """In every family and minute, before the drain, and after it with nothing left in the spool."""
    bookings: list[Booking] = []
    later: list[Booking] = []
    for number, (batch, spooled, refused) in enumerate(batches):
        row = number if spooled else None
        bookings.append(book_batch("ioc-1", batch, spooled_as=row))
        if row is not None:
            notes = read_note(note_spooled(batch))
            refusals = {index: [PointRefusal(index, None if index % 2 else "volume", "no")] for index in refused if index < len(notes)}
            later.append(book_drained("ioc-1", row, notes, refusals))
    counted = [taken for batch, _, _ in batches for taken in batch if taken.outcome]
    before = total(bookings)
    assert before.received == len(counted)
    assert before.difference == 0
    assert before.spooled == sum(taken.point is not None for batch, spooled, _ in batches if spooled for taken in batch)
    after = total([*bookings, *later])
    assert (after.received, after.difference, after.spooled) == (before.received, 0, 0)
    assert after.partial <= after.stored
    assert after.clock_corrected + after.quarantined >= before.clock_corrected
    for minutes in ([*bookings], [*bookings, *later]):
        by_row: dict[tuple[str, int], LedgerTerms] = {}
        for booking in minutes:
            for row_of in booking.rows:
                by_row.setdefault((row_of.family, row_of.minute), LedgerTerms()).add(row_of.terms)
        assert all(terms.difference == 0 and min(terms.stored, terms.spooled, terms.quarantined) >= 0 for terms in by_row.values())


def test_fingerprints_are_kept_of_all_that_may_come_again() -> None:
    """Also of what was quarantined or a duplicate; what was retained is not redelivered."""
    outcomes = ["stored", "quarantined", "duplicate", "retained", ""]
    delivery = Delivery(b"t", b"{}", NOW, 1, 1)
    batch = [Taken(delivery, mark, "speaker", outcome=outcome) for mark, outcome in enumerate(outcomes, start=1)]
    booking = book_batch("ioc-1", batch, spooled_as=None, heard_until=NOW)
    assert booking.fingerprints == b"".join(mark.to_bytes(8, "little") for mark in (1, 2, 3))
    assert (booking.source, booking.heard_until, booking.spool_added) == ("ioc-1", NOW, ())


def test_birth_in_a_spooled_batch_is_stored_at_once() -> None:
    """It has no point of its own that could wait."""
    birth = Taken(Delivery(b"t", b"{}", NOW, 1, 1), 1, "speaker", outcome="stored")
    booking = book_batch("ioc-1", [birth], spooled_as=7)
    assert (total([booking]).stored, total([booking]).spooled) == (1, 0)
    assert booking.spool_added == (SpooledBatch(id=7, source="ioc-1"),)


def test_returned_deliveries_are_received_and_given_back() -> None:
    """The broker sends them again: then they are received once more."""
    booking = book_returned("ioc-1", [("unknown", NOW), ("unknown", NOW + 1)])
    assert (total([booking]).received, total([booking]).returned) == (2, 2)
    assert booking.rows[0].minute == minute_of(NOW)
