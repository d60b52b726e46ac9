"""What batches add to the ledger, booked as a whole."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from ioc.adapters.state.audit_rows import add_expectations, drop_expectations
from ioc.adapters.state.engine_rows import put_heard_until
from ioc.adapters.state.fingerprint_rows import FingerprintShelf
from ioc.adapters.state.history_rows import drop_history
from ioc.adapters.state.ledger_rows import add_ledger_rows, drop_minutes
from ioc.adapters.state.recovered_rows import remember_recovered
from ioc.adapters.state.rollup_rows import mark_due
from ioc.adapters.state.spooled_rows import book_spooled
from ioc.domain.ledger import Booking, LedgerRow


def add_bookings(conn: Connection, shelf: FingerprintShelf, bookings: Iterable[Booking]) -> None:
    """Adds their rows and expectations, marks due hours, remembers fingerprints and which spool rows are counted as spooled."""
    for booking in bookings:
        add_ledger_rows(conn, booking.source, booking.rows)
        add_expectations(conn, booking.expected)
        shelf.add(conn, booking.source, booking.fingerprints)
        if booking.heard_until is not None:
            put_heard_until(conn, booking.heard_until)
        mark_due(conn, booking.due)
        book_spooled(conn, added=booking.spool_added, removed=booking.spool_removed)


def add_recovered(conn: Connection, source: str, items: Mapping[str, LedgerRow]) -> None:
    """Adds the rows of those items that were not remembered before."""
    new = remember_recovered(conn, items)
    add_ledger_rows(conn, source, [row for item, row in items.items() if item in new])


def drop_before(conn: Connection, before: int) -> None:
    """Drops what is older (Unix ms): minutes and hours of the ledger, and alarms and messages that ended before."""
    drop_minutes(conn, before)
    drop_expectations(conn, before)
    drop_history(conn, before)
