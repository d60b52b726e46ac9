"""The alarms that stand, and the journal of what a step did to them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from alerts.compiled import CompiledRule
from alerts.lifecycle import Act, acted, ended, latched, realarmed, returned
from alerts.own import OwnRule
from alerts.rule import Rule
from alerts.text import Fields, plain_text, render, value_text
from ioc.domain.alarm import ENDS, GROUP, SEVERITY_RANK, Alarm, Severity, Step, Transition, alarm_id
from ioc.domain.registry import Device
from ioc.domain.sample import Value

MOST_RECENT = 4096
"""Alarms that have ended and are kept at hand, for people who act on them before the state database shows it."""
_TURNS = frozenset({Step.RAISED, Step.REALARMED, Step.LATCHED, *ENDS})
"""After these an alarm's condition holds, or no longer does."""
_NO_UNIT = {"vi": "chưa gán đơn vị", "en": "no unit"}


def _nothing(_alarm: Alarm, _now: int) -> None:
    pass


class AlarmBook:
    """Active alarms by id and device; `take` hands out what changed since the last time."""

    def __init__(self, site: str, unit_name: Callable[[str], str | None]) -> None:
        self._site = site
        self.unit_name = unit_name
        self._active: dict[str, Alarm] = {}
        self._by_device: dict[str, dict[str, None]] = {}
        self._recent: OrderedDict[str, Alarm] = OrderedDict()
        self._last_comment: dict[str, Act] = {}
        self._shelved: dict[str, None] = {}
        self._latched: dict[tuple[str, str], str] = {}
        """Rule and subject → the alarm that waits for somebody to reset it."""
        self._seq = 0
        self._transitions: list[Transition] = []
        self._touched: dict[str, Alarm] = {}
        self.heed: Callable[[Alarm, int], object] = _nothing
        """Told of each alarm whose condition began or ended to hold, and when we knew, before anything else happens to it."""

    def restore(self, alarms: Iterable[Alarm], seq: int) -> None:
        """What the state database holds; `seq` = number of the last journal entry."""
        self._seq = seq
        for alarm in alarms:
            self._keep(alarm)

    def take(self) -> tuple[tuple[Transition, ...], tuple[Alarm, ...]]:
        """The journal entries since the last call, and the alarms that they touch as they stand now."""
        taken = tuple(self._transitions), tuple(self._touched.values())
        self._transitions, self._touched = [], {}
        return taken

    def active(self) -> Iterable[Alarm]:
        """Alarms whose condition stands, in the order in which they were raised."""
        return self._active.values()

    def of_device(self, device: str) -> tuple[Alarm, ...]:
        """A device's active alarms."""
        return tuple(self._active[one] for one in self._by_device.get(device, ()))

    def worst(self, device: str) -> Severity | None:
        """The gravest of a device's active alarms."""
        ids = self._by_device.get(device)
        return min((self._active[one].severity for one in ids), key=SEVERITY_RANK.__getitem__) if ids else None

    def find(self, alarm: str) -> Alarm | None:
        """An active or recently ended alarm."""
        return self._active.get(alarm) or self._recent.get(alarm)

    def shelved_before(self, now: int) -> list[Alarm]:
        """Shelved alarms whose time is over."""
        alarms = (self._active[one] for one in self._shelved)
        return [alarm for alarm in alarms if alarm.shelved_until is not None and alarm.shelved_until <= now]

    def raise_device(
        self, rule: CompiledRule, device: Device, since: int, values: Mapping[str, Value], *, at: int, now: int, by: str, detail: str
    ) -> str:
        """The id of a device's new alarm."""
        alarm = self._of_device(rule.rule, device, since, self._fields(rule, device, values, detail), rule.rule.labels)
        return self._raise(alarm, at=at, now=now, by=by, detail=detail)

    def raise_group(self, rule: Rule, group: str, since: int, value: Mapping[str, str], *, at: int, now: int, by: str, detail: str) -> str:
        """The id of a new alarm about several devices; `value` = how many, by language."""
        label, name = group.split("=", 1)
        unit = name if label == "unit" else None

        def fields(field: str, language: str) -> str | None:
            if field in {"group", "unit_name"}:
                return plain_text((unit and self.unit_name(unit)) or name)
            return value[language] if field == "value" else None

        alarm = Alarm(
            id=alarm_id(self._site, rule.id, group, since),
            rule=rule.id,
            severity=rule.severity,
            family=rule.family,
            unit=unit,
            since=since,
            latching=rule.latched,
            labels={**rule.labels, **({} if unit else {label: name}), GROUP: group},
            summary=render(rule.summary, fields),
            cause=render(rule.cause, fields),
            consequence=render(rule.consequence, fields),
            action=render(rule.action, fields),
        )
        return self._raise(alarm, at=at, now=now, by=by, detail=detail)

    def raise_for_all(self, rule: OwnRule, device: Device, since: int, value: Mapping[str, str], *, now: int, by: str, detail: str) -> str:
        """The id of a device's new alarm by a rule that holds for every family; `value` = what `{value}` stands for, by language."""

        def fields(name: str, language: str) -> str | None:
            return value[language] if name == "value" else None

        alarm = self._of_device(rule, device, since, fields, {})
        return self._raise(alarm, at=since, now=now, by=by, detail=detail)

    def raise_own(self, rule: OwnRule, since: int, *, now: int, detail: str) -> str:
        """The id of a new alarm about ourselves."""

        def fields(name: str, _language: str) -> str | None:
            return plain_text(detail) if name == "detail" else None

        alarm = Alarm(
            id=alarm_id(self._site, rule.id, None, since),
            rule=rule.id,
            severity=rule.severity,
            since=since,
            summary=render(rule.summary, fields),
            cause=render(rule.cause, fields),
            consequence=render(rule.consequence, fields),
            action=render(rule.action, fields),
        )
        return self._raise(alarm, at=since, now=now, by="system", detail=detail)

    def end(self, alarm: str | None, step: Step, *, at: int, now: int, by: str, detail: str) -> None:
        """An alarm is over; one that latches stays on the list when its condition ends."""
        standing = None if alarm is None else self._active.get(alarm)
        if standing is None:
            return
        if step is Step.CLEARED and standing.latching:
            step, after = Step.LATCHED, latched(standing, at)
        else:
            after = ended(standing, step, at)
        if after is not None:
            self._write(after, step, at=at, now=now, by=by, detail=detail)

    def unshelve(self, alarm: Alarm, now: int) -> None:
        """A shelved alarm's time is over."""
        after = returned(alarm)
        if after is not None:
            self._write(after, Step.UNSHELVED, at=now, now=now, by="tick", detail="")

    def act(self, alarm: Alarm, act: Act, now: int) -> bool:
        """A person's act; whether it changed anything. StepRefusedError when it does not fit the alarm's state."""
        if act.step is Step.COMMENTED and self._last_comment.get(alarm.id) == act:
            return False
        after = acted(alarm, act, now)
        if after is None:
            return False
        if act.step is Step.COMMENTED and alarm.id in self._active:
            self._last_comment[alarm.id] = act
        detail = "; ".join(part for part in (act.to, act.comment) if part)
        self._write(after, act.step, at=now, now=now, by=f"person:{act.by}", detail=detail)
        return True

    def mark(self, marked: tuple[Step, Alarm] | None, *, now: int, by: str, detail: str) -> None:
        """A step of its lifecycle that is no end, and the alarm after it; None changes nothing."""
        if marked is not None:
            self._write(marked[1], marked[0], at=now, now=now, by=by, detail=detail)

    def _of_device(self, rule: Rule | OwnRule, device: Device, since: int, fields: Fields, labels: Mapping[str, str]) -> Alarm:
        return Alarm(
            id=alarm_id(self._site, rule.id, device.device, since),
            rule=rule.id,
            severity=rule.severity,
            family=device.family,
            device=device.device,
            unit=device.unit,
            since=since,
            latching=isinstance(rule, Rule) and rule.latched,
            labels={**device.labels, **labels},
            summary=render(rule.summary, fields),
            cause=render(rule.cause, fields),
            consequence=render(rule.consequence, fields),
            action=render(rule.action, fields),
        )

    def _raise(self, alarm: Alarm, *, at: int, now: int, by: str, detail: str) -> str:
        again = self._latched.get((alarm.rule, alarm.subject))
        if again is not None:
            self._write(realarmed(self._active[again]), Step.REALARMED, at=at, now=now, by=by, detail=detail)
            return again
        if self.find(alarm.id) is None:
            self._write(alarm, Step.RAISED, at=at, now=now, by=by, detail=detail)
        return alarm.id

    def _write(self, alarm: Alarm, step: Step, *, at: int, now: int, by: str, detail: str) -> None:
        self._seq += 1
        entry = Transition(
            seq=self._seq,
            alarm=alarm.id,
            rule=alarm.rule,
            severity=alarm.severity,
            device=alarm.device,
            unit=alarm.unit,
            step=step,
            at=at,
            recorded=now,
            by=by,
            detail=detail,
        )
        self._transitions.append(entry)
        self._touched[alarm.id] = alarm
        self._keep(alarm)
        if step in _TURNS:
            self.heed(alarm, now)

    def _keep(self, alarm: Alarm) -> None:
        self._latched.pop((alarm.rule, alarm.subject), None)
        if alarm.active and alarm.normal_since is not None:
            self._latched[alarm.rule, alarm.subject] = alarm.id
        if not alarm.active:
            self._close(alarm)
            return
        self._active[alarm.id] = alarm
        if alarm.device is not None:
            self._by_device.setdefault(alarm.device, {})[alarm.id] = None
        if alarm.shelved_until is None:
            self._shelved.pop(alarm.id, None)
        else:
            self._shelved[alarm.id] = None

    def _close(self, alarm: Alarm) -> None:
        self._active.pop(alarm.id, None)
        self._shelved.pop(alarm.id, None)
        self._last_comment.pop(alarm.id, None)
        ids = self._by_device.get(alarm.device or "")
        if ids is not None:
            ids.pop(alarm.id, None)
            if not ids:
                del self._by_device[alarm.device or ""]
        self._recent[alarm.id] = alarm
        self._recent.move_to_end(alarm.id)
        while len(self._recent) > MOST_RECENT:
            self._recent.popitem(last=False)

    def _fields(self, rule: CompiledRule, device: Device, values: Mapping[str, Value], detail: str) -> Fields:
        metrics = {metric.name: metric for metric in rule.family.metrics}

        def fields(name: str, language: str) -> str | None:
            if name == "value" and rule.metrics:
                name = rule.metrics[0][0].name
            if name in metrics:
                return value_text(metrics[name], values.get(name), language)
            return fixed.get(name) or (self._unit(device, language) if name == "unit_name" else None)

        fixed = {"device": device.device, "device_name": plain_text(device.name or device.device), "detail": plain_text(detail)}
        return fields

    def _unit(self, device: Device, language: str) -> str:
        if device.unit is None:
            return _NO_UNIT[language]
        return plain_text(self.unit_name(device.unit) or device.unit)
