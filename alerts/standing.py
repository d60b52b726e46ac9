"""Every device's memory and rows, what of them waits, and what has changed since the last commit."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from alerts.book import AlarmBook
from alerts.compiled import CompiledRule, FamilyRules, family_rules
from alerts.device_memory import DeviceMemory
from alerts.row import Effect, Phase, Raise, Row, row_of
from alerts.rule import Rule, decide_alike
from alerts.rules.condition import NO_SIDES, Values
from alerts.text import reason
from ioc.domain.alarm import Alarm, RuleState, Step
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.family import Family
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device
from ioc.domain.sample import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What rules remember of past samples: devices and samples at present, and the most samples that one device may take."""

    devices: int
    samples: int
    most_per_device: int


class Standing:
    """Where all rules stand on all devices; carries out what rows decide."""

    def __init__(
        self,
        rules: Sequence[Rule],
        families: Iterable[Family],
        *,
        device_of: Callable[[str], Device | None],
        zone: tzinfo,
        calendar: Calendar = NO_DAYS,
        book: AlarmBook,
        for_all: Iterable[str] = (),
    ) -> None:
        """`for_all`: names of rules that hold for the devices of every family; their rows have no compiled rule."""
        self.now = 0
        self.memories: dict[str, DeviceMemory] = {}
        self.pending: dict[tuple[str, str], Row] = {}
        self._device_of = device_of
        self._book = book
        self._declared = tuple(families)
        self._zone, self._calendar = zone, calendar
        self._families, self._rules = self._compiled(rules)
        self._for_all = frozenset(for_all)
        self._orphans: list[Row] = []
        self._changed: dict[tuple[str, str], Row] = {}

    def approved(self, device: str, family: str) -> Device | None:
        """A registered device of this family that takes part."""
        known = self._device_of(device)
        return known if known is not None and known.approved and known.family == family else None

    def known(self, device: str) -> Device | None:
        """A registered device that takes part, of whatever family."""
        known = self._device_of(device)
        return known if known is not None and known.approved else None

    def takes_part(self, device: str) -> bool:
        """Whether a device is registered, approved, and still of the family that its memory says."""
        memory = self.memories.get(device)
        return memory is not None and self.approved(device, memory.rules.family.family) is not None

    def memory(self, device: str) -> DeviceMemory | None:
        """A registered device's memory; None for strangers."""
        known = self._device_of(device)
        family = None if known is None else self._families.get(known.family)
        if family is None:
            return None
        memory = self.memories.get(device)
        if memory is None or memory.rules is not family:
            for row in list(memory.rows.values()) if memory is not None else ():
                self._withdraw(row, "device removed", for_good=True)
            memory = self.memories[device] = DeviceMemory(family)
        return memory

    def rules_of(self, family: str) -> FamilyRules:
        """The rules for a family's devices."""
        return self._families[family]

    @staticmethod
    def new_row(memory: DeviceMemory, rule: CompiledRule, device: str) -> Row:
        """An empty row of a rule about a device."""
        row = memory.rows[rule.id] = Row(rule=rule, name=rule.id, device=device)
        return row

    def settle(
        self, memory: DeviceMemory, row: Row, effects: Sequence[Effect], *, by: str, detail: str = "", told: Values | None = None
    ) -> None:
        """Carries out what a row decided; `detail` = why, where the values don't say it; `told` = the values that raised it."""
        rule = row.rule
        if rule is None:
            return
        for effect in effects:
            raises = isinstance(effect, Raise)
            values = told if raises and told is not None else memory.values
            why = ", ".join(part for part in (detail, reason(rule.decided_by(values))) if part)
            if raises:
                self._raise(row, rule, values, at=effect.at, by=by, why=why)
            else:
                self._book.end(row.alarm, Step.CLEARED, at=effect.at, now=self.now, by=by, detail=why)
        if row.changed:
            self.note(row)

    def _raise(self, row: Row, rule: CompiledRule, values: Values, *, at: int, by: str, why: str) -> None:
        device = self._device_of(row.device)
        if device is not None:
            named = dict(zip(rule.family.index, values, strict=True))
            row.alarm = self._book.raise_device(rule, device, row.since, named, at=at, now=self.now, by=by, detail=why)

    def note(self, row: Row) -> None:
        """Puts a changed row where it belongs, and on the list of what is to be committed."""
        row.changed = False
        key = (row.name, row.device)
        self._changed[key] = row
        if row.phase is Phase.PENDING:
            self.pending[key] = row
        else:
            self.pending.pop(key, None)
        if row.phase is Phase.INACTIVE:
            memory = self.memories.get(row.device)
            if memory is not None and memory.rows.get(row.name) is row:
                del memory.rows[row.name]

    def take(self) -> tuple[RuleState, ...]:
        """What changed since the last call."""
        states = tuple(row.state() for row in self._changed.values())
        self._changed = {}
        return states

    def restore(self, states: Iterable[RuleState], latest: Mapping[str, Mapping[str, tuple[int, Value]]], heard_until: int | None) -> None:
        """What was committed, and the values that held then."""
        for device, values in latest.items():
            memory = self.memory(device)
            if memory is not None:
                memory.restore(values)
        for state in states:
            self._restore_row(state, heard_until)

    def _restore_row(self, state: RuleState, heard_until: int | None) -> None:
        rule = self._rules.get(state.rule)
        memory = self.memories.get(state.device) or self.memory(state.device)
        fits = state.rule in self._for_all if rule is None else memory is not None and memory.rules.family is rule.family
        if memory is None or not fits:
            self._orphans.append(row_of(state, None))
            return
        row = memory.rows[state.rule] = row_of(state, rule)
        if row.phase is Phase.PENDING and rule is not None and rule.remembers:
            row.clear(row.decided)
            self.note(row)
        elif row.phase is Phase.PENDING:
            if row.frozen_at is None:
                row.frozen_at = row.heard_since if heard_until is None else max(row.heard_since, heard_until)
            self.note(row)  # committed: the next restart may come before anything thaws it

    @property
    def group_rules(self) -> list[CompiledRule]:
        """The rules about several devices."""
        return [rule for family in self._families.values() for rule in family.groups]

    def is_absence(self, rule: str) -> bool:
        """Whether the rule is in force, and decided by liveness."""
        found = self._rules.get(rule)
        return found is not None and found.rule.is_absence

    @property
    def rules(self) -> list[CompiledRule]:
        """All rules about devices and groups."""
        return [*self._rules.values(), *self.group_rules]

    def _compiled(self, rules: Sequence[Rule]) -> tuple[dict[str, FamilyRules], dict[str, CompiledRule]]:
        families = {family.family: family_rules(family, rules, self._zone, self._calendar) for family in self._declared}
        return families, {rule.id: rule for family in families.values() for rule in (*family.by_sample, *family.by_liveness)}

    def adopt(self, rules: Sequence[Rule]) -> None:
        """Puts other rules to work: those that decide as before go on, what the others raised ends."""
        self._families, self._rules = self._compiled(rules)
        for memory in self.memories.values():
            memory.adopt(self._families[memory.rules.family.family])
            for row in [one for one in memory.rows.values() if one.rule is not None]:
                self._adopt_row(row)

    def _adopt_row(self, row: Row) -> None:
        rule = self._rules.get(row.name)
        if rule is not None and row.rule is not None and decide_alike(rule.rule, row.rule.rule):
            row.rule = rule
        else:
            self._withdraw(row, "rule removed" if rule is None else "rule changed", for_good=True)

    def would_raise(self, rules: Sequence[Rule]) -> Counter[str]:
        """On how many devices each rule holds at present, `for` left out; what looks back is not told yet."""
        families, _ = self._compiled(rules)
        found: Counter[str] = Counter()
        for device, memory in self.memories.items():
            family = families[memory.rules.family.family]
            if not self.takes_part(device):
                continue
            own = len(family.family.metrics) - len(family.derived)
            values = (*memory.values[:own], *(None for _ in family.derived))
            at = self.now if memory.ts is None else memory.ts
            found.update(rule.id for rule in family.by_sample if rule.truth(values, NO_SIDES, None, at))
            if memory.liveness is Liveness.OFFLINE:
                found.update(rule.id for rule in family.by_liveness)
        return found

    def remembered(self) -> dict[str, Remembered]:
        """By rule, where it looks back; rules that ask for the same share it."""
        found = {}
        for family in self._families.values():
            memories = [memory for memory in self.memories.values() if memory.rules is family] if family.derived else ()
            held = [[len(history) for history in memory.histories] for memory in memories]
            for rule in (one for one in (*family.by_sample, *family.groups) if one.remembers):
                places = [place for place, one in enumerate(family.derived) if one.metric.name in rule.names]
                found[rule.id] = Remembered(
                    devices=sum(any(sizes[place] for place in places) for sizes in held),
                    samples=sum(sizes[place] for sizes in held for place in places),
                    most_per_device=sum(family.derived[place].most for place in places),
                )
        return found

    def row_of(self, alarm: Alarm) -> Row | None:
        """The row that keeps a device's alarm."""
        memory = self.memories.get(alarm.device or "")
        return None if memory is None else memory.rows.get(alarm.rule)

    def withdraw(self, *, rule: str | None, device: str | None) -> None:
        """Ends what a rule, or a device, or a rule on a device has raised."""
        for row in self._rows():
            if rule in {None, row.name} and device in {None, row.device}:
                self._withdraw(row, "device removed" if rule is None else "rule removed", for_good=rule is not None)

    def reconcile(self) -> None:
        """Ends what belongs to rules or devices that are no longer there."""
        for row in self._orphans:
            known = row.name in self._rules or row.name in self._for_all
            self._withdraw(row, "device removed" if known else "rule removed", for_good=True)
        self._orphans = []
        for device, memory in self.memories.items():
            if not self.takes_part(device):
                for row in list(memory.rows.values()):
                    self._withdraw(row, "device removed", for_good=False)

    def _rows(self) -> list[Row]:
        return [row for memory in self.memories.values() for row in memory.rows.values()]

    def _withdraw(self, row: Row, why: str, *, for_good: bool) -> None:
        self._book.end(row.alarm, Step.WITHDRAWN, at=self.now, now=self.now, by="withdrawal", detail=why)
        row.withdraw(self.now, for_good=for_good)
        if row.changed:
            self.note(row)
