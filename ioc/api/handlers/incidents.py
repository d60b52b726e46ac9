"""Mass outages: devices that fell together."""

from typing import Any, Literal

import msgspec

from ioc.api.documents import Page
from ioc.api.handlers.common import Paged, given, page
from ioc.api.problem import existing
from ioc.api.route import Call, NoQuery
from ioc.domain.held_document import HeldDocument, held_document
from ioc.domain.incident import Incident, IncidentFilter
from ioc.domain.incident_document import (
    IncidentDocument,
    IncidentMemberDocument,
    incident_document,
    member_document,
)


class IncidentQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which incidents."""

    state: Literal["active", "over"] | msgspec.UnsetType = msgspec.UNSET


async def list_incidents(call: Call[IncidentQuery, None]) -> Page[IncidentDocument]:
    """Incidents, newest first; a technician sees those with members in its units."""
    query = call.query
    state = given(query.state)
    wanted = IncidentFilter(active=None if state is None else state == "active", units=call.units)
    found, following = await call.backend.incidents.incidents(wanted, limit=query.limit, cursor=given(query.cursor))
    return Page(items=[incident_document(one) for one in found], next=following)


async def get_incident(call: Call[NoQuery, None]) -> IncidentDocument:
    """One incident."""
    return incident_document(await _incident(call))


async def list_members(call: Call[Paged, None]) -> Page[IncidentMemberDocument]:
    """Its members in the order in which they joined; a technician sees those of its units."""
    incident, query = await _incident(call), call.query
    found, following = await call.backend.incidents.members(incident.id, units=call.units, limit=query.limit, cursor=given(query.cursor))
    return Page(items=[member_document(one) for one in found], next=following)


async def list_held(call: Call[Paged, None]) -> Page[HeldDocument]:
    """Active alarms that cause no message of their own now, by id, and what holds each back; a technician sees those of its units."""
    after = given(call.query.cursor) or ""
    found = [one for one in call.backend.held.held() if one.alarm.id > after and call.may_see(one.alarm.unit)]
    return page(found, call.query.limit, held_document, lambda one: one.alarm.id)


async def _incident(call: Call[Any, Any]) -> Incident:
    """The incident, if it has members that the asker may see."""
    name, incidents = call.path["id"], call.backend.incidents
    found = await incidents.incident(name)
    if found is not None and call.units is not None:
        theirs, _ = await incidents.members(name, units=call.units, limit=1, cursor=None)
        found = found if theirs else None
    return existing(found, "incident", name)
