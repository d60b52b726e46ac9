"""Children of a failed parent: held back by design while it is away, told when it is back and they are not. Pure; times are Unix ms."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from alerts.dependency_plan import Dependency
from ioc.domain.alarm import Alarm, NotificationGroup

PREFIX = "child:"
"""Keys of rows about children begin so."""

Label = Callable[[str, str], str | None]
"""What a device's label, or metric, says."""
Failure = tuple[int, str]
"""A dependency, by its place in the file, and the value that names a parent that has failed."""


class Child(msgspec.Struct, array_like=True):
    """A child's alarm that is held back."""

    seq: int
    parent: str
    """The parent's alarm."""
    until: int | None = None
    """When it is told, since the parent is back; None = the parent is away."""


class Dependencies:
    """Which parents have failed, and which children wait for them. `absent`: whether a rule, by its id, says that a device fell."""

    def __init__(self, plan: Sequence[Dependency], *, absent: Callable[[str], bool], label: Label) -> None:
        self._plan = tuple(plan)
        self._absent = absent
        self._label = label
        self._failed: dict[Failure, dict[str, None]] = {}
        """Failure → the parents' alarms."""
        self._children: dict[str, Child] = {}
        self._alarms: dict[str, Alarm] = {}
        self._touched: dict[str, None] = {}
        self._restored = False

    @property
    def next_look(self) -> int | None:
        """When a child's grace is over next, or None."""
        return min((child.until for child in self._children.values() if child.until is not None), default=None)

    def alarm(self, alarm: str) -> Alarm | None:
        """A child's alarm that is held back."""
        return self._alarms.get(alarm)

    def held(self) -> Iterator[tuple[Alarm, str]]:
        """What is held back, and the alarm of the parent."""
        return ((self._alarms[one], child.parent) for one, child in self._children.items())

    def parent_of(self, alarm: Alarm) -> str | None:
        """The alarm of the parent without which the alarm's device can't be there."""
        if not self._failed or alarm.device is None or not self._absent(alarm.rule):
            return None
        for number, one in enumerate(self._plan):
            if one.family == alarm.family:
                value = self._label(alarm.device, one.by)
                parents = self._failed.get((number, value), {}) if value else {}
                found = next((parent for parent in parents if not self._waits_for(parent, alarm.id)), None)
                if found is not None:
                    return found
        return None

    def hold(self, alarm: Alarm, seq: int, parent: str) -> None:
        """Holds a child's alarm back."""
        self._children[alarm.id] = Child(seq, parent)
        self._alarms[alarm.id] = alarm
        self._touched[alarm.id] = None

    def fails(self, alarm: Alarm, at: int) -> bool:
        """Notes a parent's failure; whether it is one."""
        failures = self._note(alarm)
        if failures:
            self._judge(at)
        return failures

    def change(self, alarm: Alarm, at: int) -> None:
        """A later journal entry of any alarm: a child that is over is forgotten, a parent that is back gives its children their grace."""
        if alarm.id in self._children:
            self._alarms[alarm.id] = alarm
            if not alarm.active:
                self._forget(alarm.id)
        if not alarm.active and self._mend(alarm.id):
            self._judge(at)

    def look(self, now: int) -> list[tuple[Alarm, int]]:
        """Children whose parent is back for long enough, and which are not: with the journal entries that raised them.

        At the first look after a start the plan, or a label, may say something else than before.
        """
        if self._restored:
            self._restored = False
            self._judge(now)
        due = [one for one, child in self._children.items() if child.until is not None and child.until <= now]
        told = [(self._alarms[one], self._children[one].seq) for one in sorted(due, key=lambda one: (self._children[one].seq, one))]
        for one in due:
            self._forget(one)
        return told

    def take_rows(self) -> list[NotificationGroup]:
        """The rows that changed since the last call."""
        rows = []
        for one in sorted(self._touched):
            child = self._children.get(one)
            body = None if child is None else msgspec.json.encode(child)
            rows.append(NotificationGroup(key=PREFIX + one, due_at=None if child is None else child.until, body=body))
        self._touched.clear()
        return rows

    def restore(self, rows: Sequence[NotificationGroup], known: dict[str, Alarm]) -> None:
        """Takes up its rows; `known`: at least the active alarms."""
        for alarm in known.values():
            if alarm.active:
                self._note(alarm)
        for row in rows:
            one = row.key.removeprefix(PREFIX)
            if row.body is None or one not in known:
                self._touched[one] = None
                continue
            self._restored = True
            self._children[one] = msgspec.json.decode(row.body, type=Child)
            self._alarms[one] = known[one]

    def _waits_for(self, alarm: str | None, other: str) -> bool:
        """Whether an alarm is the other one, or held back by it, be it through others: two that wait for each other would never be told."""
        while alarm is not None and alarm != other:
            child = self._children.get(alarm)
            alarm = None if child is None else child.parent
        return alarm is not None

    def _note(self, alarm: Alarm) -> bool:
        failures = list(self._failures(alarm))
        for failure in failures:
            self._failed.setdefault(failure, {})[alarm.id] = None
        return bool(failures)

    def _failures(self, alarm: Alarm) -> Iterator[Failure]:
        for number, one in enumerate(self._plan):
            if alarm.device is not None and one.parent == alarm.family and (self._absent(alarm.rule) or alarm.rule in one.rules):
                yield number, alarm.device
                value = self._label(alarm.device, one.by)
                if value and value != alarm.device:
                    yield number, value

    def _mend(self, alarm: str) -> bool:
        """Whether the alarm was a parent's failure."""
        mended = [failure for failure, alarms in self._failed.items() if alarm in alarms]
        for failure in mended:
            del self._failed[failure][alarm]
            if not self._failed[failure]:
                del self._failed[failure]
        return bool(mended)

    def _judge(self, at: int) -> None:
        """Children whose parent is no longer away get their grace; those whose parent fails again wait on."""
        for one, child in self._children.items():
            parent = self.parent_of(self._alarms[one])
            if parent is not None and (child.until is not None or child.parent != parent):
                child.parent, child.until = parent, None
                self._touched[one] = None
            elif parent is None and child.until is None:
                child.until = at + self._grace(self._alarms[one])
                self._touched[one] = None

    def _grace(self, alarm: Alarm) -> int:
        return max((one.grace for one in self._plan if one.family == alarm.family), default=0)

    def _forget(self, alarm: str) -> None:
        del self._children[alarm], self._alarms[alarm]
        self._touched[alarm] = None
