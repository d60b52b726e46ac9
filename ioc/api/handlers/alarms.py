"""Alarms and what people do to them."""

from typing import Annotated, Any, Literal

import msgspec

from ioc.api.documents import Page
from ioc.api.handlers.common import Name, Paged, Words, YesNo, given, page, parse_instant, yes
from ioc.api.problem import ProblemError, existing
from ioc.api.route import Call, NoQuery
from ioc.domain.alarm import Alarm, Severity
from ioc.domain.alarm_document import AlarmDocument, Instant, JournalDocument, alarm_document, journal_document
from ioc.domain.duration import parse_duration
from ioc.domain.state import AlarmFilter

MAX_SHELVE_MS = 7 * 86_400_000


class AlarmQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which alarms."""

    state: Literal["active", "cleared"] | msgspec.UnsetType = msgspec.UNSET
    rule: Name | msgspec.UnsetType = msgspec.UNSET
    severity: Severity | msgspec.UnsetType = msgspec.UNSET
    family: Name | msgspec.UnsetType = msgspec.UNSET
    device: Name | msgspec.UnsetType = msgspec.UNSET
    unit: Name | msgspec.UnsetType = msgspec.UNSET
    acknowledged: YesNo | msgspec.UnsetType = msgspec.UNSET
    assigned_to: Name | msgspec.UnsetType = msgspec.UNSET


class JournalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which part of a journal."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0)] | msgspec.UnsetType = msgspec.UNSET


class AckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A remark with the act."""

    comment: Words | None = None


class AssignBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who takes care of it."""

    to: Name


class CommentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A remark for the journal."""

    comment: Words


class ShelveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why and how long: `until` an instant, or `for` a duration such as 30m; at most 7 days."""

    reason: Words
    until: Instant | msgspec.UnsetType = msgspec.UNSET
    duration: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(s|m|h|d)$")] | msgspec.UnsetType = msgspec.field(
        name="for", default=msgspec.UNSET
    )


ShelveRequest = Annotated[ShelveBody, msgspec.Meta(extra_json_schema={"oneOf": [{"required": ["until"]}, {"required": ["for"]}]})]


async def list_alarms(call: Call[AlarmQuery, None]) -> Page[AlarmDocument]:
    """Active and cleared, newest first."""
    query = call.query
    wanted = AlarmFilter(
        state=given(query.state),
        rule=given(query.rule),
        severity=given(query.severity),
        family=given(query.family),
        device=given(query.device),
        unit=given(query.unit),
        acknowledged=yes(query.acknowledged),
        assigned_to=given(query.assigned_to),
        units=call.units,
    )
    found, following = await call.backend.alarms.alarms(wanted, limit=query.limit, cursor=given(query.cursor))
    incidents = await call.backend.incidents.incidents_of([alarm.id for alarm in found])
    language = call.backend.site.language
    return Page(items=[alarm_document(alarm, language, incident=incidents.get(alarm.id)) for alarm in found], next=following)


async def get_alarm(call: Call[NoQuery, None]) -> AlarmDocument:
    """One alarm."""
    return await _document(await _alarm(call.path["id"], call), call)


async def get_journal(call: Call[JournalQuery, None]) -> Page[JournalDocument]:
    """What happened to an alarm, oldest first."""
    alarm = await _alarm(call.path["id"], call)
    after = given(call.query.cursor) or 0
    found = [entry for entry in await call.backend.alarms.journal(alarm.id) if entry.seq > after]
    return page(found, call.query.limit, journal_document, lambda entry: str(entry.seq))


async def acknowledge(call: Call[NoQuery, AckBody | None]) -> AlarmDocument:
    """Somebody has seen it and takes care."""
    alarm = await _alarm(call.path["id"], call)
    comment = call.body.comment if call.body else None
    changed = await call.backend.desk.acknowledge(alarm.id, by=call.principal.name, comment=comment)
    return await _document(changed, call)


async def reset(call: Call[NoQuery, AckBody | None]) -> AlarmDocument:
    """Takes a latched alarm off the list, once its condition is over."""
    alarm = await _alarm(call.path["id"], call)
    comment = call.body.comment if call.body else None
    return await _document(await call.backend.desk.reset(alarm.id, by=call.principal.name, comment=comment), call)


async def assign(call: Call[NoQuery, AssignBody]) -> AlarmDocument:
    """Gives it to somebody."""
    alarm = await _alarm(call.path["id"], call)
    changed = await call.backend.desk.assign(alarm.id, by=call.principal.name, to=call.body.to)
    return await _document(changed, call)


async def comment(call: Call[NoQuery, CommentBody]) -> AlarmDocument:
    """Adds a remark."""
    alarm = await _alarm(call.path["id"], call)
    changed = await call.backend.desk.comment(alarm.id, by=call.principal.name, comment=call.body.comment)
    return await _document(changed, call)


async def shelve(call: Call[NoQuery, ShelveBody]) -> AlarmDocument:
    """Takes it off the list for a while."""
    alarm = await _alarm(call.path["id"], call)
    until = shelved_until(call.body, call.now)
    changed = await call.backend.desk.shelve(alarm.id, by=call.principal.name, until=until, reason=call.body.reason)
    return await _document(changed, call)


async def unshelve(call: Call[NoQuery, AckBody | None]) -> AlarmDocument:
    """Puts it back on the list before its time."""
    alarm = await _alarm(call.path["id"], call)
    comment = call.body.comment if call.body else None
    return await _document(await call.backend.desk.unshelve(alarm.id, by=call.principal.name, comment=comment), call)


def shelved_until(body: ShelveBody, now: int) -> int:
    """Until when (Unix ms); 400 unless exactly one of `until` and `for` is given, 409 unless it lies within the next 7 days."""
    if (body.until is msgspec.UNSET) == (body.duration is msgspec.UNSET):
        raise ProblemError(400, "Give either 'until' (an instant) or 'for' (a duration such as 30m).")
    until = parse_instant(body.until, "until")
    if until is None:
        until = now + parse_duration(body.duration)
    if not now < until <= now + MAX_SHELVE_MS:
        raise ProblemError(409, "An alarm can be shelved until a time within the next 7 days.")
    return until


async def _alarm(alarm_id: str, call: Call[Any, Any]) -> Alarm:
    """The alarm that the asker may see; a technician does not see alarms about ourselves."""
    alarm = await call.backend.alarms.alarm(alarm_id)
    visible = alarm if alarm is not None and call.may_see(alarm.unit) else None
    return existing(visible, "alarm", alarm_id)


async def _document(alarm: Alarm, call: Call[Any, Any]) -> AlarmDocument:
    incidents = await call.backend.incidents.incidents_of([alarm.id])
    return alarm_document(alarm, call.backend.site.language, incident=incidents.get(alarm.id))
