"""A second attempt with today's declarations. It goes to the store only: live alarms never hear of it.

The order is store → ledger → quarantine, each step durable before the next and each harmless when done again: a point stored
twice is one point, the ledger remembers an item until the quarantine knows it, and a message that is marked is left alone.

`recovered` counts points that the store has gained: one for an entry, however often its payload came. With a time of its own it
is one point each time; without one we know when it came first, not when it came again. What comes again after it was
recovered gives the same point, and is not counted again. Nor is a copy of a partial message: its point is there, under the time
under which the rest was stored, and gets the fields that it lacked; what stands in it is not touched.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from collectors.accounting import hour_of, minute_of
from collectors.delivery import Delivery
from collectors.ingest import Ingest, Taken
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from collectors.writer import Writer, put_own
from ioc.adapters.quarantine import QuarantinedMessage, QuarantineFile
from ioc.adapters.state.store import StateDb
from ioc.domain.dialect import Dialect
from ioc.domain.family import Family
from ioc.domain.ledger import Booking, Expectation, LedgerRow, LedgerTerms
from ioc.domain.point import Point, PointRefusal
from ioc.domain.rollup import Frontier


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became, or would become, of one message."""

    recovered: bool
    detail: str
    source: str = ""
    family: str = ""
    """Today's."""
    point: Point | None = None


class Replayer:
    """Stores again what can be stored."""

    def __init__(
        self,
        quarantine: QuarantineFile,
        families: Mapping[str, Family],
        *,
        topic_roots: Mapping[str, str],
        dialects: Mapping[str, Mapping[str, Dialect]] | None = None,
        history_limit: int,
        writer: Writer,
        state: StateDb,
        frontier: Frontier,
        clock: Callable[[], int],
    ) -> None:
        """`topic_roots`: source → its topic root; `dialects`: source → the dialects that it listens to, by id."""
        self._quarantine = quarantine
        self._encoder = PointEncoder(families)
        self._topic_roots = topic_roots
        self._dialects = dialects or {}
        self._readers = {
            source: Ingest(
                families,
                topic_root=root,
                history_limit=history_limit,
                redelivery=RedeliveryMemory(),
                dialects=self._dialects.get(source, ()),
            )
            for source, root in topic_roots.items()
        }
        self._writer = writer
        self._state = state
        self._frontier = frontier
        self._clock = clock

    def foresee(self, messages: Sequence[QuarantinedMessage]) -> list[Verdict]:
        """What today's declarations make of each; nothing is stored."""
        return [self._read(message) for message in messages]

    async def replay(self, messages: Sequence[QuarantinedMessage]) -> list[Verdict]:
        """What became of each."""
        await self._finish_earlier()
        verdicts = self.foresee(messages)
        points = [verdict.point for verdict in verdicts if verdict.point is not None]
        if not points:
            return verdicts
        if self._writer.down_since is not None:
            away = f"the store is away ({self._writer.last_error}); try again when it is back"
            return [Verdict(recovered=False, detail=away) if one.recovered else one for one in verdicts]
        await self._expect(messages, verdicts)
        verdicts = _refuse(verdicts, await put_own(self._writer, points))
        if due := self._frontier.due(points):
            await self._state.book(Booking(source="", due=due))
        stored = [(message, verdict) for message, verdict in zip(messages, verdicts, strict=True) if verdict.recovered]
        await self._count(stored)
        await self._note([message.id for message, _ in stored])
        return verdicts

    async def _expect(self, messages: Sequence[QuarantinedMessage], verdicts: Sequence[Verdict]) -> None:
        """Said before it is done: a point that may be there is no surprise to the audit, one that nobody told of is."""
        by_source: dict[str, Counter[tuple[str, int]]] = {}
        for message, verdict in zip(messages, verdicts, strict=True):
            if verdict.point is not None and not message.partial:
                by_source.setdefault(verdict.source, Counter())[verdict.point.measurement, hour_of(verdict.point.ts)] += 1
        for source, points in by_source.items():
            expected = tuple(Expectation(measurement, hour, uncertain=count) for (measurement, hour), count in points.items())
            await self._state.book(Booking(source=source, expected=expected))

    async def _count(self, stored: Sequence[tuple[QuarantinedMessage, Verdict]]) -> None:
        minute = minute_of(self._clock())
        by_source: dict[str, dict[str, LedgerRow]] = {}
        for message, verdict in stored:
            if not (message.partial or message.recovered):
                row = LedgerRow(verdict.family, minute, LedgerTerms(recovered=1))
                by_source.setdefault(verdict.source, {})[message.id] = row
        for source, rows in by_source.items():
            await self._state.book_recovered(source, rows)

    async def _note(self, items: Sequence[str]) -> None:
        await self._quarantine.mark_replayed(items, self._clock())
        await self._state.forget_recovered(items)

    async def _finish_earlier(self) -> None:
        """A crash came between ledger and quarantine: what is counted is stored, so it is marked."""
        counted = sorted(await self._state.recovered())
        if counted:
            await self._note(counted)

    def _read(self, message: QuarantinedMessage) -> Verdict:
        source, taken = self._take(message)
        point = self._encoder.point(taken)
        left = {refusal.field: refusal.detail for refusal in taken.refusals}
        if message.partial and point is not None:
            point = _missing(point, message)
        if point is None:
            reasons = "; ".join(detail if field is None else f"{field}: {detail}" for field, detail in left.items())
            return Verdict(recovered=False, detail=f"still refused: {reasons or 'it holds nothing to store'}")
        without = "; ".join(f"{field}: {detail}" for field, detail in left.items())
        detail = f"stored, without {without}" if without else "stored"
        return Verdict(recovered=True, detail=detail, source=source, family=taken.family, point=point)

    def _take(self, message: QuarantinedMessage) -> tuple[str, Taken]:
        """Each by itself: a replay must not look like a repetition, nor learn from another one about the device's clock."""
        source = self._source(message.topic.decode(errors="replace"))
        reader = self._readers[source]
        reader.forget()
        (taken,) = reader.read([Delivery(message.topic, message.payload, message.first_seen, 0, 0)])
        return source, taken

    def _source(self, topic: str) -> str:
        """Whose topic it is; the first source's where it is nobody's."""
        for name, root in self._topic_roots.items():
            spoken = self._dialects.get(name, {}).values()
            if topic.startswith(root + "/") or any(dialect.template.match(topic) is not None for dialect in spoken):
                return name
        return next(iter(self._topic_roots))


