"""`StateDb`: the one door to state.db."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection

from ioc.adapters.state.alarm_rows import list_alarms, one_alarm, some_alarms, stood_between
from ioc.adapters.state.audit_rows import audits_that_differ, expected_in, put_audits, to_audit
from ioc.adapters.state.booking_rows import add_bookings, add_recovered, drop_before
from ioc.adapters.state.decision_rows import put_decisions
from ioc.adapters.state.drift_rows import DriftShelf
from ioc.adapters.state.engine_rows import (
    epoch_holds,
    raise_epoch,
)
from ioc.adapters.state.file import StateFile, Work
from ioc.adapters.state.fingerprint_rows import FingerprintShelf
from ioc.adapters.state.incidents import Incidents
from ioc.adapters.state.journal import journal_after, journal_between, journal_of
from ioc.adapters.state.ledger_rows import LedgerMinute, first_minute, last_minute, ledger_sums, minutes_from
from ioc.adapters.state.migrate import upgrade
from ioc.adapters.state.outbox_rows import add_attempt, attempts_of, list_messages, one_message, pending_messages
from ioc.adapters.state.recovered_rows import all_recovered, forget_recovered
from ioc.adapters.state.registry_rows import all_devices, all_units, approve_devices, put_devices, put_units
from ioc.adapters.state.restoring import restored
from ioc.adapters.state.rollup_rows import RollupBook
from ioc.adapters.state.service_orders import ServiceOrders
from ioc.adapters.state.silences import Silences
from ioc.adapters.state.spooled_rows import all_spooled, spooled_batches
from ioc.adapters.state.tokens import Tokens
from ioc.adapters.state.why_rows import sent_between, trace_of
from ioc.domain.alarm import Alarm, Attempt, Decisions, OutboxMessage, Transition
from ioc.domain.audit import Audit, Expected
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms, SpooledBatch
from ioc.domain.registry import Device, Unit
from ioc.domain.state import AlarmFilter, FencedError, OutboxEntry, PendingMessage, Restored
from ioc.domain.why import Sending, Trace

P = ParamSpec("P")
T = TypeVar("T")

_ANY = AlarmFilter()


class StateDb:
    """state.db, open. Each write is one transaction, one at a time, all or nothing, on the disk when the call returns.

    Every method raises StateUnavailableError, with nothing changed, while the database can't be read or written. Once an epoch is taken,
    every write raises FencedError as soon as somebody else has taken a later one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shelf = FingerprintShelf()
        self._file = StateFile(path, rolled_back=self._shelf.forget)
        self._epoch: int | None = None
        self.drift = DriftShelf(self._write, self._read)
        self.tokens = Tokens(self._write, self._read)
        self.silences = Silences(self._write, self._read)
        self.service = ServiceOrders(self._write, self._read)
        self.incidents = Incidents(self._read)
        self.rollups = RollupBook(self._fenced, self._read)

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Opens or creates the file and brings its schema up to date; StateSchemaError where that can't be."""
        state = cls(path)
        try:
            await state._file.write(lambda conn: upgrade(conn, path), patient=True)
        except BaseException:
            await state.close()
            raise
        return state

    async def close(self) -> None:
        """Waits for what was begun or waits, and closes all connections."""
        await self._file.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    # The engine

    async def take_epoch(self) -> int:
        """Raises the epoch: from now on the writes of engines that took an earlier one are refused."""
        self._epoch = None
        epoch = await self._write(self._raise_epoch)
        self._epoch = epoch
        return epoch

    async def load(self) -> Restored:
        """All that an engine needs to go on, as of one moment."""
        return await self._read(restored)

    async def commit(self, decisions: Decisions, *, devices: Sequence[Device] = ()) -> None:
        """Writes what one batch, tick or act decided, and the devices it heard for the first time; outbox messages known already stay."""
        self._must_have_epoch()
        await self._file.write(self._guarded(lambda conn: put_decisions(conn, decisions, devices)), urgent=True)

    async def book(self, *bookings: Booking) -> None:
        """Adds batches to the ledger and marks due hours; remembers their fingerprints and which spool rows are counted as spooled."""
        await self._fenced(add_bookings, self._shelf, bookings)

    # The ledger

    async def book_recovered(self, source: str, items: Mapping[str, LedgerRow]) -> None:
        """Adds each quarantined item's row, once until the item is forgotten."""
        await self._fenced(add_recovered, source, items)

    async def recovered(self) -> frozenset[str]:
        """Items that `book_recovered` has counted and that are not forgotten."""
        return await self._read(all_recovered)

    async def forget_recovered(self, items: Collection[str]) -> None:
        """The quarantine itself knows that they are counted."""
        await self._fenced(forget_recovered, items)

    async def ledger(self, start: int | None = None, end: int | None = None) -> dict[str, LedgerTerms]:
        """Sums by family over the arrival minutes that begin in [start, end), Unix ms; None = no bound."""
        return await self._read(ledger_sums, start, end)

    async def ledger_minutes(self, since_minute: int, *, before: int | None = None) -> list[LedgerMinute]:
        """(family, collector, minute, terms) of every arrival minute from `since_minute` on, and earlier than `before` (Unix ms)."""
        return await self._read(minutes_from, since_minute, before)

    async def last_booked_minute(self) -> int | None:
        """The newest arrival minute of the ledger (Unix ms), None for an empty one."""
        return await self._read(last_minute)

    async def first_booked_minute(self) -> int | None:
        """The oldest arrival minute that the ledger still has (Unix ms), None when it is empty."""
        return await self._read(first_minute)

    async def spooled_ids(self) -> frozenset[int]:
        """The spool rows that the ledger counts as spooled."""
        return await self._read(all_spooled)

    async def spooled(self, ids: Sequence[int]) -> list[SpooledBatch]:
        """What the ledger counts in these spool rows."""
        return await self._read(spooled_batches, ids)

    async def expected(self, hour: int) -> list[Expected]:
        """The points that the store should hold in the hour that begins at `hour` (Unix ms), by measurement."""
        return await self._read(expected_in, hour)

    async def to_audit(self, since: int, before: int, limit: int) -> list[Expected]:
        """Hours in [since, before) that changed since their last audit and wait for nothing, the newest first."""
        return await self._read(to_audit, since, before, limit)

    async def put_audits(self, found: Sequence[Audit]) -> None:
        """Remembers what the store was found to hold."""
        await self._fenced(put_audits, found)

    async def audits_that_differ(self, since: int, limit: int) -> list[tuple[Expected, Audit]]:
        """Hours from `since` on in which the store held something else, oldest first."""
        return await self._read(audits_that_differ, since, limit)

    async def forget(self, before: int) -> None:
        """Drops what is older (Unix ms): minutes and hours of the ledger, whose sums stay, and alarms and messages that ended before."""
        await self._fenced(drop_before, before)

    # Alarms and their journal

    async def alarm(self, alarm: str) -> Alarm | None:
        """The alarm with this id, or None."""
        return await self._read(one_alarm, alarm)

    async def alarms_of(self, ids: Sequence[str]) -> list[Alarm]:
        """The alarms with these ids, in their order; ids that name none are left out."""
        return await self._read(some_alarms, ids)

    async def alarms(self, wanted: AlarmFilter = _ANY, *, limit: int = 100, cursor: str | None = None) -> tuple[list[Alarm], str | None]:
        """A page of alarms, newest first, and the cursor of the next page or None; CursorError for a cursor that names none."""
        return await self._read(list_alarms, wanted, limit, cursor)

    async def trace(self, alarm: str) -> Trace | None:
        """All that is on record about one alarm, or None."""
        return await self._read(trace_of, alarm)

    async def sent_between(self, channels: Collection[str], start: int, end: int, limit: int) -> Sequence[Sending]:
        """Messages to these channels that were written in start ≤ at < end, oldest first."""
        return await self._read(sent_between, channels, start, end, limit)

    async def stood_between(self, start: int, end: int, limit: int) -> Sequence[Alarm]:
        """Alarms that began before `end` and had not ended by `start`, the newest first."""
        return await self._read(stood_between, start, end, limit)

    async def journal(self, alarm: str) -> list[Transition]:
        """All entries of one alarm, oldest first."""
        return await self._read(journal_of, alarm)

    async def journal_between(self, start: int, end: int, limit: int) -> list[Transition]:
        """At most `limit` entries recorded in start ≤ recorded < end, oldest first."""
        return await self._read(journal_between, start, end, limit)

    async def journal_since(self, seq: int, limit: int = 1000) -> list[Transition]:
        """At most `limit` entries with numbers above `seq`, oldest first."""
        return await self._read(journal_after, seq, limit)

    # The outbox

    async def pending(self, limit: int = 100, *, channel: str | None = None) -> list[PendingMessage]:
        """Messages that have not ended, the longest due first; `channel` narrows to one."""
        return await self._read(pending_messages, limit, channel)

    async def record_attempt(
        self, attempt: Attempt, *, done: bool, next_at: int | None = None, handed_to: OutboxMessage | None = None
    ) -> None:
        """Journals an attempt; `done` ends the message, else it is due again at `next_at`. LookupError for an unknown message.

        `handed_to` joins the outbox in the same transaction, unless that channel has the message already.
        """
        await self._fenced(add_attempt, attempt, done=done, next_at=next_at, handed_to=handed_to)

    async def outbox(self, limit: int = 100, cursor: str | None = None) -> tuple[list[OutboxEntry], str | None]:
        """A page of messages, newest first, and the cursor of the next page or None; CursorError for a cursor that names none."""
        return await self._read(list_messages, limit, cursor)

    async def message(self, key: str, channel: str) -> OutboxMessage | None:
        """The outbox message of that key to that channel, or None."""
        return await self._read(one_message, key, channel)

    async def attempts(self, key: str) -> list[Attempt]:
        """All attempts for an outbox key on any channel, oldest first."""
        return await self._read(attempts_of, key)

    # The registry

    async def import_units(self, rows: Iterable[Unit]) -> None:
        """Inserts or replaces units by (unit, valid_from); none is ever removed."""
        await self._write(put_units, tuple(rows))

    async def import_devices(self, rows: Iterable[Device]) -> None:
        """Inserts or replaces devices by id; a known device keeps its `registered_at`, none is ever removed."""
        await self._write(put_devices, tuple(rows))

    async def approve(self, devices: Iterable[str], *, unit: str | None = None, name: str | None = None) -> int:
        """Approves devices by id, and gives them the unit and the name that are not None; the number of those that are known."""
        return await self._write(approve_devices, tuple(devices), unit=unit, name=name)

    async def devices(self) -> tuple[Device, ...]:
        """Every device, by id."""
        return await self._read(all_devices)

    async def units(self) -> tuple[Unit, ...]:
        """Every row of every unit, by id and date."""
        return await self._read(all_units)

    # Transactions

    async def _read(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._file.read(lambda conn: work(conn, *args, **kwargs))

    async def _write(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._file.write(self._guarded(lambda conn: work(conn, *args, **kwargs)))

    async def _fenced(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._must_have_epoch()
        return await self._write(work, *args, **kwargs)

    def _must_have_epoch(self) -> None:
        if self._epoch is None:
            msg = "no epoch taken: an engine calls take_epoch() before its first write"
            raise FencedError(msg)

    def _guarded(self, work: Work[T]) -> Work[T]:
        """The work, refused if the epoch that we hold now is not the newest then."""
        epoch = self._epoch

        def guarded(conn: Connection) -> T:
            if epoch is not None and not epoch_holds(conn, epoch):
                msg = f"another engine has taken over {self._path} since epoch {epoch}; this one stops"
                raise FencedError(msg)
            return work(conn)

        return guarded

    def _raise_epoch(self, conn: Connection) -> int:
        self._shelf.forget()
        return raise_epoch(conn)
