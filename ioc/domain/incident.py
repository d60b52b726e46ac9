"""Incidents: devices that fell together, as one thing with members. Times are Unix milliseconds."""

import msgspec


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A mass outage as it stands now."""

    id: str
    attribute: str
    """What its members share: unit, carrier, cell, uplink, feeder or vendor."""
    value: str
    also: dict[str, str] = msgspec.field(default_factory=dict)
    """Further attributes that all its members share, with their values: they explain it just as well."""
    since: int
    """When we knew of the first member."""
    until: int | None = None
    """When it was over; None = it goes on."""
    members: int
    """Devices that belong to it, those that came back included."""
    recovered: int
    exposed: int
    """Devices that share the value and could fall, when it was last judged."""
    fallen: int
    """Devices that fell in the same time, members or not."""


class IncidentMember(msgspec.Struct, frozen=True, kw_only=True):
    """A device's part in an incident."""

    incident: str
    device: str
    alarm: str
    """Its last alarm."""
    rule: str
    unit: str | None
    joined: int
    recovered: int | None = None
    """When its alarm ended."""
    released: int | None = None
    """When it stopped belonging: the incident was over, and the device had not come back."""


class IncidentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of incidents is narrowed to; None = any."""

    active: bool | None = None
    units: frozenset[str] | None = None
    """Incidents with members in these units only; the empty set lists none."""