def _missing(point: Point, message: QuarantinedMessage) -> Point | None:
    """What the stored rest of a partial message lacks; None where that is still nothing."""
    fields = {name: value for name, value in point.fields.items() if name in message.fields}
    if not fields or message.stored_at is None:
        return None
    return Point.of(point.measurement, point.tags, fields, message.stored_at)


def _refuse(verdicts: Sequence[Verdict], refusals: Sequence[PointRefusal]) -> list[Verdict]:
    """The verdicts once the store has spoken; its indexes count points."""
    said: dict[int, list[PointRefusal]] = {}
    for refusal in refusals:
        said.setdefault(refusal.index, []).append(refusal)
    spoken, index = [], -1
    for verdict in verdicts:
        index += verdict.point is not None
        refused = said.get(index, []) if verdict.point is not None else []
        spoken.append(_judged(verdict, refused) if refused else verdict)
    return spoken


def _judged(verdict: Verdict, refused: Sequence[PointRefusal]) -> Verdict:
    whole = [refusal.detail for refusal in refused if refusal.field is None]
    lost = {refusal.field for refusal in refused}
    if whole or (verdict.point is not None and lost >= set(verdict.point.fields) - {"lag_ms"}):
        return Verdict(recovered=False, detail=f"the store refused it: {(whole or [refused[0].detail])[0]}")
    words = "; ".join(f"{refusal.field}: {refusal.detail}" for refusal in refused)
    return msgspec.structs.replace(verdict, detail=f"{verdict.detail}; the store refused {words}")
