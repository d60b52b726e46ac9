"""Who is on duty."""

import msgspec

from ioc.api.duty_document import DutyDocument, duty_document
from ioc.api.handlers.common import Name, given, parse_instant
from ioc.api.problem import existing
from ioc.api.route import Call
from ioc.domain.alarm_document import Instant


class DutyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When (left out = now), and of which team."""

    at: Instant | msgspec.UnsetType = msgspec.UNSET
    team: Name | msgspec.UnsetType = msgspec.UNSET


async def get_duty(call: Call[DutyQuery, None]) -> DutyDocument:
    """Who is on duty, and what nobody answers for; a technician sees the risk for its units only."""
    at, team = parse_instant(call.query.at, "at"), given(call.query.team)
    found = duty_document(call.backend.duty.report(call.now if at is None else at, team))
    if team is not None:
        existing(found.teams or None, "team", team)
    return msgspec.structs.replace(
        found,
        uncovered=[one for one in found.uncovered if call.may_see(one.unit)],
        gaps=[msgspec.structs.replace(one, units=[unit for unit in one.units if call.may_see(unit)]) for one in found.gaps],
    )
