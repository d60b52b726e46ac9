"""Incidents and their members as the API and the command line show them."""

from typing import Literal

import msgspec

from ioc.domain.alarm_document import Instant
from ioc.domain.incident import Incident, IncidentMember
from ioc.domain.rfc3339 import to_rfc3339


class IncidentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Devices that fell together: `attribute` and `value` are what they share, `also` what else all of them share.

    `members` of `exposed` devices with that value fell, and of `fallen` that fell at the time; `remaining` of the members are not back.
    """

    id: str
    state: Literal["active", "over"]
    attribute: str
    value: str
    also: dict[str, str]
    since: Instant
    until: Instant | None
    members: int
    recovered: int
    remaining: int
    exposed: int
    fallen: int


class IncidentMemberDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm of a member; `released` = the incident was over then, and the device had not come back."""

    device: str
    alarm: str
    rule: str
    unit: str | None
    joined: Instant
    recovered: Instant | None
    released: Instant | None


def incident_document(incident: Incident) -> IncidentDocument:
    """The document of an incident."""
    same = ("id", "attribute", "value", "also", "members", "recovered", "exposed", "fallen")
    return IncidentDocument(
        **{name: getattr(incident, name) for name in same},
        state="active" if incident.until is None else "over",
        since=to_rfc3339(incident.since),
        until=_instant(incident.until),
        remaining=incident.members - incident.recovered,
    )


def member_document(member: IncidentMember) -> IncidentMemberDocument:
    """The document of a member."""
    return IncidentMemberDocument(
        device=member.device,
        alarm=member.alarm,
        rule=member.rule,
        unit=member.unit,
        joined=to_rfc3339(member.joined),
        recovered=_instant(member.recovered),
        released=_instant(member.released),
    )


def _instant(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
