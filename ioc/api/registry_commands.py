"""What the command line can do to units and devices."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any, Protocol

import msgspec

from ioc.api.arguments import read
from ioc.api.control import ControlError, Handler
from ioc.domain.nearest import Nearest
from ioc.domain.registry import Device, RowError, Unit
from ioc.domain.registry_import import ImportPlan, parse_devices, parse_units, plan_devices, plan_units
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.units import UnitTree

_SHOWN = 20
"""Changes of an import that are listed one by one."""


class Registry(Protocol):
    """Units and devices as kept."""

    async def units(self) -> tuple[Unit, ...]:
        """Every row of every unit."""

    async def devices(self) -> tuple[Device, ...]:
        """Every device, by id."""

    async def import_units(self, rows: Iterable[Unit]) -> None:
        """Inserts or replaces."""

    async def import_devices(self, rows: Iterable[Device]) -> None:
        """Inserts or replaces."""

    async def approve(self, devices: Iterable[str], *, unit: str | None = None, name: str | None = None) -> int:
        """The number of those that are known."""


class UnitsList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units valid on a date (None = today), or all rows."""

    on: str | None = None
    all: bool = False


class DevicesList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Devices of which every given field holds."""

    family: str | None = None
    unit: str | None = None
    approved: bool | None = None


class Import(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CSV file's bytes (base64 on the wire); without `apply` only what it would change."""

    csv: bytes
    apply: bool = False


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held devices by id, or all of them."""

    devices: tuple[str, ...] = ()
    all: bool = False
    unit: str | None = None
    name: str | None = None


async def _nothing() -> None:
    return None


def registry_commands(
    registry: Registry,
    *,
    families: Collection[str],
    zone: tzinfo,
    clock: Callable[[], int],
    changed: Callable[[], Awaitable[object]] = _nothing,
) -> dict[str, Handler]:
    """`units.list|import`, `devices.list|import|approve`; `changed` is awaited after every write, so that a server takes it over."""
    desk = _RegistryDesk(registry, families, zone, clock, changed)
    return {
        "units.list": lambda args: desk.list_units(read(args, UnitsList)),
        "units.import": lambda args: desk.import_units(read(args, Import)),
        "devices.list": lambda args: desk.list_devices(read(args, DevicesList)),
        "devices.import": lambda args: desk.import_devices(read(args, Import)),
        "devices.approve": lambda args: desk.approve(read(args, Approve)),
    }


class _RegistryDesk:
    """Lists and imports."""

    def __init__(
        self,
        registry: Registry,
        families: Collection[str],
        zone: tzinfo,
        clock: Callable[[], int],
        changed: Callable[[], Awaitable[object]],
    ) -> None:
        self._registry = registry
        self._families = families
        self._zone = zone
        self._clock = clock
        self._changed = changed

    async def list_units(self, wanted: UnitsList) -> dict[str, Any]:
        rows: Sequence[Unit] = await self._registry.units()
        if not wanted.all:
            rows = UnitTree(rows).on(wanted.on or self._today())
        return {"items": rows}

    async def list_devices(self, wanted: DevicesList) -> dict[str, Any]:
        return {
            "items": [
                {**msgspec.structs.asdict(device), "registered_at": to_rfc3339(device.registered_at)}
                for device in await self._registry.devices()
                if (wanted.family is None or device.family == wanted.family)
                and (wanted.unit is None or device.unit == wanted.unit)
                and (wanted.approved is None or device.approved == wanted.approved)
            ]
        }

    async def import_units(self, wanted: Import) -> dict[str, Any]:
        plan = plan_units(await self._registry.units(), parse_units(wanted.csv))
        apply = wanted.apply and bool(plan.to_import)
        if apply:
            await self._registry.import_units(plan.to_import)
            await self._changed()
        return _plan_document(plan, applied=apply)

    async def import_devices(self, wanted: Import) -> dict[str, Any]:
        units = await self._registry.units()
        parsed = parse_devices(wanted.csv, families=self._families, units=units, today=self._today())
        plan = plan_devices(await self._registry.devices(), parsed, now=self._clock())
        apply = wanted.apply and bool(plan.to_import)
        if apply:
            await self._registry.import_devices(plan.to_import)
            await self._changed()
        return _plan_document(plan, applied=apply)

    async def approve(self, wanted: Approve) -> dict[str, Any]:
        devices = await self._registry.devices()
        held = [device.device for device in devices if not device.approved]
        names = held if wanted.all else list(wanted.devices)
        missing = sorted(set(names) - {device.device for device in devices})
        if missing:
            advice = Nearest(held).advice(missing[0]) or "see `ioc devices list --held`"
            msg = f"there is no device {missing[0]!r}; {advice}"
            raise ControlError(msg)
        check_units(() if wanted.unit is None else (wanted.unit,), await self._registry.units())
        if names:
            await self._registry.approve(names, unit=wanted.unit, name=wanted.name)
            await self._changed()
        return {"approved": sorted(set(names) & set(held)), "already": sorted(set(names) - set(held))}

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock() / 1000, self._zone).date().isoformat()


def _plan_document(plan: ImportPlan[Any], *, applied: bool) -> dict[str, Any]:
    changes = [_change(change.before, change.after) for change in plan.changed[:_SHOWN]]
    return {
        "added": len(plan.added),
        "changed": len(plan.changed),
        "unchanged": len(plan.unchanged),
        "errors": [_row_error(error) for error in plan.errors],
        "changes": changes,
        "applied": applied,
    }


def _change(before: msgspec.Struct, after: msgspec.Struct) -> dict[str, Any]:
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    identity = str(new.get("device") or new.get("unit"))
    return {"id": identity, "changes": {name: [old[name], new[name]] for name in new if old[name] != new[name]}}


def _row_error(error: RowError) -> dict[str, Any]:
    return {"line": error.line, "detail": error.detail}


def check_units(wanted: Sequence[str], rows: Iterable[Unit]) -> None:
    """ControlError where a unit does not exist."""
    known = {row.unit for row in rows}
    missing = [unit for unit in wanted if unit not in known]
    if missing:
        msg = f"there is no unit {missing[0]!r}; {Nearest(known).advice(missing[0]) or 'see `ioc units list`'}"
        raise ControlError(msg)
