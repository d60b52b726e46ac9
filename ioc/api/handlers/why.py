"""Why somebody was, or was not, told."""

from typing import Annotated

import msgspec

from ioc.api.documents import Page
from ioc.api.handlers.common import Name, parse_instant
from ioc.api.problem import existing
from ioc.api.route import Call, NoQuery
from ioc.api.why_document import WhyDocument, why_document
from ioc.domain.alarm_document import Instant

MINUTE_MS = 60_000


class PersonQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who, and around when."""

    person: Name
    at: Instant
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    """So long before the moment, and as long after it."""


async def why_alarm(call: Call[NoQuery, None]) -> Page[WhyDocument]:
    """From the condition to the people who were told, in sentences; a technician asks about its units."""
    lines = existing(await call.backend.why.alarm(call.path["id"], call.may_see), "alarm", call.path["id"])
    return Page(items=[why_document(line) for line in lines], next=None)


async def why_person(call: Call[PersonQuery, None]) -> Page[WhyDocument]:
    """Why a person (or a channel) was called around a moment, and why not about what stood then."""
    at = parse_instant(call.query.at, "at") or 0
    lines = await call.backend.why.person(call.query.person, at, call.query.minutes * MINUTE_MS, call.may_see)
    return Page(items=[why_document(line) for line in lines], next=None)
