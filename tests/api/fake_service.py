"""What is out of service, in memory behind the API."""

from collections.abc import Callable, Sequence

import msgspec

from ioc.api.ports import ConflictError
from ioc.domain.service import ServiceOrder, in_force, order_id


class FakeService:
    """As the server's desk, without alarms."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.orders: dict[str, ServiceOrder] = {}

    async def list(self, *, ended: bool, after: str | None, limit: int) -> Sequence[ServiceOrder]:
        """By id."""
        found = [one for key, one in sorted(self.orders.items()) if key > (after or "") and (ended or in_force(one, self._clock()))]
        return found[:limit]

    async def get(self, order: str) -> ServiceOrder | None:
        """One."""
        return self.orders.get(order)

    async def take_out(self, *, device: str | None, unit: str | None, until: int | None, reason: str, by: str) -> ServiceOrder:
        """In force at once."""
        wanted = ServiceOrder(id="", device=device, unit=unit, since=self._clock(), until=until, reason=reason, by=by)
        order = msgspec.structs.replace(wanted, id=order_id(wanted.subject, wanted.since))
        self.orders[order.id] = order
        return order

    async def give_back(self, order: str, *, by: str, reason: str) -> ServiceOrder:  # noqa: ARG002  the port's
        """Once."""
        found = self.orders[order]
        if not in_force(found, self._clock()):
            msg = "it was given back already"
            raise ConflictError(msg)
        self.orders[order] = msgspec.structs.replace(found, ended_at=self._clock(), ended_by=by)
        return self.orders[order]
