"""The province as people see it: devices and units with their counts, a snapshot as fresh as counting them all allows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from ioc.adapters.state.store import StateDb
from ioc.api.ports import ConflictError, DeviceFilter
from ioc.domain.fleet import FleetViews
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device
from ioc.domain.units import UnitTree
from ioc.domain.views import DeviceView, FamilyCounts, UnitView

SNAPSHOT_MS = 2_000
REST = 20
"""A snapshot lasts so many times as long as it took: counting costs at most a twentieth of a core."""


class Province:
    """Devices and units for the API, the wall and `unit_status`."""

    def __init__(
        self,
        *,
        views: FleetViews,
        tree: UnitTree,
        zone: ZoneInfo,
        alarm_counts: Callable[[str], Mapping[str, int]],
        state: StateDb,
        register: Callable[[Sequence[Device]], Awaitable[object]],
        clock: Callable[[], int],
    ) -> None:
        self._views = views
        self.tree = tree
        self._zone = zone
        self._alarm_counts = alarm_counts
        self._state = state
        self._register = register
        self._clock = clock
        self._taken_at = self._took = 0
        self._units: list[UnitView] = []
        self._totals: dict[str, FamilyCounts] = {}

    def today(self) -> str:
        """Today's ISO date in the site's zone."""
        return datetime.fromtimestamp(self._clock() / 1000, self._zone).date().isoformat()

    async def devices(self, which: DeviceFilter, *, after: str | None, limit: int) -> Sequence[DeviceView]:
        """Devices by id, ascending."""
        return self._views.select(_wanted(which), after=after, limit=limit, now=self._clock())

    async def device(self, device: str) -> DeviceView | None:
        """One device, or None."""
        return self._views.device(device, self._clock())

    async def approve(self, device: str, *, unit: str | None, name: str | None, by: str) -> DeviceView | None:  # noqa: ARG002  the port's
        """Lets a held device take part."""
        if unit is not None and unit not in self.tree:
            msg = f"there is no unit {unit!r}; import it first"
            raise ConflictError(msg)
        if not await self._state.approve([device], unit=unit, name=name):
            return None
        await self.reload([device])
        return await self.device(device)

    async def reload(self, devices: Sequence[str] | None = None) -> None:
        """Takes over what the registry says of these devices (None = of all)."""
        wanted = None if devices is None else set(devices)
        rows = [row for row in await self._state.devices() if wanted is None or row.device in wanted]
        self.tree = UnitTree(await self._state.units())
        await self._register(rows)
        self._taken_at = 0

    async def units(self) -> Sequence[UnitView]:
        """Units valid today with the counts of their own devices."""
        return self.snapshot()

    async def totals(self) -> Mapping[str, FamilyCounts]:
        """Counts of all approved devices by family."""
        self.snapshot()
        return self._totals

    def snapshot(self) -> list[UnitView]:
        """The units' views, taken anew when they are older than two seconds, or than a multiple of what they cost."""
        now = self._clock()
        if not 0 <= now - self._taken_at < max(SNAPSHOT_MS, REST * self._took):
            census = self._views.count(now, self._alarm_counts)
            self._units, self._totals = census.unit_views(self.tree.on(self.today())), census.totals
            self._taken_at, self._took = now, max(0, self._clock() - now)
        return self._units

    @property
    def sums(self) -> Mapping[str, FamilyCounts]:
        """The totals of the last snapshot."""
        return self._totals


def _wanted(which: DeviceFilter) -> Callable[[Device, Liveness], bool]:
    def wanted(device: Device, state: Liveness) -> bool:
        return (
            (which.family is None or device.family == which.family)
            and (which.unit is None or device.unit == which.unit)
            and (which.state is None or state == which.state)
            and (which.approved is None or device.approved == which.approved)
            and (which.units is None or device.unit in which.units)
        )

    return wanted
