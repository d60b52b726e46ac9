"""The quarantine as people use it: look, and try again with today's declarations."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Literal, Protocol

import msgspec
import structlog

from collectors.accounting import book_evicted
from ioc.adapters.quarantine import QuarantinedMessage, QuarantineFile
from ioc.api.ports import QuarantineItem, Replay, ReplayedItem, Replays
from ioc.app.replaying import Replayer, Verdict
from ioc.domain.fleet import Fleet
from ioc.domain.ledger import Booking
from ioc.domain.quarantined import QuarantineFilter, QuarantineGroup
from ioc.domain.state import CursorError

log = structlog.get_logger("ioc.quarantine")

MOST_REPLAYED = 200
"""Messages tried at once: others wait for the same files."""
_LONGEST_COUNT = 9


class LedgerBook(Protocol):
    """Books what is gone."""

    async def book(self, *bookings: Booking) -> None:
        """In one transaction."""


class QuarantineDesk:
    """Lists, sums, replays and discards."""

    def __init__(
        self, quarantine: QuarantineFile, replayer: Replayer, *, fleet: Fleet, ledger: LedgerBook, source: str, clock: Callable[[], int]
    ) -> None:
        """What is discarded is booked as `source`'s."""
        self._quarantine = quarantine
        self._replayer = replayer
        self._fleet = fleet
        self._ledger = ledger
        self._source = source
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def quarantined(self, wanted: QuarantineFilter, *, limit: int, cursor: str | None) -> tuple[list[QuarantineItem], str | None]:
        """Newest first."""
        return await page_of(self._quarantine, wanted, devices=self._devices(wanted.units), limit=limit, cursor=cursor)

    async def quarantine_summary(
        self, by: Literal["device", "reason"] | None, *, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[QuarantineGroup], str | None]:
        """Sums by device, by reason, or (None) by both; the most first."""
        return await summary_of(self._quarantine, by, devices=self._devices(units), limit=limit, cursor=cursor)

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One item, or None."""
        message = await self._quarantine.get(item)
        return None if message is None else quarantine_item(message)

    async def replay(self, item: str, *, by: str) -> Replay:  # noqa: ARG002  the port's; the audit log is to come
        """Decodes it again with today's declarations and stores what can be stored."""
        async with self._one_at_a_time:
            message = await self._quarantine.get(item)
            if message is None:
                return Replay(recovered=False, detail="it is no longer in quarantine")
            (verdict,) = await self._replayer.replay([message])
        return Replay(recovered=verdict.recovered, detail=verdict.detail)

    async def replay_many(
        self,
        wanted: QuarantineFilter,
        *,
        by: str,  # noqa: ARG002  the port's; the audit log is to come
        limit: int,
        cursor: str | None,
        dry_run: bool,
    ) -> Replays:
        """The same for a page of the list, at most MOST_REPLAYED; `dry_run` only says what would become of them."""
        most = min(limit, MOST_REPLAYED)
        async with self._one_at_a_time:
            found = await self._quarantine.list(wanted, devices=self._devices(wanted.units), after=cursor, limit=most + 1)
            messages = found[:most]
            verdicts = self._replayer.foresee(messages) if dry_run else await self._replayer.replay(messages)
        return _replays(messages, verdicts, messages[-1].cursor if len(found) > most else None)

    async def discard(self, wanted: QuarantineFilter, *, by: str, why: str) -> int:
        """Forgets what a person has judged to be worthless, and books it as evicted; how many messages and copies that were."""
        gone = 0
        async with self._one_at_a_time:
            log.warning("quarantine_discarded", by=by, why=why, **_named(wanted))
            waiting = msgspec.structs.replace(wanted, replayed=False)
            while some := await self._quarantine.discard(waiting):
                gone += some
                await self._ledger.book(book_evicted(self._source, self._clock(), some))
        return gone

    def _devices(self, units: frozenset[str] | None) -> list[str] | None:
        return None if units is None else [one.device for one in self._fleet.devices() if one.unit in units]


def _named(wanted: QuarantineFilter) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}


def _replays(messages: Sequence[QuarantinedMessage], verdicts: Sequence[Verdict], following: str | None) -> Replays:
    items = [
        ReplayedItem(id=message.id, device=message.device, reason=message.reason, recovered=verdict.recovered, detail=verdict.detail)
        for message, verdict in zip(messages, verdicts, strict=True)
    ]
    recovered = sum(item.recovered for item in items)
    return Replays(items=items, recovered=recovered, refused=len(items) - recovered, next=following)


async def page_of(
    quarantine: QuarantineFile, wanted: QuarantineFilter, *, devices: Collection[str] | None, limit: int, cursor: str | None
) -> tuple[list[QuarantineItem], str | None]:
    """A page of the list, newest first, and the cursor of the next."""
    found = await quarantine.list(wanted, devices=devices, after=cursor, limit=limit + 1)
    return [quarantine_item(message) for message in found[:limit]], found[limit - 1].cursor if len(found) > limit else None


async def summary_of(
    quarantine: QuarantineFile,
    by: Literal["device", "reason"] | None,
    *,
    devices: Collection[str] | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[QuarantineGroup], str | None]:
    """A page of the sums, and the cursor of the next: the number of those that came before."""
    if cursor is not None and not (cursor.isdecimal() and len(cursor) <= _LONGEST_COUNT):
        msg = f"{cursor[:60]!r} is no cursor of this list"
        raise CursorError(msg)
    after = int(cursor or 0)
    found = await quarantine.summary(by=by, devices=devices, after=after, limit=limit + 1)
    return found[:limit], str(after + limit) if len(found) > limit else None


def quarantine_item(message: QuarantinedMessage) -> QuarantineItem:
    """As the API shows it."""
    return QuarantineItem(
        id=message.id,
        topic=message.topic_text,
        device=message.device,
        family=message.family,
        reason=message.reason,
        detail=message.detail,
        count=message.count,
        first_seen=message.first_seen,
        last_seen=message.last_seen,
        payload=message.payload,
        partial=message.partial,
        replayed_at=message.replayed_at,
    )
