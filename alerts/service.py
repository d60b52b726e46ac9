"""Which devices and units are out of service, and with them their alarms. Pure; times are Unix ms."""

from collections.abc import Callable, Iterable, Iterator

from alerts.book import AlarmBook
from alerts.lifecycle import served
from ioc.domain.alarm import Alarm
from ioc.domain.service import ServiceOrder

_OVER = "its time is over"
_UNCOVERED = "no order covers it any more"


class Service:
    """The orders in force. Where several cover a device, its own counts, else that of the nearest unit: its own, or one above.

    `parent_of`: the unit above a unit; asked only while units are out of service.
    """

    def __init__(self, book: AlarmBook, parent_of: Callable[[str], str | None]) -> None:
        self._book = book
        self._parent_of = parent_of
        self._orders: dict[tuple[str, str], ServiceOrder] = {}
        self._units_out = False
        self._next_end: int | None = None

    def restore(self, orders: Iterable[ServiceOrder]) -> None:
        """Those in force when the state was read."""
        self._orders = {order.subject: order for order in orders}
        self._note()

    def order_of(self, device: str | None, unit: str | None) -> ServiceOrder | None:
        """The order by which a device, or a group's unit, is out of service."""
        own = self._orders.get(("device", device or ""))
        if own is not None or unit is None or not self._units_out:
            return own
        above = (self._orders.get(("unit", one)) for one in self._upwards(unit))
        return next((order for order in above if order is not None), None)

    def reaches(self, order: ServiceOrder, device: str | None, unit: str | None) -> bool:
        """Whether the order is about a device, be it with its unit or a unit above; another may count before it."""
        return order.device == device if order.device is not None else any(one == order.unit for one in self._upwards(unit))

    def put(self, order: ServiceOrder, now: int) -> None:
        """Out of service from now on; an earlier order for the same is replaced."""
        self._orders[order.subject] = order
        self._note()
        self._judge_covered(order, now, by="system", detail="")

    def remove(self, order: str, now: int, *, by: str, detail: str) -> ServiceOrder | None:
        """Back in service; None = no such order is in force."""
        found = next((one for one in self._orders.values() if one.id == order), None)
        if found is not None:
            del self._orders[found.subject]
            self._note()
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

    def judge(self, alarm: Alarm, now: int, *, by: str = "system", detail: str = _UNCOVERED) -> None:
        """Journals that an alarm is out of service, or no longer: `by` whom, and why."""
        order = self.order_of(alarm.device, alarm.unit)
        if order is None:
            self._book.mark(served(alarm, None), now=now, by=by, detail=detail)
        else:
            self._book.mark(served(alarm, order.id), now=now, by=f"person:{order.by}", detail=self._why(order, alarm))

    def _judge_covered(self, order: ServiceOrder, now: int, *, by: str, detail: str) -> None:
        standing = self._book.active() if order.device is None else self._book.of_device(order.device)
        for alarm in [one for one in standing if self.reaches(order, one.device, one.unit)]:
            self.judge(alarm, now, by=by, detail=detail)

    def _why(self, order: ServiceOrder, alarm: Alarm) -> str:
        """The order's reason, and which unit it is about where that is one above the alarm's."""
        unit = order.unit if order.device is None and order.unit != alarm.unit else None
        return order.reason if unit is None else f"{order.reason} ({self._book.unit_name(unit) or unit})"

    def _upwards(self, unit: str | None) -> Iterator[str]:
        """The unit and those above it; a circle of parents ends at the first unit met twice."""
        met: set[str] = set()
        while unit is not None and unit not in met:
            met.add(unit)
            yield unit
            unit = self._parent_of(unit)

    def _note(self) -> None:
        self._units_out = any(order.device is None for order in self._orders.values())
        self._next_end = min((one.until for one in self._orders.values() if one.until is not None), default=None)
