"""The latest state of every device: what the API, the wall and `unit_status` show."""

from collections.abc import Callable, Iterable, Mapping

from ioc.domain.family import Family, MetricType
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device, Unit
from ioc.domain.sample import Sample, Value
from ioc.domain.views import DeviceView, FamilyCounts, UnitView

FRESH_CADENCES = 3
"""A device works only while its last usable sample is at most this many cadences old."""


class _Entry:
    __slots__ = ("device", "refused", "sample_at", "values")

    def __init__(self, device: Device, size: int) -> None:
        self.device = device
        self.values: list[Value] = [None] * size
        self.sample_at: int | None = None
        self.refused: dict[str, float] = {}


class Fleet:
    """Registered and held devices with their latest values; bounded by the registry and its cap on strangers."""

    def __init__(self, families: Mapping[str, Family]) -> None:
        self._families = families
        self._entries: dict[str, _Entry] = {}

    def place(self, device: Device) -> None:
        """Adds a device, or takes over what the registry now says of it; its values stay."""
        family = self._families.get(device.family)
        if family is None:
            return
        entry = self._entries.get(device.device)
        if entry is None or entry.device.family != device.family:
            self._entries[device.device] = _Entry(device, len(family.metrics))
        else:
            entry.device = device

    def device(self, device: str) -> Device | None:
        """What the registry says of a device."""
        entry = self._entries.get(device)
        return None if entry is None else entry.device

    def devices(self) -> Iterable[Device]:
        """Every device, registered or held."""
        return (entry.device for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def update(self, sample: Sample) -> bool:
        """Takes a live sample that is newer than what is known; whether anything changed."""
        entry = self._entries.get(sample.device)
        if entry is None or not sample.live or entry.device.family != sample.family:
            return False
        if entry.sample_at is not None and sample.ts < entry.sample_at:
            return False
        joins = sample.ts == entry.sample_at
        for position, value in enumerate(sample.values):
            if value is not None and not (joins and entry.values[position] is not None):
                entry.values[position] = value
        entry.sample_at = sample.ts
        names = self._families[sample.family].metrics
        for position, value in enumerate(sample.values):
            if value is not None:
                entry.refused.pop(names[position].name, None)
        entry.refused.update(sample.refused)
        return True

    def restore(self, device: str, values: Mapping[str, tuple[int, Value]]) -> None:
        """Latest values from the store: metric → (ts, value)."""
        entry = self._entries.get(device)
        if entry is None:
            return
        index = self._families[entry.device.family].index
        for name, (ts, value) in values.items():
            if name in index:
                entry.values[index[name]] = value
                entry.sample_at = max(ts, entry.sample_at or 0)


class FleetViews:
    """Reads a fleet together with liveness and alarms into the views that people see."""

    def __init__(
        self,
        fleet: Fleet,
        families: Mapping[str, Family],
        *,
        state_of: Callable[[str], Liveness],
        last_seen_of: Callable[[str], int | None],
        has_serious_alarm: Callable[[str], bool],
    ) -> None:
        self._fleet = fleet
        self._families = families
        self._state_of = state_of
        self._last_seen_of = last_seen_of
        self._has_serious_alarm = has_serious_alarm

    def device(self, name: str, now: int) -> DeviceView | None:
        """One device's view."""
        entry = self._fleet._entries.get(name)  # noqa: SLF001  the other half of one thing
        return None if entry is None else self._view(entry, now)

    def all(self, now: int) -> list[DeviceView]:
        """Every device's view, in order of registration."""
        return [self._view(entry, now) for entry in self._fleet._entries.values()]  # noqa: SLF001

    def _view(self, entry: _Entry, now: int) -> DeviceView:
        device = entry.device
        family = self._families[device.family]
        state = self._state_of(device.device)
        sample: dict[str, float | int | str | bool] = {
            metric.name: bool(value) if metric.type is MetricType.BOOL else value
            for metric, value in zip(family.metrics, entry.values, strict=True)
            if value is not None
        }
        return DeviceView(
            id=device.device,
            family=device.family,
            unit=device.unit,
            name=device.name,
            approved=device.approved,
            state=state,
            last_seen=self._last_seen_of(device.device),
            sample_at=entry.sample_at,
            sample=sample,
            refused=dict(entry.refused),
            working=self._working(entry, family, state, sample, now),
            labels=device.labels,
            lat=device.lat,
            lon=device.lon,
        )

    def _working(self, entry: _Entry, family: Family, state: Liveness, sample: Mapping[str, object], now: int) -> bool | None:
        if state is Liveness.UNKNOWN:
            return None
        fresh = entry.sample_at is not None and now - entry.sample_at <= FRESH_CADENCES * family.cadence
        sound = sample.get("state") != "fault" and not self._has_serious_alarm(entry.device.device)
        return entry.device.approved and state is Liveness.ONLINE and fresh and sound


def count_units(units: Iterable[Unit], devices: Iterable[DeviceView], alarm_counts: Callable[[str], Mapping[str, int]]) -> list[UnitView]:
    """Each unit's counts by family; `alarm_counts` gives a device's active alarms by severity."""
    by_unit: dict[str | None, list[DeviceView]] = {}
    for view in devices:
        by_unit.setdefault(view.unit, []).append(view)
    return [_unit_view(unit, by_unit.get(unit.unit, []), alarm_counts) for unit in units]


def tally_families(devices: Iterable[DeviceView], alarm_counts: Callable[[str], Mapping[str, int]]) -> dict[str, FamilyCounts]:
    """The approved devices' counts by family."""
    tallies: dict[str, dict[str, int]] = {}
    for view in devices:
        if not view.approved:
            continue
        tally = tallies.setdefault(view.family, dict.fromkeys(FamilyCounts.__struct_fields__, 0))
        tally["devices"] += 1
        tally["online"] += view.state is Liveness.ONLINE
        tally["unknown"] += view.state is Liveness.UNKNOWN
        tally["working"] += view.working is True
        for severity, count in alarm_counts(view.id).items():
            if severity in tally:
                tally[severity] += count
    return {family: FamilyCounts(**tally) for family, tally in sorted(tallies.items())}


def _unit_view(unit: Unit, devices: list[DeviceView], alarm_counts: Callable[[str], Mapping[str, int]]) -> UnitView:
    seen = [view.last_seen for view in devices if view.last_seen is not None]
    return UnitView(
        unit=unit.unit,
        code=unit.code,
        name=unit.name,
        type=unit.type,
        parent=unit.parent,
        lat=unit.lat,
        lon=unit.lon,
        families=tally_families(devices, alarm_counts),
        data_at=max(seen, default=None),
    )
