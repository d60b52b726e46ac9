"""Random histories of one rule and one device, lived through by the engine and by the reference beside it."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from alerts.engine import Engine, Outcome
from alerts.inputs import Input
from alerts.lifecycle import TABLE, Act, StepRefusedError, state_of
from alerts.rule import Rule
from ioc.domain.alarm import Alarm, RuleState, Step
from ioc.domain.registry import Device
from ioc.domain.sample import Sample, Value
from model.reference_alarm import ABOVE, CLEAR_BELOW, SILENCE_S, Reference, RefusedError
from ruling.stage import FAMILIES, NOON, SECOND, ZONE, deaf, offline, online, rule, sample, tick

WHEN = {"kind": "threshold", "metric": "amp_temp_c", "above": str(ABOVE), "clear_below": str(CLEAR_BELOW)}
TIMES = tuple(product((0, 30, 100, 400), (0, 45, 150)))
"""`for` and `keep_firing_for` of the rules, seconds."""
RULES: dict[tuple[int, int], Rule] = {
    (for_s, keep_s): rule(WHEN, id="hot", keep_firing_for=f"{keep_s}s", **{"for": f"{for_s}s"}) for for_s, keep_s in TIMES
}
FAMILY = FAMILIES["speaker"]
DEVICE = Device(device="d1", family="speaker", unit="u1")
KINDS = (
    "hot", "hot", "hot", "cold", "cold", "warm", "other", "again", "old", "silence", "blind", "restart", "ack", "shelve", "clear", "wait",
)  # fmt: skip
VALUES = {"hot": 90, "warm": 75, "cold": 60, "other": None}
STEPS_S = (2, 7, 20, 60, 60, 60, 80, 130, 300)


@dataclass
class Life:
    """The engine, what it has committed, and what it told."""

    rule: Rule
    told: list[tuple[str, int, int]] = field(default_factory=list)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    states: dict[str, RuleState] = field(default_factory=dict)
    latest: dict[str, tuple[int, Value]] = field(default_factory=dict)
    heard: int | None = None
    last: str = ""
    illegal: int = 0
    late: int = 0
    """Alarms raised before their `for` was over, or in the future."""

    def __post_init__(self) -> None:
        self.engine = self._new()

    def _new(self) -> Engine:
        return Engine((self.rule,), site="s", families=(FAMILY,), device_of={"d1": DEVICE}.get, zone=ZONE)

    def step(self, now: int, *inputs: Input) -> None:
        """What happens at a second."""
        self.commit(self.engine.step(inputs, NOON + now * SECOND), now)

    def commit(self, outcome: Outcome, now: int) -> None:
        """Keeps what was decided, as the state database does."""
        after = {alarm.id: alarm for alarm in outcome.alarms}
        for entry in outcome.transitions:
            since = (after[entry.alarm].since - NOON) // SECOND
            at = (entry.at - NOON) // SECOND
            if entry.step is Step.RAISED:
                self.late += not since + self.rule.for_ // SECOND <= at <= now
                self.last, at = entry.alarm, 0
            self.told.append((entry.step.value, since, at))
        if len(outcome.transitions) == 1:
            self._check(outcome.transitions[0].step, self.alarms.get(outcome.transitions[0].alarm), outcome.alarms[0])
        self.alarms |= after
        for state in outcome.rule_states:
            if state.phase == "inactive":
                self.states.pop(state.rule, None)
            else:
                self.states[state.rule] = state

    def _check(self, step: Step, before: Alarm | None, after: Alarm) -> None:
        was = None if before is None else state_of(before)
        self.illegal += (was, step) not in TABLE or TABLE[was, step] is not state_of(after)

    def restart(self, now: int) -> None:
        """Another process takes over from what was committed and stored."""
        self.engine = self._new()
        self.engine.restore(
            alarms=[alarm for alarm in self.alarms.values() if alarm.active or not alarm.acknowledged],
            rule_states=list(self.states.values()),
            latest={"d1": self.latest} if self.latest else {},
            seq=len(self.told),
            heard_until=self.heard,
        )
        self.commit(self.engine.reconcile(NOON + now * SECOND), now)

    def act(self, act: Act, now: int) -> None:
        """A person acts on the last alarm; RefusedError as the reference says it."""
        try:
            self.commit(self.engine.act(self.alarms[self.last], act, NOON + now * SECOND), now)
        except StepRefusedError:
            raise RefusedError from None


class History:
    """One history: both live through the same, in the order in which a server would hear it."""

    def __init__(self, dice: random.Random, events: int) -> None:
        self.times = dice.choice(TIMES)
        self.life = Life(RULES[self.times])
        self.model = Reference(*self.times)
        self.script: list[tuple[str, int]] = []
        self._now, self._began, self._blind, self._dice = 0, 0, False, dice
        self._last: tuple[int, int | None] | None = None
        for _ in range(events):
            self._listen(dice.choice(STEPS_S) - 1)
            self._now += 1
            self._happens(dice.choice(KINDS))
            self._listen(0)

    def _listen(self, seconds: int) -> None:
        """A canary comes back now and then, unless we are deaf."""
        for now in sorted({self._now + self._dice.randint(0, seconds), self._now + seconds}):
            self._now = now
            heard = NOON + now * SECOND
            self.life.step(now, deaf(self.life.heard or heard) if self._blind else tick(heard))
            self.life.heard = self.life.heard if self._blind else heard
            self.model.tick(now, hearing=not self._blind)

    def _happens(self, kind: str) -> None:
        self.script.append((kind, self._now))
        match kind:
            case "hot" | "warm" | "cold" | "other" if not self._blind:
                self._message(VALUES[kind])
            case "again" | "old" if self._last is not None and not self._blind:
                at, value = self._last
                self.life.step(self._now, _sample(at if kind == "again" else at - 1, value, self._now))
            case "silence" if self.model.online is not False and self.model.at is not None and not self._blind:
                self._listen(max(0, max(self.model.at, self._began) + SILENCE_S + 1 - self._now))
                self._gone = offline(NOON + self._now * SECOND)
                self.life.step(self._now, self._gone)
                self.model.goes_offline()
            case "blind":
                self._blind = not self._blind
            case "restart":
                self._began = self._now
                self.life.restart(self._now)
                self.model.restart()
                if self.model.online is False:
                    self.life.step(self._now, self._gone)  # as the server says again what it knew
            case "ack" | "shelve" | "clear" if self.model.alarms and self.life.last:
                self._act(kind)

    def _message(self, value: int | None) -> None:
        if not self.model.online:
            self.life.step(self._now, online(NOON + self._now * SECOND))
        said = _sample(self._now, value, self._now)
        self.life.step(self._now, said)
        self.model.message(self._now, value)
        self._last = self._now, value
        index = FAMILY.index
        self.life.latest |= {name: (said.ts, said.values[place]) for name, place in index.items() if said.values[place] is not None}

    def _act(self, kind: str) -> None:
        now, until = self._now, self._now + self._dice.choice((60, 500))
        acts = {
            "ack": (Act(step=Step.ACKNOWLEDGED, by="an"), lambda: self.model.acknowledge(now)),
            "shelve": (Act(step=Step.SHELVED, by="an", until=NOON + until * SECOND), lambda: self.model.shelve(now, until)),
            "clear": (Act(step=Step.CLEARED, by="an"), lambda: self.model.clear(now)),
        }
        act, other = acts[kind]
        answers = []
        for does in (lambda: self.life.act(act, now), other):
            try:
                does()
                answers.append("done")
            except RefusedError:
                answers.append("refused")
        if answers[0] != answers[1]:
            self.life.told.append((f"engine {answers[0]}, reference {answers[1]}", 0, now))

    @property
    def differs(self) -> bool:
        """Whether the engine told anything else than the reference."""
        return self.life.told != self.model.told


@dataclass
class Sums:
    """What many histories came to."""

    histories: int = 0
    differences: int = 0
    illegal: int = 0
    late: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    first: Sequence[object] = ()
    """The first history that differs: times, script, what the engine told, what the reference told."""


def compare(seeds: range, events: int) -> Sums:
    """Histories of so many events, one for each seed."""
    sums = Sums()
    for seed in seeds:
        history = History(random.Random(seed), events)
        sums.histories += 1
        sums.differences += history.differs
        sums.illegal += history.life.illegal
        sums.late += history.life.late
        sums.steps.update(step for step, _, _ in history.model.told)
        if history.differs and not sums.first:
            sums.first = (seed, history.times, history.script, history.life.told, history.model.told)
    return sums


def _sample(at: int, value: int | None, arrival: int) -> Sample:
    values = {"volume": 1} if value is None else {"amp_temp_c": float(value)}
    return sample(NOON + at * SECOND, arrival=NOON + arrival * SECOND, **values)
