"""Engine, notifier and registry that write down what they are told, as long as a tape runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from alerts.engine import Engine, Outcome
from alerts.inputs import Input
from alerts.lifecycle import Act
from alerts.notice import Notice
from alerts.notifier import Notifier
from alerts.proving import tape as entries
from ioc.domain.alarm import Alarm, NotificationGroup, RuleState, Transition
from ioc.domain.fleet import Fleet
from ioc.domain.registry import Device
from ioc.domain.sample import Value
from ioc.domain.service import ServiceOrder
from ioc.domain.silence import Silence


class Tape(Protocol):
    """What writes down; it must not fail, and not wait."""

    @property
    def runs(self) -> bool:
        """Whether anything is to be written down."""

    def put(self, entry: entries.Entry) -> None:
        """Takes one entry."""


class TapedEngine(Engine):
    """An engine; each of its calls is one entry, before it is carried out."""

    tape: Tape | None = None
    _inside = False

    def restore(
        self,
        *,
        alarms: Iterable[Alarm] = (),
        rule_states: Iterable[RuleState] = (),
        latest: Mapping[str, Mapping[str, tuple[int, Value]]] | None = None,
        seq: int = 0,
        heard_until: int | None = None,
        orders: Iterable[ServiceOrder] = (),
    ) -> None:
        """See Engine."""
        known, states, out = tuple(alarms), tuple(rule_states), tuple(orders)
        if self.tape is not None and self.tape.runs:
            held = {device: dict(values) for device, values in (latest or {}).items()}
            self.tape.put(entries.EngineRestored(known, states, held, seq, heard_until, out))
        super().restore(alarms=known, rule_states=states, latest=latest, seq=seq, heard_until=heard_until, orders=out)

    def step(self, inputs: Sequence[Input], now: int) -> Outcome:
        """See Engine."""
        if self.tape is not None and self.tape.runs:
            self.tape.put(entries.Stepped(now, entries.told(inputs)))
        return super().step(inputs, now)

    def act(self, alarm: Alarm, act: Act, now: int) -> Outcome:
        """See Engine."""
        return self._taped(entries.Acted(now, alarm, act), lambda: Engine.act(self, alarm, act, now))

    def withdraw(self, now: int, *, rule: str | None = None, device: str | None = None) -> Outcome:
        """See Engine."""
        return self._taped(entries.Withdrawn(now, rule, device), lambda: Engine.withdraw(self, now, rule=rule, device=device))

    def reconcile(self, now: int) -> Outcome:
        """See Engine."""
        return self._taped(entries.Reconciled(now), lambda: Engine.reconcile(self, now))

    def take_out(self, order: ServiceOrder, now: int) -> Outcome:
        """See Engine."""
        return self._taped(entries.TakenOut(now, order), lambda: Engine.take_out(self, order, now))

    def give_back(self, order: str, now: int, *, by: str, reason: str = "") -> Outcome:
        """See Engine."""
        return self._taped(entries.GivenBack(now, order, by, reason), lambda: Engine.give_back(self, order, now, by=by, reason=reason))

    def device_changed(self, device: str, now: int) -> Outcome:
        """See Engine."""
        return self._taped(entries.DeviceChanged(now, device), lambda: Engine.device_changed(self, device, now))

    def _taped(self, entry: entries.Entry, call: Callable[[], Outcome]) -> Outcome:
        """One entry for a call, none for those that it makes itself."""
        if self._inside or self.tape is None or not self.tape.runs:
            return call()
        self.tape.put(entry)
        self._inside = True
        try:
            return call()
        finally:
            self._inside = False


class TapedNotifier(Notifier):
    """A notifier; what it is told is written down, and what followed from it and from the engine's decisions."""

    tape: Tape | None = None

    def silence(self, silence: Silence) -> None:
        """See Notifier."""
        if self.tape is not None and self.tape.runs:
            self.tape.put(entries.Silenced(silence))
        super().silence(silence)

    def lift(self, silence: str) -> None:
        """See Notifier."""
        if self.tape is not None and self.tape.runs:
            self.tape.put(entries.Lifted(silence))
        super().lift(silence)

    def restore(self, groups: Iterable[NotificationGroup], alarms: Iterable[Alarm], position: int) -> None:
        """See Notifier."""
        kept, known = tuple(groups), tuple(alarms)
        if self.tape is not None and self.tape.runs:
            self.tape.put(entries.NotifierRestored(kept, known, position))
        super().restore(kept, known, position)

    def step(self, transitions: Iterable[Transition], alarms: Mapping[str, Alarm], now: int) -> Notice:
        """See Notifier."""
        if self.tape is None or not self.tape.runs:
            return super().step(transitions, alarms, now)
        decided = tuple(transitions)
        self.tape.put(entries.Noticed(now))
        notice = super().step(decided, alarms, now)
        if decided or notice.outbox:
            self.tape.put(entries.Decided(decided, tuple(alarms.values()), notice.outbox))
        return notice


class TapedFleet(Fleet):
    """A registry; what it says of devices is written down."""

    tape: Tape | None = None

    def place(self, device: Device) -> None:
        """See Fleet."""
        if self.tape is not None and self.tape.runs:
            self.tape.put(entries.Placed(device))
        super().place(device)
