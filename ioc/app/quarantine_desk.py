"""The quarantine as people use it: look, and try again with today's declarations."""

from collections.abc import Callable, Mapping

from collectors.accounting import minute_of
from collectors.delivery import Delivery
from collectors.ingest import Ingest, Taken
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from collectors.writer import Writer, put_own
from ioc.adapters.quarantine import QuarantinedMessage, QuarantineFile
from ioc.adapters.state.store import StateDb
from ioc.api.ports import QuarantineItem, Replay
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms


class QuarantineDesk:
    """A replay goes to the store only: it never enters live alarms as news."""

    def __init__(
        self,
        quarantine: QuarantineFile,
        families: Mapping[str, Family],
        *,
        fleet: Fleet,
        topic_roots: Mapping[str, str],
        history_limit: int,
        writer: Writer,
        state: StateDb,
        clock: Callable[[], int],
    ) -> None:
        """`topic_roots`: source → its topic root."""
        self._quarantine = quarantine
        self._families = families
        self._fleet = fleet
        self._topic_roots = topic_roots
        self._history_limit = history_limit
        self._writer = writer
        self._state = state
        self._clock = clock

    async def quarantined(
        self, *, device: str | None, reason: str | None, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[QuarantineItem], str | None]:
        """Newest first; `units` narrows to the devices of these units."""
        devices = None if units is None else [one.device for one in self._fleet.devices() if one.unit in units]
        found = await self._quarantine.list(device=device, devices=devices, reason=reason, after=cursor, limit=limit + 1)
        items = [quarantine_item(message) for message in found[:limit]]
        return items, items[-1].id if len(found) > limit else None

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One item, or None."""
        message = await self._quarantine.get(item)
        return None if message is None else quarantine_item(message)

    async def replay(self, item: str, *, by: str) -> Replay:  # noqa: ARG002  the port's; the audit log is to come
        """Decodes it again with today's declarations and stores what can be stored."""
        message = await self._quarantine.get(item)
        if message is None:
            return Replay(recovered=False, detail="it is no longer in quarantine")
        source, taken = self._read(message)
        point = PointEncoder(self._families).point(taken)
        if point is None:
            reasons = "; ".join(refusal.detail for refusal in taken.refusals) or "it holds nothing to store"
            return Replay(recovered=False, detail=f"still refused: {reasons}")
        refusals = await put_own(self._writer, [point])
        if any(refusal.field is None for refusal in refusals):
            return Replay(recovered=False, detail=f"the store refused it: {refusals[0].detail}")
        now = self._clock()
        await self._quarantine.mark_replayed(item, now)
        row = LedgerRow(message.family, minute_of(now), LedgerTerms(recovered=1))
        await self._state.book(Booking(source=source, rows=(row,)))
        left = "; ".join(f"{refusal.field}: {refusal.detail}" for refusal in taken.refusals)
        return Replay(recovered=True, detail=f"stored, without {left}" if left else "stored")

    def _read(self, message: QuarantinedMessage) -> tuple[str, Taken]:
        """A fresh reader for each: a replay must not look like a repetition, nor teach us about the device's clock."""
        topic = message.topic.decode(errors="replace")
        source = next((name for name, root in self._topic_roots.items() if topic.startswith(root + "/")), next(iter(self._topic_roots)))
        reader = Ingest(
            self._families,
            topic_root=self._topic_roots[source],
            history_limit=self._history_limit,
            redelivery=RedeliveryMemory(),
        )
        (taken,) = reader.read([Delivery(message.topic, message.payload, message.first_seen, 0, 0)])
        return source, taken


def quarantine_item(message: QuarantinedMessage) -> QuarantineItem:
    """As the API shows it."""
    return QuarantineItem(
        id=message.id,
        topic=message.topic_text,
        device=message.device,
        reason=message.reason,
        detail=message.detail,
        count=message.count,
        first_seen=message.first_seen,
        last_seen=message.last_seen,
        payload=message.payload,
        partial=message.partial,
    )
