"""Where the last run stopped: registry, fleet, liveness, rules and groups, before the first live message."""

from collections.abc import Iterable, Mapping, Sequence

import structlog

from alerts.presence import Ears
from ioc.adapters.spool import Spool
from ioc.app.late_store import LateStore
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange
from ioc.domain.point import FieldValue, Point, StoreUnavailableError
from ioc.domain.registry import Device
from ioc.domain.sample import Value

log = structlog.get_logger("ioc.restore")

Latest = dict[str, dict[str, tuple[int, FieldValue]]]

LOOK_BACK_MS = 7 * 86_400_000
"""How far back the latest values are looked up."""


async def read_latest(store: LateStore, spool: Spool, measurements: Iterable[str], now: int) -> dict[str, Latest]:
    """Measurement → device → field → (ts, value): from the store, then from what is still spooled.

    Without the store the spool's part only: values then come with the devices' next messages.
    """
    latest: dict[str, Latest] = {}
    for measurement in measurements:
        try:
            latest[measurement] = await store.latest(measurement, since=now - LOOK_BACK_MS)
        except StoreUnavailableError as error:
            log.warning("latest_values_unknown", measurement=measurement, detail=error.detail)
            latest[measurement] = {}
    async for row in spool.since():
        for point in row.points:
            if point.measurement in latest:
                merge(latest[point.measurement], point)
    return latest


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
    devices: Sequence[Device], fleet: Fleet, ears: Iterable[Ears], families: Mapping[str, Family], latest: Mapping[str, Latest]
) -> list[LivenessChange]:
    """Places every known device with its last values; what is said of never-heard and offline ones."""
    said: list[LivenessChange] = []
    for device in devices:
        family = families.get(device.family)
        if family is None:
            log.warning("device_of_unknown_family", device=device.device, family=device.family)
            continue
        fleet.place(device)
        values: dict[str, tuple[int, Value]] = dict(latest.get(device.family, {}).get(device.device, {}))
        fleet.restore(device.device, values)
        known = latest.get("availability", {}).get(device.device, {})
        for one in ears:
            said += _restore_life(one, device, family, known, values)
    return said


def _restore_life(
    ears: Ears, device: Device, family: Family, known: Mapping[str, tuple[int, FieldValue]], values: Mapping[str, tuple[int, Value]]
) -> list[LivenessChange]:
    ears.liveness.track(device.device, device.family, family.silence_ms)
    heard = max((ts for ts, _ in values.values()), default=None)
    at, state = known.get("state", (0, ""))
    if state == Liveness.OFFLINE.value and heard is not None:
        ears.liveness.restore(device.device, state=Liveness.OFFLINE, last_arrival=heard)
        return [LivenessChange(device.device, device.family, Liveness.OFFLINE, Cause.SILENCE, at, heard)]
    if heard is None and device.approved:
        ears.liveness.never_seen(device.device, device.registered_at)
        return []
    ears.liveness.restore(device.device, state=Liveness.UNKNOWN, last_arrival=heard or at or None)
    return []
