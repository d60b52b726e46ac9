"""The reminder of what is out of service without an end. Pure; times are Unix ms."""

from dataclasses import dataclass

from alerts.message import Wording, Writer, plain
from alerts.note import note
from alerts.readers import Readers
from alerts.service_plan import ServicePlan
from alerts.service_wording import SERVICE_WORDS
from ioc.domain.alarm import OutboxMessage, notification_key
from ioc.domain.service import ServiceOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNotes:
    """Decides and words what is told of orders that stand."""

    plan: ServicePlan
    readers: Readers
    wording: Wording

    def reminds_at(self, order: ServiceOrder, now: int) -> int | None:
        """When its newest reminder fell due; None = none has, or it ends by itself."""
        if order.until is not None or not self.plan.remind or now < order.since + self.plan.remind:
            return None
        return now - (now - order.since) % self.plan.remind

    def reminder(self, order: ServiceOrder, due: int, held: int, now: int) -> tuple[OutboxMessage, ...]:
        """That it still stands, and how many active alarms it holds back; `due`: by `reminds_at`."""
        words, writer = SERVICE_WORDS[self.wording.key], Writer(self.wording, now)
        stands = words.stands.format(
            scope=writer.device(order.device) if order.device is not None else writer.unit(order.unit or ""),
            reason=plain(order.reason).rstrip(". "),
            by=plain(order.by),
            since=writer.time(order.since),
        )
        holds = words.holds.format(n=held) if held else words.holds_none
        text = " ".join((stands, holds, words.give_back.format(order=order.id)))
        return note(self.readers.of(order.by, self.plan.channels), text, key=reminder_key(order, due), at=now)


def reminder_key(order: ServiceOrder, due: int) -> str:
    """The idempotency key of the reminder that fell due then."""
    return notification_key(f"service/{order.id}/stands/{due}", "updated", 1)
