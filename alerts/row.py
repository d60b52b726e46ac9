"""What a rule remembers about one device, and how that moves on: pending, active, keep_firing, watching.

`watching` is a quiet rule whose last alarm must not come a second time when the same samples are handed over again.
Times of the condition are the samples'; only `heard_since`, `shift` and `frozen_at` are our clock's.
"""

from dataclasses import dataclass
from enum import StrEnum

from alerts.compiled import CompiledRule
from alerts.rules.condition import NO_SIDES, Sides
from ioc.domain.alarm import RuleState

FORGET_AFTER_MS = 86_400_000
"""How long a quiet rule remembers its last alarm, in the device's time."""
_SIDE = "side:"


class Phase(StrEnum):
    """As kept in a RuleState."""

    INACTIVE = "inactive"
    PENDING = "pending"
    ACTIVE = "active"
    KEEP_FIRING = "keep_firing"
    WATCHING = "watching"


@dataclass(frozen=True, slots=True)
class Raise:
    """The alarm is raised: it holds so since `at`."""

    at: int


@dataclass(frozen=True, slots=True)
class Clear:
    """The alarm is over at `at`."""

    at: int


Effect = Raise | Clear


@dataclass(slots=True, kw_only=True)
class Row:
    """One rule's memory of one device; `rule` None = a condition of our own."""

    rule: CompiledRule | None
    name: str
    device: str
    phase: Phase = Phase.INACTIVE
    since: int = 0
    heard_since: int = 0
    alarm: str | None = None
    last: int | None = None
    """Since when its last alarm, which is over, had held."""
    decided: int = -1
    """The moment up to which it has decided: what is handed over again changes nothing."""
    false_since: int | None = None
    event: int | None = None
    """When the last event happened that it took into account."""
    frozen: int = 0
    """Time between samples that did not count, because nobody could hear the device."""
    shift: int = 0
    """By how much `heard_since` has been moved on for the same reason."""
    frozen_at: int | None = None
    waits: bool = False
    """A person cleared the alarm: the condition must be false before it can be raised again."""
    withdrawn: bool = False
    sides: Sides = NO_SIDES
    changed: bool = False

    def begin(self, at: int, heard: int, crossed: Sides = NO_SIDES) -> list[Effect]:
        """The condition has become true; `crossed` = the sides on which its thresholds stand."""
        self.since, self.heard_since, self.alarm, self.sides = at, heard, None, crossed
        self.frozen = self.shift = 0
        self.frozen_at = self.false_since = None
        self.waits = self.withdrawn = False
        self._decide(at)
        if self.rule is None or self.rule.for_ms == 0:
            self.phase = Phase.ACTIVE
            return [Raise(at)]
        self.phase = Phase.PENDING
        return []

    def judge(self, truth: bool | None, at: int, *, heard: int, lost: int = 0, crossed: Sides = NO_SIDES) -> list[Effect]:  # noqa: FBT001  true, false, can't be told
        """A sample or event of the device says so; `lost` = time since its last sample that must not count."""
        if self.phase is Phase.INACTIVE:
            return self.begin(at, heard, crossed) if truth else []
        if self.phase is Phase.WATCHING:
            return self._watch(truth, at, heard, crossed)
        effects: list[Effect] = []
        if self.phase is Phase.PENDING:
            effects = self._wait(truth, at, heard, lost)
        if self.phase in {Phase.ACTIVE, Phase.KEEP_FIRING}:
            effects += self._fire(truth, at)
        if truth and crossed != self.sides:
            self.sides = crossed
            self._decide(at)
        return effects

    def tick(self, heard_until: int, *, counts: bool, last_heard: int) -> list[Effect]:
        """Our listening went on to `heard_until`; `counts` = the device could be heard all the while."""
        if not counts:
            if self.frozen_at is None:
                self.frozen_at, self.changed = max(self.heard_since, last_heard), True
            return []
        self._thaw(heard_until)
        if self.rule is None:
            return []
        if self.rule.window is not None and not self.rule.window.contains(heard_until):
            self._drop(self.since)
            return []
        if heard_until - self.heard_since < self.rule.for_ms:
            return []
        missed = self.shift if self.shift > self.rule.whole_gap_ms else 0
        return self._ripen(min(self.since + self.rule.for_ms + max(self.frozen, missed), heard_until))

    def takes_event(self, at: int) -> bool:
        """Whether an event is news: later than what has been decided, and than the last one."""
        return at >= self.decided and (self.event is None or at > self.event)

    def takes_absence(self, at: int) -> bool:
        """Whether going offline is news: nothing stands, and it was not decided before."""
        if self.phase is Phase.INACTIVE:
            return True
        return self.phase is Phase.WATCHING and not self.waits and (at > self.decided or self.withdrawn)

    def outlasted(self, at: int) -> bool:
        """Whether the alarm's condition has been false long enough for it to clear at this moment."""
        keeps = 0 if self.rule is None else self.rule.keeps_ms
        return self.phase is Phase.KEEP_FIRING and self.false_since is not None and at >= self.false_since + keeps

    def clear(self, at: int) -> list[Effect]:
        """The condition is over for other reasons than a sample; a pending one is forgotten."""
        if self.phase is Phase.PENDING:
            self._drop(at)
            return []
        self._end(at)
        return [Clear(at)]

    def clear_by_hand(self) -> None:
        """A person cleared it, though its condition may hold: only a new one raises it again."""
        self._end(self.decided)
        self.waits = True

    def withdraw(self, at: int, *, for_good: bool) -> None:
        """Its device (or, for good, its rule) is gone."""
        if for_good:
            self._forget(self.decided)
        elif self.phase is Phase.PENDING:
            self._drop(self.decided)
        elif self.phase is not Phase.WATCHING:
            self._end(at if self.rule is not None and self.rule.rule.is_absence else self.decided)
            self.withdrawn = True

    def end_wait(self) -> None:
        """What a person cleared is over by itself: a new one may be raised."""
        self.waits, self.changed = False, True

    def _watch(self, truth: bool | None, at: int, heard: int, crossed: Sides) -> list[Effect]:  # noqa: FBT001
        if truth and not self.waits and (self.last is None or at > self.last):
            return self.begin(at, heard, crossed)
        if truth is False and self.waits:
            self.waits = False
            self._decide(at)
        elif truth is False and at - self.decided > FORGET_AFTER_MS and not self._latches:
            self._forget(at)
        return []

    @property
    def _latches(self) -> bool:
        """Its alarm may stand long after its condition ended, and goes with its rule or device."""
        return self.rule is not None and self.rule.rule.latched

    def _wait(self, truth: bool | None, at: int, heard: int, lost: int) -> list[Effect]:  # noqa: FBT001
        if self.rule is None:
            return []
        if lost:
            self.frozen += lost
            self._decide(at)
        deadline = self.since + self.rule.for_ms + self.frozen
        if at >= deadline and (effects := self._ripen(deadline)):
            self._decide(at)
            return effects
        if truth is False:
            self._drop(at)
        elif truth and self.rule.hours_ended(self.since, at):
            return self.begin(at, heard)
        return []

    def _ripen(self, deadline: int) -> list[Effect]:
        if self.rule is None or self.rule.hours_ended(self.since, deadline):
            return []
        self.phase, self.changed = Phase.ACTIVE, True
        return [Raise(deadline)]

    def _fire(self, truth: bool | None, at: int) -> list[Effect]:  # noqa: FBT001
        if truth and self.phase is Phase.KEEP_FIRING:
            self.phase, self.false_since = Phase.ACTIVE, None
            self._decide(at)
        if truth is not False:
            return []
        if self.phase is Phase.ACTIVE:
            self.phase, self.false_since, self.sides = Phase.KEEP_FIRING, at, NO_SIDES
            self._decide(at)
        if not self.outlasted(at):
            return []
        self._end(at)
        return [Clear(at)]

    def _end(self, at: int) -> None:
        self.last = self.since
        self.phase, self.false_since, self.sides = Phase.WATCHING, None, NO_SIDES
        self._decide(at)

    def _drop(self, at: int) -> None:
        """What was pending came to nothing; an alarm before it is still remembered."""
        if self.last is None:
            self._forget(at)
            return
        self.phase, self.sides = Phase.WATCHING, NO_SIDES
        self._decide(at)

    def _forget(self, at: int) -> None:
        self.phase, self.sides = Phase.INACTIVE, NO_SIDES
        self._decide(at)

    def _decide(self, at: int) -> None:
        self.decided = max(self.decided, at)
        self.changed = True

    def _thaw(self, heard_until: int) -> None:
        if self.frozen_at is None:
            return
        lost = heard_until - self.frozen_at
        self.frozen_at = None
        if lost > 0:
            self.heard_since += lost
            self.shift += lost
            self.changed = True

    def state(self) -> RuleState:
        """As committed."""
        memory: dict[str, float | int | str | None] = {"decided": self.decided}
        for key in ("false_since", "event", "last", "frozen_at"):
            if (value := getattr(self, key)) is not None:
                memory[key] = value
        for key in ("frozen", "shift", "waits", "withdrawn"):
            if value := getattr(self, key):
                memory[key] = int(value)
        memory.update({_SIDE + key: 1 for key in sorted(self.sides)})
        return RuleState(
            rule=self.name,
            device=self.device,
            phase=self.phase.value,
            since=self.since,
            heard_since=self.heard_since,
            alarm=self.alarm,
            memory=memory,
        )


def row_of(state: RuleState, rule: CompiledRule | None) -> Row:
    """The row as it was committed."""
    memory = state.memory
    return Row(
        rule=rule,
        name=state.rule,
        device=state.device,
        phase=Phase(state.phase),
        since=state.since,
        heard_since=state.heard_since,
        alarm=state.alarm,
        decided=_whole(memory.get("decided")) or 0,
        false_since=_whole(memory.get("false_since")),
        event=_whole(memory.get("event")),
        last=_whole(memory.get("last")),
        frozen=_whole(memory.get("frozen")) or 0,
        shift=_whole(memory.get("shift")) or 0,
        frozen_at=_whole(memory.get("frozen_at")),
        waits=bool(memory.get("waits")),
        withdrawn=bool(memory.get("withdrawn")),
        sides=frozenset(key.removeprefix(_SIDE) for key in memory if key.startswith(_SIDE)),
    )


def _whole(value: float | str | None) -> int | None:
    return None if value is None else int(value)
