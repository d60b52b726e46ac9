"""How much the alarms ask of the operators."""

from typing import Annotated

import msgspec

from ioc.api.handlers.common import parse_instant
from ioc.api.load_document import LoadDocument, load_document
from ioc.api.problem import ProblemError
from ioc.api.route import Call
from ioc.domain.alarm_document import Instant

SPAN_MOST_MS = 32 * 86_400_000


class LoadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of when, and for how many operators."""

    from_: Instant = msgspec.field(name="from")
    to: Instant
    operators: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


async def get_load(call: Call[LoadQuery, None]) -> LoadDocument:
    """The alarm-load report of a span of at most 32 days; a technician gets that of its units."""
    query = call.query
    start, end = parse_instant(query.from_, "from") or 0, parse_instant(query.to, "to") or 0
    if not start < end <= start + SPAN_MOST_MS:
        raise ProblemError(409, "'to' must lie after 'from', by at most 32 days.")
    return load_document(await call.backend.load.load(start, end, query.operators, call.units))
