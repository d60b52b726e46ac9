"""Devices and units that people take out of service and give back: kept first, then in force at once."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from alerts.desk import Desk
from alerts.engine import Engine, Outcome
from ioc.adapters.state.service_orders import ServiceOrders
from ioc.api.ports import ConflictError
from ioc.domain.own_points import alarm_points
from ioc.domain.point import Point
from ioc.domain.service import ServiceOrder, in_force, order_id


class ServiceDesk:
    """What was ordered is kept and in force when the call returns; `write` takes the points that tell of it."""

    def __init__(self, desk: Desk, kept: ServiceOrders, write: Callable[[Sequence[Point]], None], clock: Callable[[], int]) -> None:
        self._desk = desk
        self._kept = kept
        self._write = write
        self._clock = clock
        self._lock = asyncio.Lock()
        """One change at a time: what is in force is what was kept last."""

    async def list(self, *, ended: bool, after: str | None, limit: int) -> Sequence[ServiceOrder]:
        """At most `limit` orders by id, ascending; `ended`: those that have ended too."""
        return await self._kept.list(in_force_at=None if ended else self._clock(), after=after, limit=limit)

    async def get(self, order: str) -> ServiceOrder | None:
        """One order, or None."""
        return await self._kept.get(order)

    async def take_out(self, *, device: str | None, unit: str | None, until: int | None, reason: str, by: str) -> ServiceOrder:
        """Takes a device, or the devices of a unit, out of service; an order in force for the same ends."""
        async with self._lock:
            now = self._clock()
            wanted = ServiceOrder(id="", device=device, unit=unit, since=now, until=until, reason=reason, by=by)
            order = msgspec.structs.replace(wanted, id=order_id(wanted.subject, now))
            await self._kept.put(order)
            await self._change(lambda engine, at: engine.take_out(order, at))
            return order

    async def give_back(self, order: str, *, by: str, reason: str) -> ServiceOrder:
        """Ends an order. LookupError: there is none; ConflictError: it has ended already."""
        async with self._lock:
            now = self._clock()
            found = await self._kept.get(order)
            if found is None:
                raise LookupError(order)
            if not in_force(found, now):
                msg = "it was given back already, or its time is over"
                raise ConflictError(msg)
            await self._kept.end(order, at=now, by=by)
            await self._change(lambda engine, at: engine.give_back(order, at, by=by, reason=reason))
            return msgspec.structs.replace(found, ended_at=now, ended_by=by)

    async def _change(self, decide: Callable[[Engine, int], Outcome]) -> None:
        outcome = await self._desk.change(decide)
        self._write(alarm_points(outcome.transitions, {one.id: one for one in outcome.alarms}))
