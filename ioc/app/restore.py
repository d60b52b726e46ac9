"""Where the last run stopped: registry, fleet, liveness, rules and groups, before the first live message."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from alerts.presence import Ears
from ioc.app.metric_types import ChangedTypesError
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange
from ioc.domain.point import FieldValue, Point, StoreUnavailableError
from ioc.domain.registry import Device
from ioc.domain.sample import Value

log = structlog.get_logger("ioc.restore")

Latest = dict[str, dict[str, tuple[int, FieldValue]]]

READ_TIMEOUT_S = 20.0
LOOK_BACK_MS = 7 * 86_400_000
"""How far back the latest values are looked up."""


class LatestValues(Protocol):
    """A store that is asked for them."""

    async def latest(self, measurement: str, *, since: int = 0) -> Latest:
        """Device → field → (ts, value)."""


class SpooledPoints(Protocol):
    """A batch of the spool."""

    @property
    def points(self) -> Sequence[Point]:
        """As they were given."""


class Spooled(Protocol):
    """What the store has not taken yet."""

    def since(self, row_id: int = 0) -> AsyncIterator[SpooledPoints]:
        """Batches, oldest first."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the devices from their stored points."""

    latest: dict[str, Latest]
    """By measurement."""
    complete: bool
    """False where the store could not be asked: then a device without values may have been heard all the same."""


async def read_latest(store: LatestValues, spool: Spooled, measurements: Iterable[str], now: int) -> Known:
    """The latest values from the store, then from what is still spooled.

    ChangedTypesError when the store has metrics with other types than declared.
    Without the store the spool's part only: values then come with the devices' next messages.
    """
    latest: dict[str, Latest] = {measurement: {} for measurement in measurements}
    complete = True
    try:
        for measurement in latest:
            async with asyncio.timeout(READ_TIMEOUT_S):
                latest[measurement] = await store.latest(measurement, since=now - LOOK_BACK_MS)
    except ChangedTypesError:
        raise
    except (StoreUnavailableError, TimeoutError) as error:
        log.warning("latest_values_unknown", detail=str(error) or f"no answer within {READ_TIMEOUT_S:g} s")
        complete = False
    async for row in spool.since():
        for point in row.points:
            if point.measurement in latest:
                merge(latest[point.measurement], point)
    return Known(latest=latest, complete=complete)


def merge(latest: Latest, point: Point) -> None:
    """Takes a point's fields where they are newer."""
    device = dict(point.tags).get("device")
    if device is None:
        return
    fields = latest.setdefault(device, {})
    for name, value in point.fields.items():
        if name not in fields or fields[name][0] <= point.ts:
            fields[name] = (point.ts, value)


def restore_devices(
    devices: Sequence[Device], fleet: Fleet, ears: Iterable[Ears], families: Mapping[str, Family], known: Known
) -> list[LivenessChange]:
    """Places every known device with its last values; what is said of offline ones."""
    said: list[LivenessChange] = []
    strays = 0
    for device in devices:
        family = families.get(device.family)
        if family is None:
            strays += 1
            continue
        fleet.place(device)
        values: dict[str, tuple[int, Value]] = dict(known.latest.get(device.family, {}).get(device.device, {}))
        fleet.restore(device.device, values)
        last = known.latest.get("availability", {}).get(device.device, {})
        heard = max((ts for ts, _ in values.values()), default=None)
        for one in ears:
            one.liveness.track(device.device, device.family, family.silence_ms, grace_ms=family.grace_ms)
            said += _restore_life(one, device, last, heard, complete=known.complete)
    if strays:
        log.warning("devices_of_unknown_families", count=strays, detail="their families are declared nowhere; they are not shown")
    return said


def _restore_life(
    ears: Ears, device: Device, last: Mapping[str, tuple[int, FieldValue]], heard: int | None, *, complete: bool
) -> list[LivenessChange]:
    at, state = last.get("state", (0, ""))
    if state == Liveness.OFFLINE.value and heard is not None:
        cause = Cause.WILL if last.get("cause", (0, ""))[1] == Cause.WILL.value else Cause.SILENCE
        ears.liveness.restore(device.device, state=Liveness.OFFLINE, last_arrival=heard, cause=cause)
        return [LivenessChange(device.device, device.family, Liveness.OFFLINE, cause, at, heard)]
    if heard is None and device.approved and complete:
        ears.liveness.never_seen(device.device, device.registered_at)
    else:
        ears.liveness.restore(device.device, state=Liveness.UNKNOWN, last_arrival=heard or at or None)
    return []
