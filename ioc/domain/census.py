"""How many devices there are, are online, work: by unit and family."""

from collections.abc import Iterable, Mapping

from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Unit
from ioc.domain.views import FamilyCounts, UnitView

_SEVERITIES = ("critical", "major", "minor")


class _Tally:
    __slots__ = ("alarms", "devices", "online", "out", "unknown", "working")

    def __init__(self) -> None:
        self.devices = self.online = self.working = self.unknown = self.out = 0
        self.alarms = dict.fromkeys(_SEVERITIES, 0)

    def add(self, other: "_Tally") -> None:
        self.devices += other.devices
        self.online += other.online
        self.working += other.working
        self.unknown += other.unknown
        self.out += other.out
        for severity in _SEVERITIES:
            self.alarms[severity] += other.alarms[severity]

    def counts(self) -> FamilyCounts:
        return FamilyCounts(
            devices=self.devices, online=self.online, working=self.working, unknown=self.unknown, out_of_service=self.out, **self.alarms
        )


class Census:
    """Counts of one moment, taken device by device."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str | None, str], _Tally] = {}
        self._heard: dict[str | None, int] = {}

    def heard(self, unit: str | None, last_seen: int | None) -> None:
        """Takes a device's last arrival into account."""
        if last_seen is not None and last_seen > self._heard.get(unit, -1):
            self._heard[unit] = last_seen

    def out_of_service(self, unit: str | None, family: str) -> None:
        """Counts one approved device of which nothing is expected."""
        self._tally(unit, family).out += 1

    def add(self, unit: str | None, family: str, state: Liveness, *, working: bool, alarms: Mapping[str, int]) -> None:
        """Counts one approved device; `alarms`: its active ones by severity."""
        tally = self._tally(unit, family)
        tally.devices += 1
        tally.working += working
        if state is Liveness.ONLINE:
            tally.online += 1
        elif state is Liveness.UNKNOWN:
            tally.unknown += 1
        for severity, count in alarms.items():
            if severity in tally.alarms:
                tally.alarms[severity] += count

    def _tally(self, unit: str | None, family: str) -> _Tally:
        tally = self._tallies.get((unit, family))
        if tally is None:
            tally = self._tallies[unit, family] = _Tally()
        return tally

    @property
    def totals(self) -> dict[str, FamilyCounts]:
        """All devices by family, also those whose unit is not known."""
        totals: dict[str, _Tally] = {}
        for (_, family), tally in self._tallies.items():
            totals.setdefault(family, _Tally()).add(tally)
        return {family: tally.counts() for family, tally in sorted(totals.items())}

    def unit_views(self, units: Iterable[Unit]) -> list[UnitView]:
        """The units with the counts of their own devices."""
        by_unit: dict[str | None, dict[str, FamilyCounts]] = {}
        for (unit, family), tally in sorted(self._tallies.items(), key=lambda one: one[0][1]):
            by_unit.setdefault(unit, {})[family] = tally.counts()
        return [
            UnitView(
                unit=unit.unit,
                code=unit.code,
                name=unit.name,
                type=unit.type,
                parent=unit.parent,
                lat=unit.lat,
                lon=unit.lon,
                families=by_unit.get(unit.unit, {}),
                data_at=self._heard.get(unit.unit),
            )
            for unit in units
        ]
