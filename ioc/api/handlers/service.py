"""Devices and units out of service."""

from typing import Annotated, Any

import msgspec

from ioc.api.documents import Page
from ioc.api.handlers.common import Name, Paged, Words, YesNo, given, page, parse_instant, yes
from ioc.api.problem import ProblemError, existing
from ioc.api.route import Call, NoQuery
from ioc.api.service_document import ServiceOrderDocument, service_document
from ioc.domain.alarm_document import Instant
from ioc.domain.service import ServiceOrder


class ServiceQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which orders: those in force; `ended`: those that have ended too."""

    ended: YesNo | msgspec.UnsetType = msgspec.UNSET


class OutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device, or all devices of a unit and of those below it, and why; `until` left out = until it is given back."""

    reason: Words
    device: Name | msgspec.UnsetType = msgspec.UNSET
    unit: Name | msgspec.UnsetType = msgspec.UNSET
    until: Instant | msgspec.UnsetType = msgspec.UNSET


OutRequest = Annotated[OutBody, msgspec.Meta(extra_json_schema={"oneOf": [{"required": ["device"]}, {"required": ["unit"]}]})]


class BackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why it is given back."""

    reason: Words | None = None


async def list_orders(call: Call[ServiceQuery, None]) -> Page[ServiceOrderDocument]:
    """By id; a technician sees those that cover its units (a page may then hold fewer than `limit`)."""
    limit = call.query.limit
    ended = yes(call.query.ended) or False
    found = await call.backend.service.list(ended=ended, after=given(call.query.cursor), limit=limit + 1)
    above = await _above(call)
    shown = [one for one in found[:limit] if await _sees(one, call, above)]
    listed = page(found, limit, service_document, lambda order: order.id)
    return Page(items=[service_document(one) for one in shown], next=listed.next)


async def get_order(call: Call[NoQuery, None]) -> ServiceOrderDocument:
    """One order, ended or not."""
    return service_document(await _order(call))


async def take_out(call: Call[NoQuery, OutBody]) -> ServiceOrderDocument:
    """Out of service from now on; an order in force for the same device or unit ends."""
    body = call.body
    device, unit, until = given(body.device), given(body.unit), parse_instant(body.until, "until")
    if (device is None) == (unit is None):
        raise ProblemError(400, "Name either 'device' or 'unit'.")
    if until is not None and until <= call.now:
        raise ProblemError(409, "'until' must lie in the future.")
    if device is not None:
        view = await call.backend.devices.device(device)
        existing(view if view is not None and call.may_see(view.unit) else None, "device", device)
    else:
        known = any(view.unit == unit for view in await call.backend.units.units())
        existing(unit if known and call.may_see(unit) else None, "unit", unit or "")
    order = await call.backend.service.take_out(device=device, unit=unit, until=until, reason=body.reason, by=call.principal.name)
    return service_document(order)


async def give_back(call: Call[NoQuery, BackBody | None]) -> ServiceOrderDocument:
    """In service again; alarms that stand are told as if raised now. 403: the order is about a unit above the asker's."""
    order = await _order(call)
    if order.unit is not None and not call.may_see(order.unit):
        raise ProblemError(403, f"The order is about the unit {order.unit}, above yours; whoever answers for it gives it back.")
    reason = (call.body.reason if call.body else None) or ""
    return service_document(await call.backend.service.give_back(order.id, by=call.principal.name, reason=reason))


async def _order(call: Call[Any, Any]) -> ServiceOrder:
    found = await call.backend.service.get(call.path["id"])
    visible = found if found is not None and await _sees(found, call, await _above(call)) else None
    return existing(visible, "order", call.path["id"])


async def _above(call: Call[Any, Any]) -> frozenset[str]:
    """The units above those that a technician may see: orders about them cover its devices."""
    if call.units is None:
        return frozenset()
    parents = {view.unit: view.parent for view in await call.backend.units.units()}
    found: set[str] = set()
    waiting = [parents.get(unit) for unit in call.units]
    while waiting:
        unit = waiting.pop()
        if unit is not None and unit not in found:
            found.add(unit)
            waiting.append(parents.get(unit))
    return frozenset(found)


async def _sees(order: ServiceOrder, call: Call[Any, Any], above: frozenset[str]) -> bool:
    """A technician sees what is about its units or those `above`, and devices in them."""
    if call.units is None:
        return True
    if order.device is None:
        return call.may_see(order.unit) or order.unit in above
    view = await call.backend.devices.device(order.device)
    return view is not None and call.may_see(view.unit)
