"""One source's batches: decide → commit → store → book → acknowledge, each step durable before the next.

Times that we assign are on disk before anything is decided with them. Storing, booking and acknowledging one batch run
beside deciding the next, so alarms never wait for the store.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog

from collectors.accounting import book_batch, book_evicted, book_returned, note_spooled
from collectors.decided import Batch, Decided
from collectors.delivery import CanaryBack, Connected, Delivery, Disconnected, SessionItem
from collectors.drift_watch import DriftWatch
from collectors.durably import Durably
from collectors.ingest import Ingest, Taken
from collectors.points import PointEncoder
from collectors.quarantining import entries_of
from collectors.redelivery import RedeliveryMemory
from collectors.routing import UNKNOWN_FAMILY
from collectors.unmapped import UnmappedKeys
from collectors.writer import Writer
from ioc.domain.hearing import SLOW_MS, Heard, Lost
from ioc.domain.ledger import Booking
from ioc.domain.point import Point, PointRefusal
from ioc.domain.quarantined import QuarantineEntry
from ioc.domain.rollup import DueHour, Frontier
from ioc.domain.sample import Arrival, ClockOffset, DeviceEvent, DeviceStatus, Reason, Refusal, Sample

log = structlog.get_logger("ioc.pipeline")

MOST = 5_000
LINGER_S = 0.02
"""Alarms wait so long for company."""
GATHER_S = 0.1
"""The store, the ledger and the acknowledgements wait until so long after their last turn."""
FLOOD, FLOODED_S = 100, 0.5
"""After a batch with more refused messages than this they wait longer: a flood of junk takes fewer transactions from the others."""
IDLE_S = 1.0

DeskInput = Arrival | Sample | DeviceEvent | DeviceStatus | ClockOffset | Heard | Lost


class Session(Protocol):
    """Where deliveries come from."""

    async def receive(self, *, most: int, linger: float) -> Sequence[SessionItem]:
        """Items in arrival order; waits for the first."""

    def acknowledge(self, items: Sequence[SessionItem]) -> int:
        """Acknowledges in arrival order."""

    @property
    def queued(self) -> int:
        """Deliveries read but not yet received from here."""


class Desk(Protocol):
    """Decides and commits."""

    async def decide(self, source: str, inputs: Sequence[DeskInput]) -> Sequence[Point]:
        """Returns, once committed, further points to store with the batch."""


class Quarantine(Protocol):
    """Keeps what could not be stored."""

    async def add(self, entries: Sequence[QuarantineEntry]) -> int:
        """How many older copies had to go; returns when the entries are durable, StoreUnavailableError otherwise."""


class AssignedTimes(Protocol):
    """Durable memory of the times we assign."""

    async def record(self, source: str, entries: Sequence[tuple[int, int]]) -> None:
        """(fingerprint, ts) pairs, on disk on return; StoreUnavailableError otherwise."""


class LedgerBook(Protocol):
    """Books outcomes in one transaction."""

    async def book(self, booking: Booking) -> None:
        """StateUnavailableError when it can't be written now."""


