"""A recording played again: the same entries into a new engine and notifier must bring the same decisions, byte by byte."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from alerts.engine import Engine, Outcome
from alerts.lifecycle import StepRefusedError
from alerts.notifier import Notifier
from alerts.proving import tape
from alerts.proving.backdrop import Backdrop
from alerts.proving.chronicle import Chronicle
from ioc.domain.alarm import Alarm, Transition
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Unit
from ioc.domain.sample import Sample
from ioc.domain.units import UnitTree

_NO_BEGINNING = "the recording doesn't begin with a site and an engine; it is damaged"
Part = TypeVar("Part")
MOST_DIFFERENCES = 100
"""Differences that are kept; all are counted."""


class Deviation(msgspec.Struct, frozen=True):
    """Where a replay decided otherwise: at our clock's `now`, what was recorded, and what came."""

    now: int
    recorded: tape.Decided | None
    replayed: tape.Decided | None


class Replay:
    """Takes a recording's entries in order. TapeError for a recording that doesn't begin as it must."""

    def __init__(self, scenery: Callable[[bytes, Callable[[str], Unit | None]], Backdrop]) -> None:
        """`scenery`: a site from its document, with the way to ask for a unit's row as of now."""
        self._scenery = scenery
        self._backdrop: Backdrop | None = None
        self._fleet: Fleet | None = None
        self._engine: Engine | None = None
        self._notifier: Notifier | None = None
        self._tree = UnitTree(())
        self._transitions: list[Transition] = []
        self._alarms: dict[str, Alarm] = {}
        self._awaited: tape.Decided | None = None
        self._now = 0
        self.chronicle = Chronicle()
        """What the replay decided."""
        self.deviations: list[Deviation] = []
        self.deviating = 0
        self.steps = self.starts = self.faults = 0
        """Calls that were replayed; engines that began; calls that failed, as they did when they were recorded."""
        self.first: int | None = None
        self.last: int | None = None
        """Our clock at the first and at the last entry."""
        self.ended = ""
        """Why the recording ends; empty where it breaks off."""

    def take(self, entry: tape.Entry) -> None:
        """The next entry."""
        if self._awaited is not None and not isinstance(entry, tape.Decided):
            self._compare(None)
        match entry:
            case tape.Decided():
                self._compare(entry)
            case tape.Ended():
                self.last, self.ended = entry.now, entry.why
            case tape.Silenced():
                _running(self._notifier).silence(entry.silence)
            case tape.Lifted():
                _running(self._notifier).lift(entry.silence)
            case tape.Opened() | tape.Started() | tape.Placed() | tape.UnitsKnown() | tape.EngineRestored() | tape.NotifierRestored():
                self._prepare(entry)
            case _:
                self._decide(entry)

    def _prepare(
        self, entry: tape.Opened | tape.Started | tape.Placed | tape.UnitsKnown | tape.EngineRestored | tape.NotifierRestored
    ) -> None:
        match entry:
            case tape.Opened():
                self._backdrop = self._scenery(entry.document, self._unit)
            case tape.Started():
                self._start(entry)
            case tape.Placed():
                _running(self._fleet).place(entry.device)
            case tape.UnitsKnown():
                self._tree = UnitTree(entry.units)
            case tape.EngineRestored(alarms, states, latest, seq, heard_until, orders):
                for device, values in latest.items():
                    _running(self._fleet).restore(device, values)
                _running(self._engine).restore(
                    alarms=alarms, rule_states=states, latest=latest, seq=seq, heard_until=heard_until, orders=orders
                )
            case tape.NotifierRestored():
                _running(self._notifier).restore(entry.groups, entry.alarms, entry.position)

    def finish(self) -> None:
        """No entry follows."""
        if self._awaited is not None:
            self._compare(None)

    def _start(self, entry: tape.Started) -> None:
        if self._backdrop is None:
            raise tape.TapeError(_NO_BEGINNING)
        self.starts += 1
        self._tree = UnitTree(entry.units)
        self._fleet = self._backdrop.fleet(entry.devices)
        for device, values in entry.told.items():
            self._fleet.restore(device, {name: (0, value) for name, value in values.items()})
        self._engine = self._backdrop.engine(self._fleet)
        self._notifier = self._backdrop.notifier(self._fleet, self._engine)
        self._transitions, self._alarms = [], {}

    def _decide(self, entry: tape.Call | tape.Noticed) -> None:
        self._now = self.last = entry.now
        self.first = entry.now if self.first is None else self.first
        if isinstance(entry, tape.Noticed):
            self._notice(entry.now)
            return
        self.steps += 1
        try:
            outcome = self._called(entry)
        except StepRefusedError:
            return
        except tape.TapeError:
            raise
        except Exception:  # noqa: BLE001  what stumbled live stumbles again, and changes as much
            self.faults += 1
            return
        self._transitions += outcome.transitions
        self._alarms |= {alarm.id: alarm for alarm in outcome.alarms}

    def _called(self, entry: tape.Call) -> Outcome:
        engine = _running(self._engine)
        match entry:
            case tape.Stepped():
                inputs = tape.inputs_of(entry)
                for one in inputs:
                    if isinstance(one, Sample):
                        _running(self._fleet).update(one)
                return engine.step(inputs, entry.now)
            case tape.Acted():
                return engine.act(entry.alarm, entry.act, entry.now)
            case tape.Reconciled():
                return engine.reconcile(entry.now)
            case tape.TakenOut() | tape.GivenBack():
                return _served(engine, entry)
            case tape.DeviceChanged():
                return engine.device_changed(entry.device, entry.now)
            case tape.Withdrawn():
                return engine.withdraw(entry.now, rule=entry.rule, device=entry.device)

    def _notice(self, now: int) -> None:
        transitions, alarms = tuple(self._transitions), self._alarms
        self._transitions, self._alarms = [], {}
        try:
            notice = _running(self._notifier).step(transitions, alarms, now)
        except Exception:  # noqa: BLE001  see above
            self.faults += 1
            return
        if transitions or notice.outbox:
            self._awaited = tape.Decided(transitions, tuple(alarms.values()), notice.outbox)
            self.chronicle.take(transitions, tuple(alarms.values()), notice.outbox)

    def _compare(self, recorded: tape.Decided | None) -> None:
        replayed, self._awaited = self._awaited, None
        if recorded is not None and replayed is not None and tape.encode(recorded) == tape.encode(replayed):
            return
        self.deviating += 1
        if len(self.deviations) < MOST_DIFFERENCES:
            self.deviations.append(Deviation(self._now, recorded, replayed))

    def _unit(self, unit: str) -> Unit | None:
        if self._backdrop is None:
            return None
        return self._tree.get(unit, datetime.fromtimestamp(self._now / 1000, self._backdrop.zone).date().isoformat())


def _served(engine: Engine, entry: tape.TakenOut | tape.GivenBack) -> Outcome:
    if isinstance(entry, tape.TakenOut):
        return engine.take_out(entry.order, entry.now)
    return engine.give_back(entry.order, entry.now, by=entry.by, reason=entry.reason)


def _running(part: Part | None) -> Part:
    if part is None:
        raise tape.TapeError(_NO_BEGINNING)
    return part
