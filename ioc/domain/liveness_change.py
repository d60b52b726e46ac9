"""A device's change between online, offline and unknown."""

from enum import StrEnum

import msgspec


class Liveness(StrEnum):
    """Whether a device is alive, as far as we heard."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """What made us think so."""

    ARRIVAL = "arrival"
    SILENCE = "silence"
    WILL = "will"
    BLIND = "blind"


class LivenessChange(msgspec.Struct, frozen=True, gc=False):
    """One device's change at our clock's time `at`."""

    device: str
    family: str
    state: Liveness
    cause: Cause
    at: int
    last_arrival: int | None
