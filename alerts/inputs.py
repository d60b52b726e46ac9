"""What the rules decide on, in arrival order: samples, events, clocks, liveness, our own conditions and ticks."""

import msgspec

from ioc.domain.liveness_change import LivenessChange
from ioc.domain.sample import ClockOffset, DeviceEvent, Sample


class Tick(msgspec.Struct, frozen=True, gc=False):
    """Everything published before `heard_until` (Unix ms, our clock) has been decided; waiting conditions mature by it."""

    heard_until: int
    hearing: bool
    """False while we are blind: then nothing matures."""


class OwnCondition(msgspec.Struct, frozen=True, gc=False):
    """A condition of our own, such as `ioc_blind` or `ioc_store_down`: `since` tells when it began (None = it ended at `at`)."""

    rule: str
    at: int
    since: int | None
    detail: str


class ClockStep(msgspec.Struct, frozen=True, gc=False):
    """Our own clock was set: by `at` (what it says now) it has gone on `by_ms` more than the time that passed."""

    at: int
    by_ms: int


Input = Sample | DeviceEvent | ClockOffset | LivenessChange | OwnCondition | ClockStep | Tick
