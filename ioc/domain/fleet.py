"""The latest state of every device: what the API, the wall and `unit_status` show."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from ioc.domain.census import Census
from ioc.domain.family import Family, MetricType
from ioc.domain.liveness_change import Liveness
from ioc.domain.overlay import overlay
from ioc.domain.registry import Device
from ioc.domain.sample import Sample, Value
from ioc.domain.views import DeviceView

FRESH_CADENCES = 3
"""A device works only while its last usable sample is at most this many cadences old."""
SERIOUS = frozenset({"critical", "major"})
"""With an active alarm of this severity a device does not work."""
FAULT = "fault"
"""The value of a family's metric `state` with which a device does not work."""


def _none(_device: Device) -> None:
    return None


class _Entry:
    __slots__ = ("arrival", "device", "fresh", "refused", "sample_at", "values")

    def __init__(self, device: Device, size: int) -> None:
        self.device = device
        self.values: tuple[Value, ...] = (None,) * size
        self.sample_at: int | None = None
        """Time of the newest sample, as it is stored."""
        self.arrival: int | None = None
        """When that came; a clock that is wrong makes no device old."""
        self.fresh: tuple[Value, ...] = self.values
        """What came at `sample_at` itself."""
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

    def value(self, device: str, metric: str) -> Value:
        """The latest value of a metric; None = never told."""
        entry = self._entries.get(device)
        position = None if entry is None else self._families[entry.device.family].index.get(metric)
        return None if entry is None or position is None else entry.values[position]

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
        values = overlay(entry.fresh, sample.values) if sample.ts == entry.sample_at else sample.values
        if entry.refused:
            self._accept(entry, sample)
        entry.fresh = values
        entry.values = overlay(values, entry.values)
        entry.sample_at, entry.arrival = sample.ts, sample.arrival
        if sample.refused:
            entry.refused.update(sample.refused)
        return True

    def _accept(self, entry: _Entry, sample: Sample) -> None:
        """A value that came again within its range is refused no longer."""
        joins = sample.ts == entry.sample_at
        for metric, value, came in zip(self._families[sample.family].metrics, sample.values, entry.fresh, strict=True):
            if value is not None and not (joins and came is not None):
                entry.refused.pop(metric.name, None)

    def restore(self, device: str, values: Mapping[str, tuple[int, Value]]) -> None:
        """Latest values from the store: metric → (ts, value)."""
        entry = self._entries.get(device)
        if entry is None:
            return
        index = self._families[entry.device.family].index
        held = list(entry.values)
        for name, (ts, value) in values.items():
            if name in index:
                held[index[name]] = value
                entry.sample_at = entry.arrival = max(ts, entry.sample_at or 0)
        entry.values = tuple(held)


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
        order_of: Callable[[Device], str | None] = _none,
    ) -> None:
        """`order_of`: the order by which a device is out of service."""
        self._entries = fleet._entries  # noqa: SLF001  the other half of one thing
        self._families = families
        self._state_of = state_of
        self._last_seen_of = last_seen_of
        self._has_serious_alarm = has_serious_alarm
        self._order_of = order_of
        self._soundness = {name: (FRESH_CADENCES * family.cadence, family.index.get("state")) for name, family in families.items()}

    def device(self, name: str, now: int) -> DeviceView | None:
        """One device's view."""
        entry = self._entries.get(name)
        return None if entry is None else self._view(entry, now)

    def select(self, wanted: Callable[[Device, Liveness], bool], *, after: str | None, limit: int, now: int) -> list[DeviceView]:
        """The first `limit` wanted devices after an id, by id."""
        found: list[DeviceView] = []
        for name in sorted(self._entries):
            if len(found) >= limit:
                break
            if after is None or name > after:
                entry = self._entries[name]
                if wanted(entry.device, self._state_of(name)):
                    found.append(self._view(entry, now))
        return found

    def lives(self) -> Iterator[tuple[Device, Liveness]]:
        """The approved devices, and whether they are alive."""
        return ((entry.device, self._state_of(name)) for name, entry in self._entries.items() if entry.device.approved)

    def count(self, now: int, alarm_counts: Callable[[str], Mapping[str, int]]) -> Census:
        """The approved devices' counts; `alarm_counts` gives a device's active alarms by severity. Cheap: it is asked for all the time."""
        census = Census()
        state_of, last_seen_of = self._state_of, self._last_seen_of
        for name, entry in self._entries.items():
            device = entry.device
            census.heard(device.unit, last_seen_of(name))
            if device.approved and self._order_of(device) is not None:
                census.out_of_service(device.unit, device.family)
            elif device.approved:
                state, alarms = state_of(name), alarm_counts(name)
                working = state is Liveness.ONLINE and self._sound(entry, now) and not (alarms and SERIOUS & alarms.keys())
                census.add(device.unit, device.family, state, working=working, alarms=alarms)
        return census

    def _view(self, entry: _Entry, now: int) -> DeviceView:
        device = entry.device
        family = self._families[device.family]
        state = self._state_of(device.device)
        sample: dict[str, float | int | str | bool] = {
            metric.name: bool(value) if metric.type is MetricType.BOOL else value
            for metric, value in zip(family.metrics, entry.values, strict=True)
            if value is not None
        }
        order = self._order_of(device)
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
            out_of_service=order,
            working=None if state is Liveness.UNKNOWN or order is not None else state is Liveness.ONLINE and self._works(entry, now),
            labels=device.labels,
            lat=device.lat,
            lon=device.lon,
        )

    def _works(self, entry: _Entry, now: int) -> bool:
        """Whether a device that is online does what it is there for."""
        return entry.device.approved and self._sound(entry, now) and not self._has_serious_alarm(entry.device.device)

    def _sound(self, entry: _Entry, now: int) -> bool:
        """Whether its last sample is fresh, and tells of no fault."""
        freshness, state = self._soundness[entry.device.family]
        if entry.arrival is None or now - entry.arrival > freshness:
            return False
        return state is None or entry.values[state] != FAULT