class Pipeline:
    """Runs one source; `stop` lets what was decided be finished."""

    def __init__(
        self,
        source: str,
        *,
        session: Session,
        ingest: Ingest,
        encoder: PointEncoder,
        redelivery: RedeliveryMemory,
        desk: Desk,
        quarantine: Quarantine,
        assigned: AssignedTimes,
        writer: Writer,
        ledger: LedgerBook,
        unmapped: UnmappedKeys,
        drift: DriftWatch,
        frontier: Frontier | None = None,
    ) -> None:
        self._source = source
        self._session = session
        self._ingest = ingest
        self._encoder = encoder
        self._redelivery = redelivery
        self._desk = desk
        self._quarantine = quarantine
        self._assigned = assigned
        self._writer = writer
        self._ledger = ledger
        self._unmapped = unmapped
        self._drift = drift
        self._frontier = frontier or Frontier()
        self._decided = Decided(MOST)
        self._durably = Durably()
        self._stopping = False
        self._held = 0
        self.evicted = 0
        self.booked = 0

    async def run(self) -> None:
        """Until `stop`; then finishes what was decided and books the rest as returned."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._decide_batches(), name=f"decide {self._source}")
            group.create_task(self._finish_batches(), name=f"finish {self._source}")

    def stop(self) -> None:
        """Takes in nothing more."""
        self._stopping = True

    @property
    def not_durable(self) -> str | None:
        """What can't be written to our own files at present, so that nothing is acknowledged; None = all can."""
        return self._durably.fault

    @property
    def in_flight(self) -> int:
        """Deliveries received and not yet booked."""
        return self._held + self._session.queued

    async def _decide_batches(self) -> None:
        while not self._stopping:
            try:
                async with asyncio.timeout(IDLE_S):
                    items = await self._session.receive(most=MOST, linger=LINGER_S)
            except TimeoutError:
                continue
            taken = await self._take_in(items)
            points = await self._desk.decide(self._source, self._inputs(items, taken))
            self._unmapped.note(taken)
            self._drift.note(taken)
            self._decided.put(Batch(list(items), taken, list(points)))
        self._decided.end()

    async def _take_in(self, items: Sequence[SessionItem]) -> list[Taken]:
        taken: list[Taken] = []
        run: list[Delivery] = []
        for item in items:
            if isinstance(item, Delivery):
                run.append(item)
                continue
            taken += self._ingest.read(run)
            run = []
            if isinstance(item, Connected):
                self._redelivery.connected()
            elif isinstance(item, CanaryBack) and item.first:
                self._redelivery.caught_up()
        taken += self._ingest.read(run)
        self._held += sum(1 for one in taken if one.outcome)
        assigned = [(one.mark, one.assigned) for one in taken if one.assigned is not None]
        if assigned:
            await self._durably("assigned_times", lambda: self._assigned.record(self._source, assigned))
        for one in taken:
            one.point = self._encoder.point(one)
        return taken

    @staticmethod
    def _inputs(items: Sequence[SessionItem], taken: Sequence[Taken]) -> list[DeskInput]:
        inputs: list[DeskInput] = []
        outcomes = iter(taken)
        for item in items:
            if isinstance(item, Delivery):
                one = next(outcomes)
                news = one.news
                if type(news) is not Sample and one.device is not None and one.is_arrival:
                    inputs.append(Arrival(one.family, one.device, item.arrival))
                if news is not None:
                    inputs.append(news)
                if one.clock is not None:
                    inputs.append(one.clock)
            elif isinstance(item, CanaryBack):
                inputs.append(Heard(item.sent_at, item.arrival))
            elif isinstance(item, Disconnected):
                inputs.append(Lost(item.at))
        return inputs

    async def _finish_batches(self) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.time()
        while (batch := await self._decided.take(turn)) is not None:
            flooded = sum(1 for taken in batch.taken if taken.refusals) > FLOOD
            turn = loop.time() + (FLOODED_S if flooded else GATHER_S)
            await self._finish(batch)

    async def _finish(self, batch: Batch) -> None:
        stored = [taken for taken in batch.taken if taken.point is not None]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._quarantine_those([taken for taken in batch.taken if taken.refusals and taken.point is None]))
            storing = group.create_task(self._store(batch, stored))
        row, due = storing.result()
        await self._quarantine_those([taken for taken in stored if taken.refusals])
        heard = max(
            (item.sent_at for item in batch.items if isinstance(item, CanaryBack) and item.arrival - item.sent_at <= SLOW_MS), default=None
        )
        booking = book_batch(self._source, batch.taken, spooled_as=row, heard_until=heard, due=due)
        if booking.rows or booking.spool_added or heard is not None:
            await self._durably("ledger", lambda: self._ledger.book(booking))
        if row is not None:
            self._writer.release(row)
        counted = sum(1 for taken in batch.taken if taken.outcome)
        self._held -= counted
        self.booked += counted
        self._session.acknowledge(batch.items)

    async def _store(self, batch: Batch, stored: Sequence[Taken]) -> tuple[int | None, tuple[DueHour, ...]]:
        """The spool row that holds the batch's points now, None = the store does; and what is to be rolled up again."""
        points = [taken.point for taken in stored if taken.point is not None]
        points += batch.points
        if not points:
            return None, ()
        written = await self._writer.put(self._source, points, lambda: note_spooled(stored))
        self._refuse(stored, written.refusals)
        return written.spooled_as, self._frontier.due(points) if written.spooled_as is None else ()

    async def _quarantine_those(self, refused: Sequence[Taken]) -> None:
        """Keeps their payloads; for those that have no point it needn't wait for the store."""
        entries = [entry for taken in refused for entry in entries_of(taken)]
        if entries:
            await self._durably("quarantine", lambda: self._keep(entries))

    async def book_returned(self, items: Iterable[SessionItem]) -> None:
        """Books what the session still held when it ended."""
        booking = book_returned(self._source, ((UNKNOWN_FAMILY, item.arrival) for item in items if isinstance(item, Delivery)))
        if booking.rows:
            await self._durably("ledger", lambda: self._ledger.book(booking))

    async def _keep(self, entries: Sequence[QuarantineEntry]) -> None:
        evicted = await self._quarantine.add(entries)
        if evicted:
            self.evicted += evicted
            await self._durably("ledger", lambda: self._ledger.book(book_evicted(self._source, entries[0].at, evicted)))

    @staticmethod
    def _refuse(stored: Sequence[Taken], refusals: Sequence[PointRefusal]) -> None:
        for refusal in refusals:
            if refusal.index >= len(stored):
                log.warning("own_point_refused", detail=refusal.detail)
                continue
            taken = stored[refusal.index]
            taken.refusals = (*taken.refusals, Refusal(Reason.STORE_REFUSED, refusal.detail, refusal.field))
            if refusal.field is None:
                taken.outcome = "quarantined"
