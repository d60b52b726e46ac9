"""What becomes of spooled deliveries: stored or quarantined once the store has taken their row, quarantined if the row is lost."""

from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial
from typing import Protocol

import msgspec
import structlog

from collectors.accounting import SpooledDelivery, book_drained, book_evicted, book_lost, read_note
from collectors.drain import TakenRow
from collectors.durably import Durably
from collectors.quarantining import copy_of_lost, copy_of_spooled
from collectors.writer import OWN
from ioc.domain.ledger import Booking, SpooledBatch
from ioc.domain.point import PointRefusal
from ioc.domain.quarantined import QuarantineEntry
from ioc.domain.rollup import Frontier

log = structlog.get_logger("ioc.spool")

AT_ONCE = 500


class Quarantine(Protocol):
    """Keeps what could not be stored."""

    async def add(self, entries: Sequence[QuarantineEntry]) -> int:
        """How many older copies had to go; returns when the entries are durable, StoreUnavailableError otherwise."""


class LedgerBook(Protocol):
    """The ledger, and what it counts as spooled."""

    async def book(self, *bookings: Booking) -> None:
        """In one transaction; StateUnavailableError when it can't be written now."""

    async def spooled_ids(self) -> frozenset[int]:
        """Rows whose deliveries are counted as spooled."""

    async def spooled(self, ids: Sequence[int]) -> Sequence[SpooledBatch]:
        """What is counted in them."""


class DamagedRow(Protocol):
    """A row that can't be read any more."""

    @property
    def id(self) -> int:
        """As it was."""

    @property
    def detail(self) -> str:
        """What is wrong with it."""

    @property
    def ledger(self) -> bytes:
        """Its note, as good as it was found."""


class SpoolShelf(Protocol):
    """What the spool still has."""

    async def ids(self) -> Sequence[int]:
        """Of all rows that wait."""

    async def damaged(self) -> Sequence[DamagedRow]:
        """Rows put aside."""


class SpoolBooks:
    """Books in the ledger what the drain reports; rows that the ledger never counted (`uncounted`) leave no trace in it."""

    def __init__(
        self,
        spool: SpoolShelf,
        *,
        quarantine: Quarantine,
        ledger: LedgerBook,
        uncounted: Container[int],
        rebooked: Callable[[Iterable[int]], None],
        frontier: Frontier,
        clock: Callable[[], int],
    ) -> None:
        """`rebooked` hears of the ledger's minutes that changed."""
        self._frontier = frontier
        self._spool = spool
        self._quarantine = quarantine
        self._ledger = ledger
        self._uncounted = uncounted
        self._rebooked = rebooked
        self._clock = clock
        self.evicted = 0
        self.lost_deliveries = 0
        """Deliveries of rows that could not be read any more, or were gone."""
        self._durably = Durably()

    @property
    def not_durable(self) -> str | None:
        """What can't be written to our own files at present; None = all can."""
        return self._durably.fault

    async def drained(self, rows: Sequence[TakenRow]) -> None:
        """Moves them from spooled to stored, or to quarantine where the store refused; returns when that is on disk."""
        bookings: list[Booking] = []
        entries: list[QuarantineEntry] = []
        for taken in rows:
            notes = read_note(taken.row.ledger)
            refused: dict[int, list[PointRefusal]] = {}
            for refusal in taken.refusals:
                refused.setdefault(refusal.index, []).append(refusal)
                if refusal.index >= len(notes):
                    log.warning("own_point_refused", detail=refusal.detail)
                    continue
                note = notes[refusal.index]
                entries.append(copy_of_spooled(note.topic, note.family, note.device, taken.row.points[refusal.index], refusal))
            due = self._frontier.due(taken.row.points)
            if taken.row.source != OWN and taken.row.id not in self._uncounted:
                bookings.append(book_drained(taken.row.source, taken.row.id, notes, refused, due))
            elif due:
                bookings.append(Booking(source=taken.row.source, due=due))
        await self._keep(entries, rows[0].row.source if rows else OWN)
        await self._book(bookings)

    async def lost(self) -> None:
        """Quarantines, as far as anything is known of them, the deliveries of rows that the spool has no longer."""
        ids = await self._durably("ledger", self._ledger.spooled_ids)
        missing = sorted(ids - set(await self._spool.ids())) if ids else []
        if not missing:
            return
        damaged = {row.id: row for row in await self._spool.damaged()}
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            for batch in await self._durably("ledger", partial(self._ledger.spooled, some)):
                await self._lose(batch, damaged.get(batch.id))

    async def _lose(self, batch: SpooledBatch, damaged: DamagedRow | None) -> None:
        number = sum(count for _, _, count in batch.deliveries)
        what = "gone" if damaged is None else f"damaged: {damaged.detail}"
        log.error("spooled_deliveries_lost", row=batch.id, deliveries=number, detail=what)
        detail = f"it waited for the store in row {batch.id} of the spool, which is {what}"
        notes = _notes(damaged)
        if notes:
            entries = [copy_of_lost(note.topic, note.family, note.device, note.minute, detail) for note in notes]
        else:
            entries = [copy_of_lost(b"", family, "", minute, f"{detail} ({count} messages)") for family, minute, count in batch.deliveries]
        await self._keep(entries, batch.source)
        await self._book([book_lost(batch)])
        self.lost_deliveries += number

    async def _keep(self, entries: Sequence[QuarantineEntry], source: str) -> None:
        if not entries:
            return
        evicted = await self._durably("quarantine", lambda: self._quarantine.add(entries))
        if evicted:
            self.evicted += evicted
            await self._book([book_evicted(source, self._clock(), evicted)])

    async def _book(self, bookings: Sequence[Booking]) -> None:
        if bookings:
            await self._durably("ledger", lambda: self._ledger.book(*bookings))
            self._rebooked(frozenset(row.minute for booking in bookings for row in booking.rows))


def _notes(damaged: DamagedRow | None) -> list[SpooledDelivery]:
    """What a damaged row's note tells; nothing where it is damaged itself."""
    try:
        return [] if damaged is None else read_note(damaged.ledger)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
