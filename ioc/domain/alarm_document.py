"""An alarm and its journal as the API, the wall and the webhook show them."""

from typing import Annotated, Literal

import msgspec

from ioc.domain.alarm import Alarm, Severity, Step, Transition
from ioc.domain.rfc3339 import to_rfc3339

Instant = Annotated[str, msgspec.Meta(description="RFC 3339 with an offset, 1970 to 2262", extra_json_schema={"format": "date-time"})]
"""RFC 3339, UTC."""


class AlarmDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm for people and programs: `summary` and `action` in the site's language, `texts` in every language."""

    id: str
    rule: str
    severity: Severity
    family: str | None
    device: str | None
    unit: str | None
    state: Literal["active", "cleared"]
    acknowledged: bool
    acknowledged_by: str | None
    assigned_to: str | None
    shelved_until: Instant | None
    latched: bool
    """Its condition is over; it stays active until somebody resets it."""
    normal_since: Instant | None
    """Since when its condition has been over, if it is or was latched."""
    suppressed_by: str | None
    """What suppresses it by design: another alarm's id, or the values that do; of a cleared one: when it ended."""
    out_of_service: str | None
    """The order that took its device or unit out of service; of a cleared one: when it ended."""
    since: Instant
    cleared_at: Instant | None
    summary: str
    action: str
    texts: dict[str, dict[str, str]]
    """Language → summary, cause, consequence, action."""
    labels: dict[str, str]
    incident: str | None = None
    """The mass outage to which it belongs: that one's messages tell of it."""


class JournalDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an alarm's journal: what, when, by whom or what, and why."""

    seq: int
    step: Step
    at: Instant
    recorded: Instant
    by: str
    detail: str


def alarm_document(alarm: Alarm, language: str, *, incident: str | None = None) -> AlarmDocument:
    """The document of an alarm; `language` (vi, en) chooses `summary` and `action`."""
    return AlarmDocument(
        id=alarm.id,
        rule=alarm.rule,
        severity=alarm.severity,
        family=alarm.family,
        device=alarm.device,
        unit=alarm.unit,
        state="active" if alarm.active else "cleared",
        acknowledged=alarm.acknowledged,
        acknowledged_by=alarm.acknowledged_by,
        assigned_to=alarm.assigned_to,
        shelved_until=_instant(alarm.shelved_until),
        latched=alarm.active and alarm.normal_since is not None,
        normal_since=_instant(alarm.normal_since),
        suppressed_by=alarm.suppressed_by,
        out_of_service=alarm.out_of_service,
        since=to_rfc3339(alarm.since),
        cleared_at=_instant(alarm.cleared_at),
        summary=_text(alarm.summary, language),
        action=_text(alarm.action, language),
        texts=_texts(alarm),
        labels=alarm.labels,
        incident=incident,
    )


def journal_document(entry: Transition) -> JournalDocument:
    """The document of a journal entry."""
    return JournalDocument(
        seq=entry.seq,
        step=entry.step,
        at=to_rfc3339(entry.at),
        recorded=to_rfc3339(entry.recorded),
        by=entry.by,
        detail=entry.detail,
    )


def _texts(alarm: Alarm) -> dict[str, dict[str, str]]:
    parts = {"summary": alarm.summary, "cause": alarm.cause, "consequence": alarm.consequence, "action": alarm.action}
    languages = sorted({language for part in parts.values() for language in part})
    return {language: {name: part[language] for name, part in parts.items() if language in part} for language in languages}


def _text(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
