"""The messages that a group has due: what changed, a reminder, or steps of its escalation. Pure; times are Unix ms."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts import escalating
from alerts.calling import Calling
from alerts.escalation_clock import step_of
from alerts.grouping import Group, Telling
from alerts.notify_file import Route
from ioc.domain.alarm import Alarm, OutboxMessage, notification_key


def due_at(group: Group, route: Route) -> int | None:
    """When the group speaks next, to whomever."""
    dues = (group.due_at(route), escalating.due_at(group, route.escalation))
    return min((due for due in dues if due is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A group that speaks at `now`; `key` is the group's, `alarms` holds its members' alarms."""

    key: str
    group: Group
    route: Route
    alarms: Mapping[str, Alarm]
    calling: Calling
    now: int

    def messages(self) -> list[OutboxMessage]:
        """What is due; from then on it counts as told."""
        due = self.group.due_at(self.route)
        told = [] if due is None or due > self.now else self._tell()
        return [*told, *self._escalate()]

    def _tell(self) -> list[OutboxMessage]:
        telling = self.group.tell(self.now)
        called = self.calling.call(self.route, telling, self.alarms, key=self._key(telling), now=self.now)
        called.note(self.group, self.now)
        return called.messages

    def _escalate(self) -> list[OutboxMessage]:
        written: list[OutboxMessage] = []
        for telling in escalating.take_steps(self.group, self.route.escalation, self.now):
            step = step_of(self.route.escalation, telling.escalation - 1)
            lead = self.calling.overdue(self.group, telling, step.after)
            called = self.calling.call(step, telling, self.alarms, key=self._key(telling), now=self.now, lead=lead)
            escalating.stepped(self.group, telling, called.withheld, self.now)
            called.note(self.group, self.now)
            written += called.messages
        return written

    def _key(self, telling: Telling) -> str:
        return notification_key(f"{self.key}/{self.group.episode}", telling.event, telling.step)
