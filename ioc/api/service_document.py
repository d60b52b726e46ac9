"""What is out of service, as the API and the command line show it."""

import msgspec

from ioc.domain.alarm_document import Instant
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.service import ServiceOrder


class ServiceOrderDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or the devices of a unit and of those below it, out of service: `until` null = until it is given back."""

    id: str
    device: str | None
    unit: str | None
    since: Instant
    until: Instant | None
    reason: str
    by: str
    ended_at: Instant | None
    ended_by: str | None


def service_document(order: ServiceOrder) -> ServiceOrderDocument:
    """The document of an order."""
    return ServiceOrderDocument(
        id=order.id,
        device=order.device,
        unit=order.unit,
        since=to_rfc3339(order.since),
        until=None if order.until is None else to_rfc3339(order.until),
        reason=order.reason,
        by=order.by,
        ended_at=None if order.ended_at is None else to_rfc3339(order.ended_at),
        ended_by=order.ended_by,
    )
