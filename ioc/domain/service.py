"""Devices and units that people take out of service: their alarms are known and journalled, but cause no message. Times are Unix ms."""

import hashlib

import msgspec


class ServiceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One device, or all devices of one unit and of the units below it, out of service until it is given back, or until a time."""

    id: str
    device: str | None = None
    unit: str | None = None
    since: int
    until: int | None = None
    """Exclusive; None = until it is given back."""
    reason: str
    by: str
    ended_at: int | None = None
    """When it was given back, or another order for the same took its place."""
    ended_by: str | None = None

    @property
    def subject(self) -> tuple[str, str]:
        """`device` or `unit`, and its name: of one subject at most one order is in force."""
        return ("device", self.device) if self.device is not None else ("unit", self.unit or "")


def in_force(order: ServiceOrder, now: int) -> bool:
    """Whether its devices are out of service at that moment."""
    return order.ended_at is None and order.since <= now and (order.until is None or now < order.until)


def order_id(subject: tuple[str, str], since: int) -> str:
    """The id follows from the content."""
    return hashlib.blake2b("\x1f".join((*subject, str(since))).encode(), digest_size=12).hexdigest()
