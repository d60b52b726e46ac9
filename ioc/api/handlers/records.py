"""What is written down: ledger, quarantine, rules, messages to people."""

from typing import Any, Literal

import msgspec

from ioc.api.documents import LedgerDocument, Page, QuarantineDocument, instant, ledger_document, quarantine_document
from ioc.api.handlers.common import Name, Paged, YesNo, given, parse_instant, yes
from ioc.api.ports import QuarantineItem, Replay
from ioc.api.problem import existing
from ioc.api.route import Call, NoQuery
from ioc.domain.alarm import Attempt
from ioc.domain.alarm_document import Instant
from ioc.domain.quarantined import QuarantineFilter, QuarantineGroup
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.state import OutboxEntry


class LedgerQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Arrival minutes from (inclusive) to (exclusive); without both, since the beginning; a range that ends before it starts is empty."""

    start: Instant | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)
    end: Instant | msgspec.UnsetType = msgspec.field(name="to", default=msgspec.UNSET)


class QuarantineQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which quarantined messages."""

    device: Name | msgspec.UnsetType = msgspec.UNSET
    family: Name | msgspec.UnsetType = msgspec.UNSET
    reason: Name | msgspec.UnsetType = msgspec.UNSET
    start: Instant | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)
    """Of `last_seen`, inclusive."""
    end: Instant | msgspec.UnsetType = msgspec.field(name="to", default=msgspec.UNSET)
    """Exclusive."""
    partial: YesNo | msgspec.UnsetType = msgspec.UNSET
    """Copies of messages of which the rest was stored, or whole messages."""
    replayed: YesNo | Literal["any"] = "false"
    """Those stored after all, or those that wait."""


class SummaryQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sums by device, by reason, or by both."""

    by: Literal["device", "reason"] | msgspec.UnsetType = msgspec.UNSET


class AttemptDocument(msgspec.Struct, frozen=True):
    """One try to deliver a message."""

    at: Instant
    ok: bool
    detail: str


class MessageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A message to people: what was sent (`body`, as the webhook carries it) and every attempt."""

    key: str
    channel: str
    event: str
    at: Instant
    delivered: bool
    done_at: Instant | None
    """When it ended: delivered, or given up."""
    next_at: Instant | None
    """When it is due again."""
    body: dict[str, Any]
    attempts: list[AttemptDocument]


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in force; further keys as the rule's file declares them."""

    id: str
    severity: str
    family: str | None = None


async def get_ledger(call: Call[LedgerQuery, None]) -> LedgerDocument:
    """What became of every delivery."""
    start, end = parse_instant(call.query.start, "from"), parse_instant(call.query.end, "to")
    return ledger_document(await call.backend.ledger.ledger(start, end), start, end)


async def list_quarantine(call: Call[QuarantineQuery, None]) -> Page[QuarantineDocument]:
    """What could not be stored, newest first."""
    query = call.query
    wanted = QuarantineFilter(
        device=given(query.device),
        family=given(query.family),
        reason=given(query.reason),
        start=parse_instant(query.start, "from"),
        end=parse_instant(query.end, "to"),
        partial=yes(query.partial),
        replayed=None if query.replayed == "any" else query.replayed == "true",
        units=call.units,
    )
    found, following = await call.backend.quarantine.quarantined(wanted, limit=query.limit, cursor=given(query.cursor))
    return Page(items=[quarantine_document(item) for item in found], next=following)


async def sum_quarantine(call: Call[SummaryQuery, None]) -> Page[QuarantineGroup]:
    """Who fills the quarantine, and why; the most first."""
    query = call.query
    found, following = await call.backend.quarantine.quarantine_summary(
        given(query.by), units=call.units, limit=query.limit, cursor=given(query.cursor)
    )
    return Page(items=found, next=following)


async def get_quarantined(call: Call[NoQuery, None]) -> QuarantineDocument:
    """One quarantined message."""
    return quarantine_document(await _item(call))


async def replay(call: Call[NoQuery, None]) -> Replay:
    """Tries again to store a quarantined message."""
    item = await _item(call)
    return await call.backend.quarantine.replay(item.id, by=call.principal.name)


async def list_rules(call: Call[NoQuery, None]) -> Page[Any]:
    """The rules in force, by id."""
    return Page(items=list(await call.backend.rules.rules()), next=None)


async def list_messages(call: Call[Paged, None]) -> Page[MessageDocument]:
    """Messages to people, newest first."""
    found, following = await call.backend.outbox.outbox(call.query.limit, given(call.query.cursor))
    attempts = {entry.message.key: await call.backend.outbox.attempts(entry.message.key) for entry in found}
    return Page(items=[_message(entry, attempts[entry.message.key]) for entry in found], next=following)


async def _item(call: Call[NoQuery, None]) -> QuarantineItem:
    item = await call.backend.quarantine.quarantined_one(call.path["id"])
    visible = item if item is not None and await _may_see(item, call) else None
    return existing(visible, "quarantined message", call.path["id"])


async def _may_see(item: QuarantineItem, call: Call[NoQuery, None]) -> bool:
    if call.units is None:
        return True
    view = await call.backend.devices.device(item.device) if item.device else None
    return view is not None and call.may_see(view.unit)


def _message(entry: OutboxEntry, attempts: list[Attempt]) -> MessageDocument:
    message = entry.message
    return MessageDocument(
        key=message.key,
        channel=message.channel,
        event=message.event,
        at=to_rfc3339(message.at),
        delivered=entry.delivered,
        done_at=instant(entry.done_at),
        next_at=instant(entry.next_at),
        body=msgspec.json.decode(message.body),
        attempts=[_attempt(attempt) for attempt in attempts if attempt.channel == message.channel],
    )


def _attempt(attempt: Attempt) -> AttemptDocument:
    return AttemptDocument(at=to_rfc3339(attempt.at), ok=attempt.ok, detail=attempt.detail)
