"""What the command line can do to devices and units: take them out of service, and give them back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ioc.api.arguments import read
from ioc.api.control import ControlError, Handler
from ioc.api.ports import ConflictError, Devices, Service, Units
from ioc.api.service_document import service_document
from ioc.domain.nearest import Nearest
from ioc.domain.service import ServiceOrder

_MOST = 10_000


class TakeOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device or a unit; `until` Unix ms."""

    reason: str
    by: str
    device: str | None = None
    unit: str | None = None
    until: int | None = None


class GiveBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order by its id, or by its device or unit."""

    by: str
    reason: str = ""
    id: str | None = None
    device: str | None = None
    unit: str | None = None


class ListOrders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those in force, or all."""

    ended: bool = False


def service_commands(service: Service, devices: Devices, units: Units) -> dict[str, Handler]:
    """`service.out|in|list`."""

    async def out(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, TakeOut)
        if wanted.device is not None and await devices.device(wanted.device) is None:
            msg = f"there is no device {wanted.device!r}; see `ioc devices list`"
            raise ControlError(msg)
        known = [view.unit for view in await units.units()]
        if wanted.unit is not None and wanted.unit not in known:
            msg = f"there is no unit {wanted.unit!r}; {Nearest(known).advice(wanted.unit) or 'see `ioc units list`'}"
            raise ControlError(msg)
        order = await service.take_out(device=wanted.device, unit=wanted.unit, until=wanted.until, reason=wanted.reason, by=wanted.by)
        return service_document(order)

    async def back(args: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        wanted = read(args, GiveBack)
        standing = await service.list(ended=False, after=None, limit=_MOST)
        order = next((one for one in standing if _is_meant(one, wanted)), None)
        if order is None:
            msg = f"{wanted.id or wanted.device or wanted.unit} is not out of service; see `ioc service list`"
            raise ControlError(msg)
        try:
            return service_document(await service.give_back(order.id, by=wanted.by, reason=wanted.reason))
        except ConflictError as error:
            raise ControlError(str(error)) from None

    async def listing(args: Mapping[str, Any]) -> dict[str, Any]:
        found = await service.list(ended=read(args, ListOrders).ended, after=None, limit=_MOST)
        return {"items": [service_document(one) for one in sorted(found, key=lambda one: one.since)]}

    return {"service.out": out, "service.in": back, "service.list": listing}


def _is_meant(order: ServiceOrder, wanted: GiveBack) -> bool:
    if wanted.id is not None:
        return order.id == wanted.id
    return order.subject == (("device", wanted.device) if wanted.device is not None else ("unit", wanted.unit))
