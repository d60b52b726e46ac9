"""The rules at work: samples, events, liveness and ticks in, transitions out. Pure: the same inputs give the same journal.

Conditions are judged in the samples' time; `now` only says when we knew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo

import msgspec

from alerts.blindness import Blindness
from alerts.book import AlarmBook
from alerts.calm import Calm
from alerts.clock_alarms import ClockAlarms
from alerts.clock_rules import ClockRule
from alerts.device_memory import DeviceMemory
from alerts.fleet_clock import ROW as OUR_CLOCK
from alerts.group_alarms import GroupAlarms, is_group
from alerts.inputs import ClockStep, Input, OwnCondition, Tick
from alerts.lifecycle import Act
from alerts.own_alarms import OURSELVES, OwnAlarms
from alerts.row import Phase, Row
from alerts.rule import Rule
from alerts.rules.condition import NO_SIDES
from alerts.service import Service
from alerts.standing import Remembered, Standing
from alerts.suppression import Suppression
from ioc.domain.alarm import Alarm, RuleState, Severity, Step, Transition
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.family import Family
from ioc.domain.liveness_change import Liveness, LivenessChange
from ioc.domain.registry import Device
from ioc.domain.sample import ClockOffset, DeviceEvent, Sample, Value
from ioc.domain.service import ServiceOrder

_STANDS = frozenset({Phase.ACTIVE, Phase.KEEP_FIRING})


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """All that a step changed; to be committed in one transaction."""

    transitions: tuple[Transition, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    """Every alarm that a transition touches, as it stands after it."""
    rule_states: tuple[RuleState, ...] = ()
    """Only what changed; phase `inactive` = forget the row."""


class Engine:
    """Decides which alarms stand. `device_of` answers from the registry: unknown and held devices raise nothing."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        site: str,
        families: Iterable[Family],
        device_of: Callable[[str], Device | None],
        zone: tzinfo,
        unit_name: Callable[[str], str | None] = lambda _: None,
        parent_of: Callable[[str], str | None] = lambda _: None,
        clock_rules: Sequence[ClockRule] = (),
        calendar: Calendar = NO_DAYS,
        devices: Callable[[], Iterable[Device]] = tuple,
    ) -> None:
        """`devices`: all that the registry knows; rules about groups count them. `parent_of`: the unit above a unit."""
        self._book = AlarmBook(site, unit_name)
        for_all = [rule.id for rule in clock_rules]
        self._standing = Standing(rules, families, device_of=device_of, zone=zone, calendar=calendar, book=self._book, for_all=for_all)
        self._devices = devices
        self._service = Service(self._book, parent_of)
        self._suppression = Suppression(self._book, self._standing.memories.get)
        self._suppression.adopt(self._standing.rules, 0)
        self._book.heed = self._heed
        self._clocks = ClockAlarms(clock_rules, self._book, self._standing)
        self._groups = GroupAlarms(self._standing, self._book, devices, in_service=self._in_service)
        self._own = OwnAlarms(self._book, self._standing.note)
        self._blindness = Blindness()

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
        """Goes on where the last engine stopped, from what was committed.

        `latest`: device → metric → (ts, value) from the store. `heard_until`: the last tick's (without it: the newest value's
        time); what conditions have waited since then does not count. `orders`: what is out of service. Call `reconcile` next: rules
        or devices may be gone.
        """
        known, states, held = list(alarms), list(rule_states), latest or {}
        if heard_until is None:
            heard_until = max((ts for values in held.values() for ts, _ in values.values()), default=None)
        self._book.restore(known, seq)
        self._service.restore(orders)
        if heard_until is not None:
            self._blindness.restore(heard_until)
        rows = {(state.rule, state.device) for state in states}
        lost = [alarm for alarm in known if alarm.active and (alarm.rule, alarm.subject) not in rows]
        states += [_state_of(alarm) for alarm in lost]
        self._standing.restore([state for state in states if state.device != OURSELVES and not is_group(state)], held, heard_until)
        for state in states:
            if state.rule == OUR_CLOCK:
                self._clocks.restore(state)
            elif state.device == OURSELVES:
                self._own.restore(state)
            elif is_group(state):
                self._groups.restore(state)

    def step(self, inputs: Sequence[Input], now: int) -> Outcome:
        """What follows from a batch, in its order; `now` = our clock."""
        self._standing.now = now
        for order in self._service.expire(now):
            self._count_again(order)
        for one in inputs:
            if isinstance(one, Sample):
                self._sample(one)
            elif isinstance(one, LivenessChange):
                self._liveness(one)
            elif isinstance(one, DeviceEvent):
                self._event(one)
            elif isinstance(one, ClockOffset | ClockStep):
                self._clock(one, now)
            elif isinstance(one, Tick):
                self._tick(one, now)
            elif isinstance(one, OwnCondition):
                self._own.take(one, now)
        return self._outcome()

    def act(self, alarm: Alarm, act: Act, now: int) -> Outcome:
        """A person's act on an alarm (as the state database shows it); empty when it is so already.

        StepRefusedError when it does not fit the alarm's state.
        """
        self._standing.now = now
        current = self._book.find(alarm.id) or alarm
        row = self._row_of(current)
        if self._book.act(current, act, now) and act.step is Step.CLEARED and row is not None and row.alarm == current.id:
            row.clear_by_hand()
            self._standing.note(row)
        return self._outcome()

    def withdraw(self, now: int, *, rule: str | None = None, device: str | None = None) -> Outcome:
        """Ends all that a rule, or a device, or a rule on a device has raised, because it is gone."""
        self._standing.now = now
        self._standing.withdraw(rule=rule, device=device)
        if rule is not None and device is None:
            self._groups.withdraw(rule)
        return self._outcome()

    def reconcile(self, now: int) -> Outcome:
        """Ends what belongs to rules or devices that are no longer there; after `restore` and after changes of the registry."""
        self._standing.now = now
        self._service.expire(now)
        self._standing.reconcile()
        self._groups.adopt()
        self._service.reconcile(now)
        self._suppression.adopt(self._standing.rules, now)
        return self._outcome()

    def take_out(self, order: ServiceOrder, now: int) -> Outcome:
        """A device or unit is out of service from now on: its alarms are journalled so, and nobody is told of them."""
        self._standing.now = now
        self._service.put(order, now)
        self._count_again(order)
        return self._outcome()

    def give_back(self, order: str, now: int, *, by: str, reason: str = "") -> Outcome:
        """It is in service again, by a person; empty when no such order is in force."""
        self._standing.now = now
        ended = self._service.remove(order, now, by=f"person:{by}", detail=reason)
        if ended is not None:
            self._count_again(ended)
        return self._outcome()

    def order_of(self, device: Device) -> ServiceOrder | None:
        """The order by which a device is out of service."""
        return self._service.order_of(device.device, device.unit)

    def replace_rules(self, rules: Sequence[Rule], now: int) -> Outcome:
        """Puts other rules to work: those that decide as before keep their state, what the others raised is withdrawn."""
        self._standing.now = now
        self._standing.adopt(rules)
        self._groups.adopt()
        for device, memory in self._standing.memories.items():
            if memory.liveness is Liveness.OFFLINE and memory.away_since is not None and self._standing.takes_part(device):
                self._absent(memory, device, memory.away_since, "offline when the rule was loaded")
        self._suppression.adopt(self._standing.rules, now)
        return self._outcome()

    def would_raise(self, rules: Sequence[Rule]) -> Mapping[str, int]:
        """How many alarms each rule would raise on present data."""
        return self._standing.would_raise(rules)

    def device_changed(self, device: str, now: int) -> Outcome:
        """The registry says something new of a device: gone, its alarms end; approved, it may be offline already."""
        self._standing.now = now
        memory = self._standing.memories.get(device)
        self._groups.registered(device)
        if memory is None:
            return self._outcome()
        if self._standing.approved(device, memory.rules.family.family) is None:
            return self.withdraw(now, device=device)
        if memory.liveness is Liveness.OFFLINE and memory.away_since is not None:
            self._absent(memory, device, memory.away_since, "offline when it was approved")
        return self._outcome()

    @property
    def heard_until(self) -> int | None:
        """The last tick's, as `restore` takes it."""
        return self._blindness.heard_until or None

    def is_absence(self, rule: str) -> bool:
        """Whether a rule in force, by its id, says that a device fell."""
        return self._standing.is_absence(rule)

    @property
    def waits(self) -> bool:
        """Whether any condition's `for` is running, so that ticks matter."""
        return bool(self._standing.pending)

    def calm(self, family: str) -> Calm:
        """Tells which samples of a family's devices change nothing but what is known of them."""
        return Calm(self._standing.rules_of(family), self._standing.memories)

    def held(self) -> dict[str, dict[str, tuple[int, Value]]]:
        """The values that hold now, as `restore` takes them: device → metric → (ts, value)."""
        return {device: memory.held() for device, memory in self._standing.memories.items()}

    def active(self) -> tuple[Alarm, ...]:
        """Alarms whose condition stands, in the order in which they were raised."""
        return tuple(self._book.active())

    def remembered(self) -> Mapping[str, Remembered]:
        """What rules that look back hold in memory, by rule."""
        return self._standing.remembered()

    def alarms_of(self, device: str) -> tuple[Alarm, ...]:
        """A device's active alarms."""
        return self._book.of_device(device)

    def worst(self, device: str) -> Severity | None:
        """The gravest of a device's active alarms."""
        return self._book.worst(device)

    def liveness(self, device: str) -> Liveness | None:
        """What was told of a device's liveness last; None = nothing yet."""
        memory = self._standing.memories.get(device)
        return None if memory is None else memory.liveness

    def alarm(self, alarm: str) -> Alarm | None:
        """An active or recently ended alarm as it stands now."""
        return self._book.find(alarm)

    def _sample(self, sample: Sample) -> None:
        standing = self._standing
        if not sample.live or standing.approved(sample.device, sample.family) is None:
            return
        memory = standing.memories.get(sample.device)
        if memory is None or memory.rules.family.family != sample.family:
            memory = standing.memory(sample.device)
        if memory is None:
            return
        before, heard = memory.ts, memory.arrival
        if not memory.take(sample):
            return
        lost = self._lost(memory, sample, before, heard) if memory.rows and before is not None else 0
        memory.heard(sample.arrival)
        self._judge(memory, sample, lost, joined=before == sample.ts)
        if memory.rules.guarded and memory.rows:
            self._suppression.sampled(memory, self._standing.now)
        if memory.rules.groups:
            self._groups.judge(memory, sample.device, sample.ts, sample.arrival)

    def _judge(self, memory: DeviceMemory, sample: Sample, lost: int, *, joined: bool) -> None:
        values, ts, rows = memory.values, sample.ts, memory.rows
        for rule in memory.rules.concerned(values, rows):
            row = rows.get(rule.id) if rows else None
            if row is None:
                if rule.holds(values, NO_SIDES, None) and rule.within_hours(ts):
                    row = self._standing.new_row(memory, rule, sample.device)
                    self._standing.settle(memory, row, row.begin(ts, sample.arrival, rule.crossed(values, NO_SIDES)), by="sample")
            elif ts > row.decided or (joined and ts == row.decided):
                truth = rule.truth(values, row.sides, None, ts)
                if truth is None and rule.remembers and row.phase is Phase.PENDING:
                    truth = False  # what has been is forgotten: it has to be seen again
                told = memory.before if row.phase is Phase.PENDING and not truth else values
                crossed = rule.crossed(values, row.sides)
                effects = row.judge(truth, ts, heard=sample.arrival, lost=lost, crossed=crossed)
                self._standing.settle(memory, row, effects, by="sample", told=told)

    def _lost(self, memory: DeviceMemory, sample: Sample, before: int, heard: int) -> int:
        """The part of the time since the last sample that must not count: nobody could hear the device."""
        gap, family = sample.ts - before, memory.rules.family
        if gap <= memory.rules.whole_gap_ms:
            return 0
        if not heard:
            return gap  # nothing since our start vouches for what was before it
        unheard = max(memory.away(sample.arrival), self._blindness.between(heard, sample.arrival))
        return min(gap, max(0, gap - family.silence_ms, unheard))

    def _row_of(self, alarm: Alarm) -> Row | None:
        if alarm.device is not None:
            return self._standing.row_of(alarm)
        return self._groups.row(alarm.rule, alarm.subject) if alarm.subject else self._own.row(alarm.rule)

    def _event(self, event: DeviceEvent) -> None:
        if not event.live or self._standing.approved(event.device, event.family) is None:
            return
        memory = self._standing.memory(event.device)
        if memory is None:
            return
        values = memory.values_at(event.ts)
        for rule in memory.rules.by_event:
            row = memory.rows.get(rule.id)
            holds = rule.truth(values, NO_SIDES if row is None else row.sides, event.name, event.ts)
            if row is None and holds:
                row = self._standing.new_row(memory, rule, event.device)
            if row is not None and row.takes_event(event.ts):
                self._happens(memory, row, event, holds)

    def _happens(self, memory: DeviceMemory, row: Row, event: DeviceEvent, holds: bool | None) -> None:  # noqa: FBT001  true, false, can't be told
        """An event is true for its moment only; after its time the old alarm ends before a new one, until then it lasts longer."""
        if row.rule is None:
            return
        values, detail = memory.values_at(event.ts), f"event={event.name}"
        truths = [False, holds] if row.outlasted(event.ts) else [holds]
        if holds:
            row.event = event.ts
        for truth in truths:
            effects = row.judge(truth, event.ts, heard=event.arrival, crossed=row.rule.crossed(values, row.sides))
            self._standing.settle(memory, row, effects, by="sample", detail=detail, told=values)
        if holds and row.phase in _STANDS:
            without = row.rule.truth(values, row.sides, None, event.ts)
            effects = row.judge(without, event.ts, heard=event.arrival, crossed=row.rule.crossed(values, row.sides))
            self._standing.settle(memory, row, effects, by="sample")

    def _clock(self, news: ClockOffset | ClockStep, now: int) -> None:
        condition = self._clocks.take(news) if isinstance(news, ClockOffset) else self._clocks.stepped(news)
        if isinstance(news, ClockStep):
            self._own.clock_set(news.at)
        if condition is not None:
            self._own.take(condition, now)

    def _liveness(self, change: LivenessChange) -> None:
        memory = self._standing.memory(change.device)
        if memory is None:
            return
        memory.becomes(change.state, change.at)
        if self._standing.approved(change.device, change.family) is None:
            return
        if change.state is Liveness.OFFLINE:
            self._absent(memory, change.device, change.at, f"offline, {change.cause.value}")
        elif change.state is Liveness.ONLINE:
            self._present(memory, change.at)
        if memory.rules.groups:
            self._groups.judge(memory, change.device, change.at, change.at)

    def _absent(self, memory: DeviceMemory, device: str, at: int, detail: str) -> None:
        for rule in memory.rules.by_liveness:
            row = memory.rows.get(rule.id) or self._standing.new_row(memory, rule, device)
            if row.takes_absence(at):
                since = max(at, row.decided + 1)
                self._standing.settle(memory, row, row.begin(since, since), by="tick", detail=detail)

    def _present(self, memory: DeviceMemory, at: int) -> None:
        for rule in memory.rules.by_liveness:
            row = memory.rows.get(rule.id)
            if row is None:
                continue
            if row.waits and at > row.decided:
                row.end_wait()
                self._standing.note(row)
            elif row.phase in {Phase.PENDING, Phase.ACTIVE} and at >= row.since:
                self._standing.settle(memory, row, row.clear(at), by="arrival", detail="heard again")

    def _tick(self, tick: Tick, now: int) -> None:
        last_heard = self._blindness.heard_until
        for row in list(self._standing.pending.values()):
            memory = self._standing.memories.get(row.device)
            if memory is None:
                self._groups.tick(row, tick.heard_until, hearing=tick.hearing, last_heard=last_heard)
                continue
            counts = tick.hearing and self._can_wait(row, memory)
            effects = row.tick(tick.heard_until, counts=counts, last_heard=last_heard)
            self._standing.settle(memory, row, effects, by="tick")
        self._blindness.tick(tick.heard_until, hearing=tick.hearing)
        for alarm in self._book.shelved_before(now):
            self._book.unshelve(alarm, now)

    def _can_wait(self, row: Row, memory: DeviceMemory) -> bool:
        if self._standing.approved(row.device, memory.rules.family.family) is None:
            return False
        if row.rule is not None and row.rule.rule.is_absence:
            return memory.liveness is Liveness.OFFLINE
        return memory.online

    def _heed(self, alarm: Alarm, now: int) -> None:
        self._service.judge(alarm, now)
        self._suppression.heed(self._book.find(alarm.id) or alarm, now)

    def _in_service(self, device: Device) -> bool:
        return self.order_of(device) is None

    def _count_again(self, order: ServiceOrder) -> None:
        """Rules about groups count what is in service."""
        for device in [one for one in self._devices() if self._service.reaches(order, one.device, one.unit)]:
            self._groups.registered(device.device)

    def _outcome(self) -> Outcome:
        transitions, alarms = self._book.take()
        clock = self._clocks.take_row()
        rows = (*self._standing.take(), *(() if clock is None else (clock,)))
        return Outcome(transitions=transitions, alarms=alarms, rule_states=rows)


def _state_of(alarm: Alarm) -> RuleState:
    """The row of a standing alarm whose own was lost."""
    latched = alarm.normal_since is not None
    return RuleState(
        rule=alarm.rule,
        device=alarm.subject,
        phase=Phase.WATCHING.value if latched else Phase.ACTIVE.value,
        since=alarm.since,
        heard_since=alarm.since,
        alarm=alarm.id,
        memory={"decided": alarm.normal_since or alarm.since, "last": alarm.since if latched else None},
    )
