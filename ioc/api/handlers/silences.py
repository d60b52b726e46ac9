"""Silences: notifications held back for a stated time and reason."""

from typing import Any

from ioc.api.documents import Page
from ioc.api.handlers.common import Paged, given, page
from ioc.api.problem import ProblemError, existing
from ioc.api.route import Call, NoQuery
from ioc.api.silence_document import DigestDocument, SilenceDocument, digest_document, silence_document
from ioc.api.silence_order import SilenceBody, silence_id, silence_of
from ioc.domain.silence import Silence, ended


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
    identity = silence_id(call.body, by=call.principal.name, now=call.now)
    silence = _from_body(call, identity=identity, created_at=call.now)
    await call.backend.silences.put(silence)
    return silence_document(silence)


async def replace_silence(call: Call[NoQuery, SilenceBody]) -> SilenceDocument:
    """Changes a silence."""
    old = await _silence(call.path["id"], call)
    silence = _from_body(call, identity=old.id, created_at=old.created_at)
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


def _from_body(call: Call[NoQuery, SilenceBody], *, identity: str, created_at: int) -> Silence:
    silence = silence_of(
        call.body, identity=identity, by=call.principal.name, now=call.now, created_at=created_at, calendar=call.backend.calendar
    )
    if not call.may_see(silence.unit):
        raise ProblemError(403, "A technician silences its own units only: name one of them in 'unit'.")
    return silence


async def _silence(identity: str, call: Call[Any, Any]) -> Silence:
    silence = await call.backend.silences.get(identity)
    visible = silence if silence is not None and call.may_see(silence.unit) else None
    return existing(visible, "silence", identity)
