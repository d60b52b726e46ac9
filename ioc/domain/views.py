"""What the API and the wall show of devices and units."""

import msgspec

from ioc.domain.liveness_change import Liveness


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it stands now; times Unix ms."""

    id: str
    family: str
    unit: str | None
    name: str | None
    approved: bool
    state: Liveness
    last_seen: int | None
    sample_at: int | None
    sample: dict[str, float | int | str | bool]
    """Latest value of each metric (bool metrics as bool)."""
    refused: dict[str, float]
    """Latest values out of the declared range: shown, not stored."""
    working: bool | None
    """None while unknown, or out of service."""
    out_of_service: str | None = None
    """The order by which it is so."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    lat: float | None = None
    lon: float | None = None


class FamilyCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's devices of one family, approved ones only; as in the measurement `unit_status`.

    What is out of service is counted as that, and as nothing else.
    """

    devices: int = 0
    online: int = 0
    working: int = 0
    unknown: int = 0
    critical: int = 0
    major: int = 0
    minor: int = 0
    out_of_service: int = 0


class UnitView(msgspec.Struct, frozen=True, kw_only=True):
    """A unit valid today with its counts; `data_at` = newest arrival from any of its devices (Unix ms)."""

    unit: str
    code: str
    name: str
    type: str
    parent: str | None
    lat: float | None
    lon: float | None
    families: dict[str, FamilyCounts]
    data_at: int | None
