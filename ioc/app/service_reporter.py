"""Reminds of what is out of service without an end; of what fell due while we were away the newest is told, once."""

from collections import Counter
from collections.abc import Callable, Iterable

from alerts.service_notes import ServiceNotes, reminder_key
from ioc.adapters.state.service_orders import ServiceOrders
from ioc.app.supervision import forever
from ioc.domain.alarm import Alarm

LOOK_EVERY_S = 15.0


class ServiceReporter:
    """Reads which orders are in force and queues the reminders of them; their keys keep each from being told twice."""

    def __init__(
        self,
        notes: ServiceNotes,
        kept: ServiceOrders,
        *,
        active: Callable[[], Iterable[Alarm]],
        clock: Callable[[], int],
        queued: Callable[[], None],
    ) -> None:
        """`active`: the alarms that stand; `queued` is called once messages stand in the outbox."""
        self._notes = notes
        self._kept = kept
        self._active = active
        self._clock = clock
        self._queued = queued
        self._reminded: set[str] = set()
        """Keys of the newest reminders that stand in the outbox, as far as we know."""

    async def run(self) -> None:
        """Looks for ever whether a reminder is due."""
        await forever("out of service", self.turn, lambda: LOOK_EVERY_S)

    async def turn(self) -> None:
        """Queues the reminders that are due now."""
        now = self._clock()
        orders = await self._kept.list(in_force_at=now)
        due = [(order, at) for order in orders if (at := self._notes.reminds_at(order, now)) is not None]
        fresh = [(order, at) for order, at in due if reminder_key(order, at) not in self._reminded]
        if fresh:
            held = Counter(alarm.out_of_service for alarm in self._active())
            await self._kept.remind([one for order, at in fresh for one in self._notes.reminder(order, at, held[order.id], now)])
            self._queued()
        self._reminded = {reminder_key(order, at) for order, at in due}
