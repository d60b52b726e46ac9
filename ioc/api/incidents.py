"""What the command line asks about mass outages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ioc.api.control import ControlError, Handler
from ioc.api.ports import HeldBack, Incidents
from ioc.domain.held_document import held_document
from ioc.domain.incident import IncidentFilter
from ioc.domain.incident_document import incident_document, member_document


class ListIncidents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the incidents."""

    active: bool | None = None
    limit: int = 100
    cursor: str | None = None


class ShowIncident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One incident with a page of its members."""

    id: str
    limit: int = 1000
    cursor: str | None = None


def incident_commands(incidents: Incidents, held: HeldBack | None = None) -> dict[str, Handler]:
    """`incidents.list|show|held`: the documents of the API; `held` is known to a running server only."""

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(args, ListIncidents)
        found, following = await incidents.incidents(IncidentFilter(active=wanted.active), limit=wanted.limit, cursor=wanted.cursor)
        return {"items": [incident_document(one) for one in found], "next": following}

    async def show(args: Mapping[str, Any]) -> dict[str, Any]:
        wanted = msgspec.convert(args, ShowIncident)
        found = await incidents.incident(wanted.id)
        if found is None:
            msg = f"there is no incident {wanted.id!r}; see `ioc incidents list`"
            raise ControlError(msg)
        members, following = await incidents.members(wanted.id, units=None, limit=wanted.limit, cursor=wanted.cursor)
        return {"incident": incident_document(found), "members": [member_document(one) for one in members], "next": following}

    async def held_back(_args: Mapping[str, Any]) -> dict[str, Any]:
        if held is None:
            msg = "no server is running, so nothing is held back; start `ioc run`"
            raise ControlError(msg)
        return {"items": [held_document(one) for one in held.held()]}

    return {"incidents.list": listing, "incidents.show": show, "incidents.held": held_back}
