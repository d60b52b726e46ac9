"""Units with validity dates and the devices that belong to them."""

import msgspec


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """An administrative unit, valid from (inclusive) to (exclusive, None = still): ISO dates in the site's zone."""

    unit: str
    code: str
    valid_from: str
    valid_to: str | None = None
    name: str
    type: str = ""
    parent: str | None = None
    lat: float | None = None
    lon: float | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as the registry knows it; `approved` False = heard but held (stored, no alarms)."""

    device: str
    family: str
    unit: str | None = None
    name: str | None = None
    lat: float | None = None
    lon: float | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    valid_from: str | None = None
    approved: bool = True
    registered_at: int = 0
    """When it was imported or first heard (ms): from then on never-heard counts as offline."""


class RowError(msgspec.Struct, frozen=True):
    """One wrong row of an import file: what, where, what to do."""

    line: int
    detail: str
