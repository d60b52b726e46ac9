"""Silences: notifications held back for a stated time and reason."""

import hashlib
from typing import Annotated, Any

import msgspec

from ioc.api.documents import Page
from ioc.api.handlers.common import Name, Paged, Words, given, page, parse_instant
from ioc.api.problem import ProblemError, existing
from ioc.api.route import Call, NoQuery
from ioc.api.silence_document import DigestDocument, SilenceDocument, WeeklyDocument, digest_document, silence_document, weekly_of
from ioc.domain.alarm import Severity
from ioc.domain.alarm_document import Instant
from ioc.domain.silence import Silence, SilenceKind, ended

MATCHERS = ("rule", "severity", "family", "device", "unit")
MAX_SILENCE_MS = 366 * 86_400_000


class SilenceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to hold back: alarms that match every given field; at least one. `since` left out = from now on."""

    reason: Words
    until: Instant
    since: Instant | msgspec.UnsetType = msgspec.UNSET
    rule: Name | msgspec.UnsetType = msgspec.UNSET
    severity: Severity | msgspec.UnsetType = msgspec.UNSET
    family: Name | msgspec.UnsetType = msgspec.UNSET
    device: Name | msgspec.UnsetType = msgspec.UNSET
    unit: Name | msgspec.UnsetType = msgspec.UNSET
    weekly: WeeklyDocument | None = None
    """Only in these hours of each week."""
    kind: SilenceKind = SilenceKind.SILENCE


SilenceRequest = Annotated[SilenceBody, msgspec.Meta(extra_json_schema={"anyOf": [{"required": [name]} for name in MATCHERS]})]


async def list_silences(call: Call[Paged, None]) -> Page[SilenceDocument]:
    """All silences by id; a technician sees those of its units (a page may then hold fewer than `limit`)."""
    limit = call.query.limit
    found = await call.backend.silences.list(after=given(call.query.cursor), limit=limit + 1)
    listed = page(found, limit, silence_document, lambda silence: silence.id)
    return Page(items=[item for item in listed.items if call.may_see(item.unit)], next=listed.next)


async def get_silence(call: Call[NoQuery, None]) -> SilenceDocument:
    """One silence."""
    return silence_document(await _silence(call.path["id"], call))


async def create_silence(call: Call[NoQuery, SilenceBody]) -> SilenceDocument:
    """Begins a silence; its id follows from what was asked, when and by whom."""
    seed = "\x1f".join((call.principal.name, str(call.now), msgspec.json.encode(call.body).decode()))
    silence_id = hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()
    silence = _from_body(silence_id, call, call.body, created_at=call.now)
    await call.backend.silences.put(silence)
    return silence_document(silence)


async def replace_silence(call: Call[NoQuery, SilenceBody]) -> SilenceDocument:
    """Changes a silence."""
    old = await _silence(call.path["id"], call)
    silence = _from_body(old.id, call, call.body, created_at=old.created_at)
    await call.backend.silences.put(silence)
    return silence_document(silence)


async def end_silence(call: Call[NoQuery, None]) -> SilenceDocument:
    """Ends a silence now; it stays on record with what it hid. One that has ended stays as it is."""
    silence = ended(await _silence(call.path["id"], call), call.now)
    await call.backend.silences.put(silence)
    return silence_document(silence)


async def get_digest(call: Call[NoQuery, None]) -> DigestDocument:
    """What a silence has hidden so far; a technician sees the alarms of its units."""
    silence = await _silence(call.path["id"], call)
    hidden = await call.backend.silences.hidden(silence.id)
    return digest_document(silence.id, [one for one in hidden if call.may_see(one.alarm.unit)])


async def delete_silence(call: Call[NoQuery, None]) -> None:
    """Ends a silence and forgets it."""
    silence = await _silence(call.path["id"], call)
    await call.backend.silences.remove(silence.id)


def _from_body(silence_id: str, call: Call[NoQuery, SilenceBody], body: SilenceBody, *, created_at: int) -> Silence:
    since = parse_instant(body.since, "since")
    since = call.now if since is None else since
    until = parse_instant(body.until, "until") or 0
    if until <= max(call.now, since) or until - since > MAX_SILENCE_MS:
        raise ProblemError(409, "A silence must end after its start, in the future, and last at most 366 days.")
    matchers = {name: given(getattr(body, name)) for name in MATCHERS}
    if not any(matchers.values()):
        raise ProblemError(400, "Name at least one of rule, severity, family, device, unit: a silence of everything is refused.")
    if not call.may_see(given(body.unit)):
        raise ProblemError(403, "A technician silences its own units only: name one of them in 'unit'.")
    return Silence(
        id=silence_id,
        **matchers,
        since=since,
        until=until,
        reason=body.reason,
        by=call.principal.name,
        created_at=created_at,
        weekly=None if body.weekly is None else weekly_of(body.weekly),
        kind=body.kind,
    )


async def _silence(silence_id: str, call: Call[Any, Any]) -> Silence:
    silence = await call.backend.silences.get(silence_id)
    visible = silence if silence is not None and call.may_see(silence.unit) else None
    return existing(visible, "silence", silence_id)
