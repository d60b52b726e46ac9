"""Alarms about devices' clocks, raised and cleared by what their own messages bear out.

Judged at arrivals, not in the device's time: that is what is in doubt, and it jumps when the clock is set.
"""

from collections.abc import Sequence

import msgspec

from alerts.book import AlarmBook
from alerts.clock_rules import ClockRule, offset_text
from alerts.device_memory import DeviceMemory
from alerts.fleet_clock import FleetClock
from alerts.inputs import ClockStep, OwnCondition
from alerts.row import Phase, Raise, Row
from alerts.standing import Standing
from ioc.domain.alarm import RuleState, Step
from ioc.domain.registry import Device
from ioc.domain.sample import ClockOffset


class ClockAlarms:
    """One row for each rule and device; the rules come gravest first.

    While a graver alarm stands, or waits because a person cleared it, a lesser one is not raised: one fault is one alarm.
    A lesser one that stood before stays, since to call it over would be wrong; it ends by its own limit.
    """

    def __init__(self, rules: Sequence[ClockRule], book: AlarmBook, standing: Standing) -> None:
        self._rules = rules
        self._book = book
        self._standing = standing
        self._fleet = FleetClock()

    def restore(self, state: RuleState) -> None:
        """The step of our own clock, as it was committed."""
        self._fleet.restore(state)

    def take_row(self) -> RuleState | None:
        """Its row, where it changed since the last call."""
        return self._fleet.take_row()

    def stepped(self, step: ClockStep) -> OwnCondition:
        """Our own clock was set: what is to be said of it. It changes no device's alarm."""
        return self._fleet.stepped(step)

    def take(self, offset: ClockOffset) -> OwnCondition | None:
        """An approved device's clock is so far off; what was known at that arrival already changes nothing.

        Returns what it tells of our own clock, where that is news.
        """
        device = self._standing.approved(offset.device, offset.family)
        memory = None if device is None else self._standing.memory(offset.device)
        if device is None or memory is None:
            return None
        condition = self._fleet.take(offset)
        self._judge_all(device, memory, msgspec.structs.replace(offset, offset_ms=offset.offset_ms - self._fleet.ours))
        return condition

    def _judge_all(self, device: Device, memory: DeviceMemory, offset: ClockOffset) -> None:
        rows = [memory.rows.get(rule.id) for rule in self._rules]
        if any(row is not None and offset.arrival <= row.decided for row in rows):
            return
        graver = False
        for rule, row in zip(self._rules, rows, strict=True):
            if not graver or (row is not None and row.phase is Phase.ACTIVE):
                graver |= self._judge(rule, row, device, memory, offset)

    def _judge(self, rule: ClockRule, row: Row | None, device: Device, memory: DeviceMemory, offset: ClockOffset) -> bool:
        """Whether its alarm stands, or waits for the clock to be right again."""
        truth = rule.truth(offset.offset_ms)
        if row is None:
            if not truth:
                return False
            row = memory.rows[rule.id] = Row(rule=None, name=rule.id, device=device.device)
        detail, now = f"clock_offset_ms={offset.offset_ms}", self._standing.now
        for effect in row.judge(truth, offset.arrival, heard=offset.arrival):
            if isinstance(effect, Raise):
                value = offset_text(offset.offset_ms)
                row.alarm = self._book.raise_for_all(rule, device, row.since, value, now=now, by="sample", detail=detail)
            else:
                self._book.end(row.alarm, Step.CLEARED, at=effect.at, now=now, by="sample", detail=detail)
        if row.changed:
            self._standing.note(row)
        return row.phase is Phase.ACTIVE or row.waits
