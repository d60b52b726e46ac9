"""Incidents, as people look at them."""

from collections.abc import Collection, Mapping

from ioc.adapters.state.incident_rows import incidents_of, list_incidents, members_of, one_incident
from ioc.adapters.state.transaction import Transact
from ioc.domain.incident import Incident, IncidentFilter, IncidentMember


class Incidents:
    """The incidents of state.db, as `StateDb.incidents`; they are written by `StateDb.commit`."""

    def __init__(self, read: Transact) -> None:
        self._read = read

    async def incidents(self, wanted: IncidentFilter, *, limit: int, cursor: str | None) -> tuple[list[Incident], str | None]:
        """A page of incidents, newest first, and the cursor of the next page or None; CursorError for a cursor that names none."""
        return await self._read(list_incidents, wanted, limit, cursor)

    async def incident(self, incident: str) -> Incident | None:
        """The incident with this id, or None."""
        return await self._read(one_incident, incident)

    async def members(
        self, incident: str, *, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[IncidentMember], str | None]:
        """A page of an incident's members as they joined, those of `units` (None = all); CursorError for a cursor that names none."""
        return await self._read(members_of, incident, units, limit, cursor)

    async def incidents_of(self, alarms: Collection[str]) -> Mapping[str, str]:
        """Alarm → the incident to which it belongs or belonged, as far as there is one."""
        return await self._read(incidents_of, alarms)
