"""`StateDb`: the one door to state.db."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ioc.adapters.state.alarm_rows import list_alarms, one_alarm, open_alarms, put_alarms, some_alarms, stood_between
from ioc.adapters.state.audit_rows import add_expectations, audits_that_differ, drop_expectations, expected_in, put_audits, to_audit
from ioc.adapters.state.drift_rows import DriftShelf
from ioc.adapters.state.engine import failures_named, reading_engine, writing_engine
from ioc.adapters.state.engine_rows import (
    all_groups,
    all_rule_states,
    epoch_holds,
    last_heard_until,
    position,
    put_groups,
    put_heard_until,
    put_position,
    put_rule_states,
    raise_epoch,
)
from ioc.adapters.state.fingerprint_rows import FingerprintShelf, all_fingerprints
from ioc.adapters.state.history_rows import drop_history
from ioc.adapters.state.incident_rows import forget_incidents, put_incidents
from ioc.adapters.state.incidents import Incidents
from ioc.adapters.state.journal import append_transitions, journal_after, journal_between, journal_of, last_seq
from ioc.adapters.state.ledger_rows import LedgerMinute, add_ledger_rows, drop_minutes, first_minute, last_minute, ledger_sums, minutes_from
from ioc.adapters.state.migrate import upgrade
from ioc.adapters.state.outbox_rows import add_attempt, add_messages, attempts_of, list_messages, one_message, pending_messages
from ioc.adapters.state.recovered_rows import all_recovered, forget_recovered, remember_recovered
from ioc.adapters.state.registry_rows import add_new_devices, all_devices, all_units, approve_devices, put_devices, put_units
from ioc.adapters.state.rollup_rows import RollupBook, mark_due
from ioc.adapters.state.service_orders import ServiceOrders, standing_orders
from ioc.adapters.state.silences import Silences
from ioc.adapters.state.spooled_rows import all_spooled, book_spooled, spooled_batches
from ioc.adapters.state.tokens import Tokens
from ioc.adapters.state.why_rows import put_told, put_unsent, sent_between, trace_of
from ioc.domain.alarm import Alarm, Attempt, Decisions, OutboxMessage, Transition
from ioc.domain.audit import Audit, Expected
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms, SpooledBatch
from ioc.domain.registry import Device, Unit
from ioc.domain.state import AlarmFilter, FencedError, OutboxEntry, PendingMessage, Restored
from ioc.domain.why import Sending, Trace

_ANY = AlarmFilter()


class StateDb:
    """state.db, open. Each write is one transaction, one at a time, all or nothing, on the disk when the call returns.

    Every method raises StateUnavailableError, with nothing changed, while the database can't be read or written. Once an epoch is taken,
    every write raises FencedError as soon as somebody else has taken a later one.
    """

    def __init__(self, path: Path, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._lock = asyncio.Lock()
        self._epoch: int | None = None
        self._shelf = FingerprintShelf()
        self.drift = DriftShelf(self._write, self._read)
        self.tokens = Tokens(self._write, self._read)
        self.silences = Silences(self._write, self._read)
        self.service = ServiceOrders(self._write, self._read)
        self.incidents = Incidents(self._read)
        self.rollups = RollupBook(self._fenced, self._read)

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Opens or creates the file and brings its schema up to date; StateSchemaError where that can't be."""
        state = cls(path, writing_engine(path), reading_engine(path))
        try:
            async with state._write() as conn:
                await conn.run_sync(upgrade, path)
        except BaseException:
            await state.close()
            raise
        return state

    async def close(self) -> None:
        """Waits for the write under way and closes all connections."""
        async with self._lock:
            await self._reader.dispose()
            await self._writer.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    # The engine

    async def take_epoch(self) -> int:
        """Raises the epoch: from now on the writes of engines that took an earlier one are refused."""
        self._epoch = None
        async with self._write() as conn:
            epoch = await raise_epoch(conn)
        self._epoch = epoch
        self._shelf.forget()
        return epoch

    async def load(self) -> Restored:
        """All that an engine needs to go on, as of one moment."""
        async with self._read() as conn:
            return Restored(
                alarms=await open_alarms(conn),
                rule_states=await all_rule_states(conn),
                groups=await all_groups(conn),
                seq=await last_seq(conn),
                position=await position(conn),
                heard_until=await last_heard_until(conn),
                orders=await standing_orders(conn),
                devices=await all_devices(conn),
                units=await all_units(conn),
                booked=await all_fingerprints(conn),
                spooled=await all_spooled(conn),
            )

    async def commit(self, decisions: Decisions, *, devices: Sequence[Device] = ()) -> None:
        """Writes what one batch, tick or act decided, and the devices it heard for the first time; outbox messages known already stay."""
        async with self._fenced() as conn:
            await append_transitions(conn, decisions.transitions)
            await put_alarms(conn, decisions.alarms)
            await put_rule_states(conn, decisions.rule_states)
            await put_groups(conn, decisions.groups)
            await add_messages(conn, decisions.outbox)
            await put_told(conn, decisions.outbox)
            await put_unsent(conn, decisions.unsent)
            await forget_incidents(conn, decisions.dissolved)
            await put_incidents(conn, decisions.incidents, decisions.members)
            if decisions.position is not None:
                await put_position(conn, decisions.position)
            await add_new_devices(conn, devices)

    async def book(self, *bookings: Booking) -> None:
        """Adds batches to the ledger and marks due hours; remembers their fingerprints and which spool rows are counted as spooled."""
        try:
            async with self._fenced() as conn:
                for booking in bookings:
                    await add_ledger_rows(conn, booking.source, booking.rows)
                    await add_expectations(conn, booking.expected)
                    await self._shelf.add(conn, booking.source, booking.fingerprints)
                    if booking.heard_until is not None:
                        await put_heard_until(conn, booking.heard_until)
                    await mark_due(conn, booking.due)
                    await book_spooled(conn, added=booking.spool_added, removed=booking.spool_removed)
        except BaseException:
            self._shelf.forget()
            raise

    # The ledger

    async def book_recovered(self, source: str, items: Mapping[str, LedgerRow]) -> None:
        """Adds each quarantined item's row, once until the item is forgotten."""
        async with self._fenced() as conn:
            new = await remember_recovered(conn, items)
            await add_ledger_rows(conn, source, [row for item, row in items.items() if item in new])

    async def recovered(self) -> frozenset[str]:
        """Items that `book_recovered` has counted and that are not forgotten."""
        async with self._read() as conn:
            return await all_recovered(conn)

    async def forget_recovered(self, items: Collection[str]) -> None:
        """The quarantine itself knows that they are counted."""
        async with self._fenced() as conn:
            await forget_recovered(conn, items)

    async def ledger(self, start: int | None = None, end: int | None = None) -> dict[str, LedgerTerms]:
        """Sums by family over the arrival minutes that begin in [start, end), Unix ms; None = no bound."""
        async with self._read() as conn:
            return await ledger_sums(conn, start, end)

    async def ledger_minutes(self, since_minute: int, *, before: int | None = None) -> list[LedgerMinute]:
        """(family, collector, minute, terms) of every arrival minute from `since_minute` on, and earlier than `before` (Unix ms)."""
        async with self._read() as conn:
            return await minutes_from(conn, since_minute, before)

    async def last_booked_minute(self) -> int | None:
        """The newest arrival minute of the ledger (Unix ms), None for an empty one."""
        async with self._read() as conn:
            return await last_minute(conn)

    async def first_booked_minute(self) -> int | None:
        """The oldest arrival minute that the ledger still has (Unix ms), None when it is empty."""
        async with self._read() as conn:
            return await first_minute(conn)

    async def spooled_ids(self) -> frozenset[int]:
        """The spool rows that the ledger counts as spooled."""
        async with self._read() as conn:
            return await all_spooled(conn)

    async def spooled(self, ids: Sequence[int]) -> list[SpooledBatch]:
        """What the ledger counts in these spool rows."""
        async with self._read() as conn:
            return await spooled_batches(conn, ids)

    async def expected(self, hour: int) -> list[Expected]:
        """The points that the store should hold in the hour that begins at `hour` (Unix ms), by measurement."""
        async with self._read() as conn:
            return await expected_in(conn, hour)

    async def to_audit(self, since: int, before: int, limit: int) -> list[Expected]:
        """Hours in [since, before) that changed since their last audit and wait for nothing, the newest first."""
        async with self._read() as conn:
            return await to_audit(conn, since, before, limit)

    async def put_audits(self, found: Sequence[Audit]) -> None:
        """Remembers what the store was found to hold."""
        async with self._fenced() as conn:
            await put_audits(conn, found)

    async def audits_that_differ(self, since: int, limit: int) -> list[tuple[Expected, Audit]]:
        """Hours from `since` on in which the store held something else, oldest first."""
        async with self._read() as conn:
            return await audits_that_differ(conn, since, limit)

    async def forget(self, before: int) -> None:
        """Drops what is older (Unix ms): minutes and hours of the ledger, whose sums stay, and alarms and messages that ended before."""
        async with self._fenced() as conn:
            await drop_minutes(conn, before)
            await drop_expectations(conn, before)
            await drop_history(conn, before)

    # Alarms and their journal

    async def alarm(self, alarm: str) -> Alarm | None:
        """The alarm with this id, or None."""
        async with self._read() as conn:
            return await one_alarm(conn, alarm)

    async def alarms_of(self, ids: Sequence[str]) -> list[Alarm]:
        """The alarms with these ids, in their order; ids that name none are left out."""
        async with self._read() as conn:
            return await some_alarms(conn, ids)

    async def alarms(self, wanted: AlarmFilter = _ANY, *, limit: int = 100, cursor: str | None = None) -> tuple[list[Alarm], str | None]:
        """A page of alarms, newest first, and the cursor of the next page or None; CursorError for a cursor that names none."""
        async with self._read() as conn:
            return await list_alarms(conn, wanted, limit, cursor)

    async def trace(self, alarm: str) -> Trace | None:
        """All that is on record about one alarm, or None."""
        async with self._read() as conn:
            return await trace_of(conn, alarm)

    async def sent_between(self, channels: Collection[str], start: int, end: int, limit: int) -> Sequence[Sending]:
        """Messages to these channels that were written in start ≤ at < end, oldest first."""
        async with self._read() as conn:
            return await sent_between(conn, channels, start, end, limit)

    async def stood_between(self, start: int, end: int, limit: int) -> Sequence[Alarm]:
        """Alarms that began before `end` and had not ended by `start`, the newest first."""
        async with self._read() as conn:
            return await stood_between(conn, start, end, limit)

    async def journal(self, alarm: str) -> list[Transition]:
        """All entries of one alarm, oldest first."""
        async with self._read() as conn:
            return await journal_of(conn, alarm)

    async def journal_between(self, start: int, end: int, limit: int) -> list[Transition]:
        """At most `limit` entries recorded in start ≤ recorded < end, oldest first."""
        async with self._read() as conn:
            return await journal_between(conn, start, end, limit)

    async def journal_since(self, seq: int, limit: int = 1000) -> list[Transition]:
        """At most `limit` entries with numbers above `seq`, oldest first."""
        async with self._read() as conn:
            return await journal_after(conn, seq, limit)

    # The outbox

    async def pending(self, limit: int = 100, *, channel: str | None = None) -> list[PendingMessage]:
        """Messages that have not ended, the longest due first; `channel` narrows to one."""
        async with self._read() as conn:
            return await pending_messages(conn, limit, channel)

    async def record_attempt(
        self, attempt: Attempt, *, done: bool, next_at: int | None = None, handed_to: OutboxMessage | None = None
    ) -> None:
        """Journals an attempt; `done` ends the message, else it is due again at `next_at`. LookupError for an unknown message.

        `handed_to` joins the outbox in the same transaction, unless that channel has the message already.
        """
        async with self._fenced() as conn:
            await add_attempt(conn, attempt, done=done, next_at=next_at)
            await add_messages(conn, () if handed_to is None else (handed_to,))

    async def outbox(self, limit: int = 100, cursor: str | None = None) -> tuple[list[OutboxEntry], str | None]:
        """A page of messages, newest first, and the cursor of the next page or None; CursorError for a cursor that names none."""
        async with self._read() as conn:
            return await list_messages(conn, limit, cursor)

    async def message(self, key: str, channel: str) -> OutboxMessage | None:
        """The outbox message of that key to that channel, or None."""
        async with self._read() as conn:
            return await one_message(conn, key, channel)

    async def attempts(self, key: str) -> list[Attempt]:
        """All attempts for an outbox key on any channel, oldest first."""
        async with self._read() as conn:
            return await attempts_of(conn, key)

    # The registry

    async def import_units(self, rows: Iterable[Unit]) -> None:
        """Inserts or replaces units by (unit, valid_from); none is ever removed."""
        async with self._write() as conn:
            await put_units(conn, rows)

    async def import_devices(self, rows: Iterable[Device]) -> None:
        """Inserts or replaces devices by id; a known device keeps its `registered_at`, none is ever removed."""
        async with self._write() as conn:
            await put_devices(conn, rows)

    async def approve(self, devices: Iterable[str], *, unit: str | None = None, name: str | None = None) -> int:
        """Approves devices by id, and gives them the unit and the name that are not None; the number of those that are known."""
        async with self._write() as conn:
            return await approve_devices(conn, devices, unit=unit, name=name)

    async def devices(self) -> tuple[Device, ...]:
        """Every device, by id."""
        async with self._read() as conn:
            return await all_devices(conn)

    async def units(self) -> tuple[Unit, ...]:
        """Every row of every unit, by id and date."""
        async with self._read() as conn:
            return await all_units(conn)

    # Transactions

    @asynccontextmanager
    async def _fenced(self) -> AsyncIterator[AsyncConnection]:
        if self._epoch is None:
            msg = "no epoch taken: an engine calls take_epoch() before its first write"
            raise FencedError(msg)
        async with self._write() as conn:
            yield conn

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._lock:
            with failures_named(self._path):
                async with self._writer.connect() as conn, conn.begin():
                    if self._epoch is not None and not await epoch_holds(conn, self._epoch):
                        msg = f"another engine has taken over {self._path} since epoch {self._epoch}; this one stops"
                        raise FencedError(msg)
                    yield conn

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        with failures_named(self._path):
            async with self._reader.connect() as conn, conn.begin():
                yield conn
