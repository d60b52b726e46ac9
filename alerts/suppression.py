"""Suppressed by design: alarms that something else explains, by what their rules declare. Pure."""

from collections.abc import Callable, Sequence

from alerts.book import AlarmBook
from alerts.compiled import CompiledRule
from alerts.device_memory import DeviceMemory
from alerts.lifecycle import suppressed
from alerts.rules.condition import NO_SIDES
from alerts.suppressed_while import WhileAlarm
from alerts.text import reason
from ioc.domain.alarm import Alarm

Place = tuple[str, str, str]
"""A rule, `device` or `unit`, and its name."""


class Suppression:
    """Which alarms explain others at present; judges an alarm when it, or what may explain it, comes or goes."""

    def __init__(self, book: AlarmBook, memory_of: Callable[[str], DeviceMemory | None]) -> None:
        self._book = book
        self._memory_of = memory_of
        self._guarded: dict[str, CompiledRule] = {}
        self._explains: dict[str, list[str]] = {}
        """Rule → rules whose alarms its own explain."""
        self._holding: dict[Place, dict[str, None]] = {}
        """Alarms whose condition holds, of rules that matter here."""
        self._standing: dict[Place, dict[str, None]] = {}
        """Alarms that stand, of rules that can be suppressed."""

    def adopt(self, rules: Sequence[CompiledRule], now: int) -> None:
        """Goes by these rules, and judges every alarm anew: after a restart, and when the rules have changed."""
        self._guarded = {rule.id: rule for rule in rules if rule.rule.suppressed_while is not None}
        self._explains, self._holding, self._standing = {}, {}, {}
        for rule in self._guarded.values():
            if isinstance(guard := rule.rule.suppressed_while, WhileAlarm):
                self._explains.setdefault(guard.rule, []).append(rule.id)
        alarms = list(self._book.active())
        for alarm in alarms:
            self._place(alarm)
        for alarm in alarms:
            self._judge(alarm, now)

    def heed(self, alarm: Alarm, now: int) -> None:
        """An alarm was raised, ended, latched, or came back."""
        if alarm.rule not in self._guarded and alarm.rule not in self._explains:
            return
        self._place(alarm)
        if alarm.active:
            self._judge(alarm, now)
        for rule in self._explains.get(alarm.rule, ()):
            guard = self._guarded[rule].rule.suppressed_while
            kind = guard.on if isinstance(guard, WhileAlarm) else "device"
            for one in list(self._standing.get((rule, kind, _name(alarm, kind)), ())):
                if (other := self._book.find(one)) is not None:
                    self._judge(other, now)

    def sampled(self, memory: DeviceMemory, now: int) -> None:
        """A device said something new: its own values may explain its alarms, or do so no longer."""
        for rule in memory.rules.guarded:
            row = memory.rows.get(rule)
            alarm = None if row is None or row.alarm is None else self._book.find(row.alarm)
            if alarm is not None and alarm.active:
                self._judge(alarm, now)

    def _judge(self, alarm: Alarm, now: int) -> None:
        rule = self._guarded.get(alarm.rule)
        by, detail = (None, "its rule does not say so any more") if rule is None else self._explained(alarm, rule)
        self._book.mark(suppressed(alarm, by), now=now, by="system", detail=detail)

    def _explained(self, alarm: Alarm, rule: CompiledRule) -> tuple[str | None, str]:
        """What explains an alarm, and how that is said."""
        guard = rule.rule.suppressed_while
        if not isinstance(guard, WhileAlarm):
            return self._by_values(alarm, rule)
        found = self._holding.get((guard.rule, guard.on, _name(alarm, guard.on)), {})
        if alarm.suppressed_by in found:
            return alarm.suppressed_by, ""
        by = next((one for one in found if one != alarm.id), None)
        return by, f"rule {guard.rule} holds: {by}" if by else f"rule {guard.rule} holds no longer"

    def _by_values(self, alarm: Alarm, rule: CompiledRule) -> tuple[str | None, str]:
        """What the device's own values say; what can't be told leaves it as it is."""
        memory = self._memory_of(alarm.device or "")
        values = None if memory is None else memory.said
        truth = None if values is None or rule.explained is None else rule.explained(values, NO_SIDES, None)
        if truth is None or values is None:
            return alarm.suppressed_by, ""
        said = reason({metric.name: values[position] for metric, position in rule.explained_by})
        return (alarm.suppressed_by or said, said) if truth else (None, said)

    def _place(self, alarm: Alarm) -> None:
        for kind in ("device", "unit"):
            place = (alarm.rule, kind, _name(alarm, kind))
            holds = alarm.active and alarm.normal_since is None and alarm.rule in self._explains
            _put(self._holding, place, alarm.id, present=holds and bool(place[2]))
            _put(self._standing, place, alarm.id, present=alarm.active and alarm.rule in self._guarded and bool(place[2]))


def _name(alarm: Alarm, kind: str) -> str:
    return (alarm.device if kind == "device" else alarm.unit) or ""


def _put(index: dict[Place, dict[str, None]], place: Place, alarm: str, *, present: bool) -> None:
    if present:
        index.setdefault(place, {})[alarm] = None
    elif place in index:
        index[place].pop(alarm, None)
        if not index[place]:
            del index[place]
