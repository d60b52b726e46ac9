"""Which devices and units are out of service, and with them their alarms. Pure; times are Unix ms."""

from collections.abc import Iterable

from alerts.book import AlarmBook
from alerts.lifecycle import served
from ioc.domain.alarm import Alarm
from ioc.domain.service import ServiceOrder

_OVER = "its time is over"


class Service:
    """The orders in force; of a device that is out of service by itself and with its unit, its own order counts."""

    def __init__(self, book: AlarmBook) -> None:
        self._book = book
        self._orders: dict[tuple[str, str], ServiceOrder] = {}
        self._next_end: int | None = None

    def restore(self, orders: Iterable[ServiceOrder]) -> None:
        """Those in force when the state was read."""
        self._orders = {order.subject: order for order in orders}
        self._note_end()

    def order_of(self, device: str | None, unit: str | None) -> ServiceOrder | None:
        """The order by which a device, or a group's unit, is out of service."""
        if not self._orders:
            return None
        return self._orders.get(("device", device or "")) or self._orders.get(("unit", unit or ""))

    def put(self, order: ServiceOrder, now: int) -> None:
        """Out of service from now on; an earlier order for the same is replaced."""
        self._orders[order.subject] = order
        self._note_end()
        self._judge_covered(order, now, by="system", detail="")

    def remove(self, order: str, now: int, *, by: str, detail: str) -> ServiceOrder | None:
        """Back in service; None = no such order is in force."""
        found = next((one for one in self._orders.values() if one.id == order), None)
        if found is not None:
            del self._orders[found.subject]
            self._note_end()
            self._judge_covered(found, now, by=by, detail=detail)
        return found

    def expire(self, now: int) -> list[ServiceOrder]:
        """Gives back what was out of service until a time that has come."""
        if self._next_end is None or now < self._next_end:
            return []
        over = [one for one in self._orders.values() if one.until is not None and one.until <= now]
        for one in over:
            self.remove(one.id, now, by="system", detail=_OVER)
        return over

    def reconcile(self, now: int) -> None:
        """Judges every alarm: an order may have come or ended while nothing ran."""
        for alarm in list(self._book.active()):
            self.judge(alarm, now)

    def judge(self, alarm: Alarm, now: int, *, by: str = "system", detail: str = _OVER) -> None:
        """Journals that an alarm is out of service, or no longer: `by` whom, and why."""
        order = self.order_of(alarm.device, alarm.unit)
        if order is None:
            self._book.mark(served(alarm, None), now=now, by=by, detail=detail)
        else:
            self._book.mark(served(alarm, order.id), now=now, by=f"person:{order.by}", detail=order.reason)

    def _judge_covered(self, order: ServiceOrder, now: int, *, by: str, detail: str) -> None:
        standing = self._book.active() if order.device is None else self._book.of_device(order.device)
        for alarm in [one for one in standing if order.covers(one)]:
            self.judge(alarm, now, by=by, detail=detail)

    def _note_end(self) -> None:
        self._next_end = min((one.until for one in self._orders.values() if one.until is not None), default=None)
