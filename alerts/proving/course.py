"""Rules and routes on given inputs and a given clock, without liveness of their own: what happened is told, not heard."""

from collections.abc import Iterable, Mapping, Sequence

from alerts.calm import Calm
from alerts.inputs import Input, Tick
from alerts.proving.backdrop import Backdrop
from alerts.proving.chronicle import Chronicle
from alerts.proving.lagging_fleet import HeldBack, LaggingFleet
from ioc.domain.alarm import Alarm, Transition
from ioc.domain.registry import Device
from ioc.domain.sample import Sample


class Course:
    """One engine and one notifier; `chronicle` holds what they decided."""

    def __init__(self, backdrop: Backdrop, devices: Iterable[Device]) -> None:
        self._fleet = LaggingFleet(backdrop.families, devices)
        self._engine = backdrop.engine(self._fleet)
        self._notifier = backdrop.notifier(self._fleet, self._engine)
        self.chronicle = Chronicle()

    def step(self, inputs: Sequence[Input], now: int, *, hearing: bool) -> None:
        """What follows at `now` (Unix ms) from what has come in since the last step; messages that were due before go out first."""
        self._let_due(now)
        for one in inputs:
            if isinstance(one, Sample):
                self._fleet.update(one)
        self._fleet.until = now
        outcome = self._engine.step((*inputs, Tick(now, hearing)), now)
        self._say(outcome.transitions, outcome.alarms, now)

    def calm(self, family: str) -> Calm:
        """Tells which samples of a family's devices change nothing but what is known of them."""
        return self._engine.calm(family)

    def hold_back(self, held_back: Mapping[str, HeldBack]) -> None:
        """Asks by a device's family for what was not told of it."""
        self._fleet.held_back = held_back

    def idle(self, until: int) -> bool:
        """Whether nothing follows up to a moment (Unix ms) unless something comes in."""
        due = self._notifier.next_due
        return not self._engine.waits and (due is None or due > until)

    def _let_due(self, now: int) -> None:
        while (due := self._notifier.next_due) is not None and due <= now:
            notice = self._notifier.due(due)
            self.chronicle.take((), (), notice.outbox)

    def _say(self, transitions: Sequence[Transition], alarms: Sequence[Alarm], now: int) -> None:
        if not transitions:
            return
        notice = self._notifier.step(transitions, {alarm.id: alarm for alarm in alarms}, now)
        self.chronicle.take(transitions, alarms, notice.outbox)
