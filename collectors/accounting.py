"""The ledger's arithmetic: each delivery of a batch ends in one term; received and outcome are booked together."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from collectors.ingest import Taken
from collectors.routing import UNKNOWN_FAMILY
from ioc.domain.ledger import Booking, Expectation, LedgerRow, LedgerTerms, SpooledBatch
from ioc.domain.point import PointRefusal
from ioc.domain.rollup import DueHour

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class SpooledDelivery(msgspec.Struct, frozen=True, array_like=True):
    """What the ledger must know of a spooled delivery when its point is stored at last."""

    family: str
    minute: int
    topic: bytes
    device: str
    partial: bool
    clock_corrected: bool
    overwritten: bool
    measurement: str
    hour: int
    """Of the point's own time."""
    fresh: bool


class _Rows:
    def __init__(self) -> None:
        self._terms: dict[tuple[str, int], LedgerTerms] = {}

    def at(self, family: str, minute: int) -> LedgerTerms:
        return self._terms.setdefault((family, minute), LedgerTerms())

    def rows(self) -> tuple[LedgerRow, ...]:
        return tuple(LedgerRow(family, minute, terms) for (family, minute), terms in self._terms.items())


class _Points:
    """Points by measurement and hour: certainly new ones, and others."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], list[int]] = {}

    def of(self, measurement: str, hour: int) -> list[int]:
        """Uncertain and certain ones, to be counted up: `of(…)[fresh] += 1`."""
        return self._counts.setdefault((measurement, hour), [0, 0])

    def stored(self) -> tuple[Expectation, ...]:
        return tuple(Expectation(name, hour, certain, uncertain) for (name, hour), (uncertain, certain) in self._counts.items())

    def spooled(self) -> tuple[Expectation, ...]:
        return tuple(Expectation(name, hour, spooled=sum(counts)) for (name, hour), counts in self._counts.items())


def minute_of(ms: int) -> int:
    """The start of a time's minute."""
    return ms - ms % MINUTE_MS


def hour_of(ms: int) -> int:
    """The start of a time's hour."""
    return ms - ms % HOUR_MS


def book_batch(
    source: str, batch: Iterable[Taken], *, spooled_as: int | None, heard_until: int | None = None, due: tuple[DueHour, ...] = ()
) -> Booking:
    """A finished batch; `spooled_as` is the spool row that holds its points, None = the store has them."""
    rows = _Rows()
    points = _Points()
    name, hour, counts = "", -HOUR_MS, [0, 0]
    marks = bytearray()
    for taken in batch:
        if not taken.outcome:
            continue
        terms = rows.at(taken.family, minute_of(taken.delivery.arrival))
        terms.received += 1
        outcome, point = taken.outcome, taken.point
        if point is not None:
            if point.measurement != name or not hour <= point.ts < hour + HOUR_MS:  # mostly as the one before: 0.2 µs less
                name, hour = point.measurement, hour_of(point.ts)
                counts = points.of(name, hour)
            if outcome == "stored":
                counts[taken.fresh] += 1
                outcome = "stored" if spooled_as is None else "spooled"
            else:  # refused by the store, but perhaps not before it was stored: an answer may leave that open
                counts[False] += 1
        setattr(terms, outcome, getattr(terms, outcome) + 1)
        if outcome == "stored":
            terms.partial += bool(taken.refusals)
            terms.clock_corrected += taken.clock_corrected
            terms.overwritten += taken.overwritten
        if taken.outcome != "retained":
            marks += taken.mark.to_bytes(8, "little")
    booked, expected = rows.rows(), points.stored() if spooled_as is None else points.spooled()
    added = () if spooled_as is None else (_spooled_batch(source, spooled_as, booked, expected),)
    return Booking(
        source=source, rows=booked, expected=expected, fingerprints=bytes(marks), heard_until=heard_until, spool_added=added, due=due
    )


def _spooled_batch(source: str, row: int, booked: Iterable[LedgerRow], expected: Iterable[Expectation]) -> SpooledBatch:
    deliveries = tuple((one.family, one.minute, one.terms.spooled) for one in booked if one.terms.spooled)
    points = tuple((one.measurement, one.hour, one.spooled) for one in expected)
    return SpooledBatch(id=row, source=source, deliveries=deliveries, points=points)


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
            taken.point.measurement,
            hour_of(taken.point.ts),
            taken.fresh,
        )
        for taken in batch
        if taken.point is not None
    ]
    return msgspec.msgpack.encode(notes)


def read_note(note: bytes) -> list[SpooledDelivery]:
    """What `note_spooled` wrote."""
    return msgspec.msgpack.decode(note, type=list[SpooledDelivery])


def book_drained(
    source: str, row: int, notes: Sequence[SpooledDelivery], refused: Mapping[int, Sequence[PointRefusal]], due: tuple[DueHour, ...] = ()
) -> Booking:
    """A spool row that the store has taken at last; `refused` = refusals by the point's index."""
    rows, points, waited = _Rows(), _Points(), _Points()
    for index, note in enumerate(notes):
        terms = rows.at(note.family, note.minute)
        terms.spooled -= 1
        waited.of(note.measurement, note.hour)[note.fresh] += 1
        refusals = refused.get(index, ())
        refused_whole = any(refusal.field is None for refusal in refusals)
        points.of(note.measurement, note.hour)[note.fresh and not refused_whole] += 1
        if refused_whole:
            terms.quarantined += 1
            continue
        terms.stored += 1
        terms.partial += note.partial or bool(refusals)
        terms.clock_corrected += note.clock_corrected
        terms.overwritten += note.overwritten
    expected = (*points.stored(), *(Expectation(one.measurement, one.hour, spooled=-one.spooled) for one in waited.spooled()))
    return Booking(source=source, rows=rows.rows(), expected=expected, spool_removed=(row,), due=due)


def book_lost(batch: SpooledBatch) -> Booking:
    """A spool row that can't be read any more, or is gone: its deliveries end in quarantine."""
    rows = _Rows()
    for family, minute, number in batch.deliveries:
        terms = rows.at(family, minute)
        terms.spooled -= number
        terms.quarantined += number
    expected = tuple(Expectation(measurement, hour, spooled=-number) for measurement, hour, number in batch.points)
    return Booking(source=batch.source, rows=rows.rows(), expected=expected, spool_removed=(batch.id,))


def book_evicted(source: str, at: int, count: int) -> Booking:
    """Quarantined messages and copies that had to go at a time; whose they were is not known any more."""
    return Booking(source=source, rows=(LedgerRow(UNKNOWN_FAMILY, minute_of(at), LedgerTerms(evicted=count)),))


def book_returned(source: str, families_and_arrivals: Iterable[tuple[str, int]]) -> Booking:
    """Deliveries that end with the connection: the broker sends them again."""
    rows = _Rows()
    for family, arrival in families_and_arrivals:
        terms = rows.at(family, minute_of(arrival))
        terms.received += 1
        terms.returned += 1
    return Booking(source=source, rows=rows.rows())
