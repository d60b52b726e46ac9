"""The ledger's arithmetic: each delivery of a batch ends in one term; received and outcome are booked together."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from collectors.ingest import Taken
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms
from ioc.domain.point import PointRefusal

MINUTE_MS = 60_000


class SpooledDelivery(msgspec.Struct, frozen=True, array_like=True):
    """What the ledger must know of a spooled delivery when its point is stored at last."""

    family: str
    minute: int
    topic: bytes
    device: str
    partial: bool
    clock_corrected: bool
    overwritten: bool


class _Rows:
    def __init__(self) -> None:
        self._terms: dict[tuple[str, int], LedgerTerms] = {}

    def at(self, family: str, minute: int) -> LedgerTerms:
        return self._terms.setdefault((family, minute), LedgerTerms())

    def rows(self) -> tuple[LedgerRow, ...]:
        return tuple(LedgerRow(family, minute, terms) for (family, minute), terms in self._terms.items())


def minute_of(ms: int) -> int:
    """The start of a time's minute."""
    return ms - ms % MINUTE_MS


def book_batch(source: str, batch: Iterable[Taken], *, spooled_as: int | None, heard_until: int | None = None) -> Booking:
    """A finished batch; `spooled_as` is the spool row that holds its points, None = the store has them."""
    rows = _Rows()
    marks = bytearray()
    for taken in batch:
        if not taken.outcome:
            continue
        terms = rows.at(taken.family, minute_of(taken.delivery.arrival))
        terms.received += 1
        waits = taken.outcome == "stored" and spooled_as is not None and taken.point is not None
        outcome = "spooled" if waits else taken.outcome
        setattr(terms, outcome, getattr(terms, outcome) + 1)
        if outcome == "stored":
            terms.partial += bool(taken.refusals)
            terms.clock_corrected += taken.clock_corrected
            terms.overwritten += taken.overwritten
        if taken.outcome != "retained":
            marks += taken.mark.to_bytes(8, "little")
    added = () if spooled_as is None else (spooled_as,)
    return Booking(source=source, rows=rows.rows(), fingerprints=bytes(marks), heard_until=heard_until, spool_added=added)


def note_spooled(batch: Iterable[Taken]) -> bytes:
    """The spool row's memory of its deliveries, in the order of their points."""
    notes = [
        SpooledDelivery(
            taken.family,
            minute_of(taken.delivery.arrival),
            taken.delivery.topic,
            taken.device or "",
            bool(taken.refusals),
            taken.clock_corrected,
            taken.overwritten,
        )
        for taken in batch
        if taken.point is not None
    ]
    return msgspec.msgpack.encode(notes)


def read_note(note: bytes) -> list[SpooledDelivery]:
    """What `note_spooled` wrote."""
    return msgspec.msgpack.decode(note, type=list[SpooledDelivery])


def book_drained(source: str, row: int, notes: Sequence[SpooledDelivery], refused: Mapping[int, Sequence[PointRefusal]]) -> Booking:
    """A spool row that the store has taken at last; `refused` = refusals by the point's index."""
    rows = _Rows()
    for index, note in enumerate(notes):
        terms = rows.at(note.family, note.minute)
        terms.spooled -= 1
        refusals = refused.get(index, ())
        if any(refusal.field is None for refusal in refusals):
            terms.quarantined += 1
            continue
        terms.stored += 1
        terms.partial += note.partial or bool(refusals)
        terms.clock_corrected += note.clock_corrected
        terms.overwritten += note.overwritten
    return Booking(source=source, rows=rows.rows(), spool_removed=(row,))


def book_returned(source: str, families_and_arrivals: Iterable[tuple[str, int]]) -> Booking:
    """Deliveries that end with the connection: the broker sends them again."""
    rows = _Rows()
    for family, arrival in families_and_arrivals:
        terms = rows.at(family, minute_of(arrival))
        terms.received += 1
        terms.returned += 1
    return Booking(source=source, rows=rows.rows())
