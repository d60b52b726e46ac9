"""Alarms about a unit, or all devices with the same label, where enough members share a condition."""

from collections.abc import Callable, Iterable, Mapping

from alerts.book import AlarmBook
from alerts.compiled import CompiledRule
from alerts.device_memory import DeviceMemory
from alerts.row import Effect, Phase, Raise, Row, row_of
from alerts.rule import decide_alike
from alerts.rules.condition import NO_SIDES, Values
from alerts.rules.group import UNIT, Group
from alerts.standing import Standing
from alerts.tally import Counts, Tally
from alerts.text import number_text
from ioc.domain.alarm import RuleState, Step
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device

_OF = {"vi": "{holding} trên {members} thiết bị ({share} %)", "en": "{holding} of {members} devices ({share} %)"}


class GroupAlarms:
    """One row for each rule and group; a group's name is `unit=…`, or the label with its value."""

    def __init__(
        self, standing: Standing, book: AlarmBook, devices: Callable[[], Iterable[Device]], *, in_service: Callable[[Device], bool]
    ) -> None:
        """`devices`: all that the registry knows; those `in_service` count."""
        self._standing = standing
        self._book = book
        self._devices = devices
        self._in_service = in_service
        self._rules: dict[str, CompiledRule] = {}
        self._tallies: dict[str, Tally] = {}
        self._rows: dict[tuple[str, str], Row] = {}
        self._take_rules()

    def restore(self, state: RuleState) -> None:
        """A row as it was committed; what its members say has to be heard again."""
        row = self._rows[state.rule, state.device] = row_of(state, self._rules.get(state.rule))
        if row.phase is Phase.PENDING:
            self._forget(row)

    def row(self, rule: str, group: str) -> Row | None:
        """What a rule remembers of a group."""
        return self._rows.get((rule, group))

    def adopt(self) -> None:
        """Rules or devices are others: what the same rules have raised stands; all members are counted before anything is decided."""
        self._take_rules()
        for row in list(self._rows.values()):
            rule = self._rules.get(row.name)
            if rule is not None and (row.rule is None or decide_alike(rule.rule, row.rule.rule)):
                row.rule = rule
            else:
                self._withdraw(row)
        for device in self._devices() if self._rules else ():
            for rule in self._rules.values() if device.approved else ():
                self._put(rule, device, self._standing.memories.get(device.device))
        keys = [(name, key) for name, tally in self._tallies.items() for key in tally.groups]
        now = self._standing.now
        for name, key in sorted({*keys, *self._rows}):
            self._settle_group(self._rules[name], key, now, now)

    def withdraw(self, rule: str) -> None:
        """Ends all that a rule has raised."""
        for row in [one for one in self._rows.values() if one.name == rule]:
            self._withdraw(row)

    def registered(self, device: str) -> None:
        """The registry says something new of a device: it may have come, moved, or gone."""
        now, known = self._standing.now, self._standing.known(device)
        if known is not None:
            self.judge(self._standing.memories.get(device), device, now, now)
            return
        for rule in self._rules.values():
            for key in self._tallies[rule.id].put(device, None, None):
                self._settle_group(rule, key, now, now)

    def judge(self, memory: DeviceMemory | None, device: str, at: int, heard: int) -> None:
        """What holds of a device now; `at` in its time, `heard` in ours. Without memory nothing is known of it."""
        known = self._standing.known(device)
        if known is None:
            return
        for rule in self._rules.values():
            changed = self._put(rule, known, memory)
            if (key := _key(rule, known)) is not None and (rule.id, key) in self._rows:
                changed.add(key)
            for one in sorted(changed):
                self._settle_group(rule, one, at, heard)

    def tick(self, row: Row, heard_until: int, *, hearing: bool, last_heard: int) -> None:
        """A pending row ripens while we hear."""
        self._settle(row, row.tick(heard_until, counts=hearing, last_heard=last_heard), by="tick")

    def _take_rules(self) -> None:
        self._rules = {rule.id: rule for rule in self._standing.group_rules}
        self._tallies = {rule: Tally() for rule in self._rules}

    def _withdraw(self, row: Row) -> None:
        now = self._standing.now
        self._book.end(row.alarm, Step.WITHDRAWN, at=now, now=now, by="withdrawal", detail="rule removed")
        self._forget(row)

    def _put(self, rule: CompiledRule, device: Device, memory: DeviceMemory | None) -> set[str]:
        key = _key(rule, device) if self._in_service(device) else None
        truth = None if memory is None or rule.of is None or key is None else _truth(rule.of, memory)
        return self._tallies[rule.id].put(device.device, key, truth)

    def _settle_group(self, rule: CompiledRule, key: str, at: int, heard: int) -> None:
        counts = self._tallies[rule.id].groups.get(key, Counts())
        row = self._rows.get((rule.id, key))
        # Devices' clocks differ: what a group has decided is not decided again at an earlier time.
        at = at if row is None else max(at, row.decided)
        group = rule.rule.when
        truth = counts.truth(group.needed(counts.members), group.min_members) if isinstance(group, Group) else None
        if truth and not rule.within_hours(at):
            truth = False
        if row is None:
            if not truth:
                return
            row = self._rows[rule.id, key] = Row(rule=rule, name=rule.id, device=key)
        self._settle(row, row.judge(truth, at, heard=heard), by="sample")

    def _settle(self, row: Row, effects: Iterable[Effect], *, by: str) -> None:
        counts = self._tallies[row.name].groups.get(row.device, Counts()) if row.rule is not None else Counts()
        detail = f"{counts.holding} of {counts.members}, {counts.untold} not known"
        for effect in effects:
            if isinstance(effect, Raise) and row.rule is not None:
                row.alarm = self._book.raise_group(
                    row.rule.rule, row.device, row.since, _said(counts), at=effect.at, now=self._standing.now, by=by, detail=detail
                )
            else:
                self._book.end(row.alarm, Step.CLEARED, at=effect.at, now=self._standing.now, by=by, detail=detail)
        if row.changed:
            self._standing.note(row)
        if row.phase is Phase.INACTIVE:
            self._rows.pop((row.name, row.device), None)

    def _forget(self, row: Row) -> None:
        row.withdraw(row.decided, for_good=True)
        self._standing.note(row)
        self._rows.pop((row.name, row.device), None)


def is_group(state: RuleState) -> bool:
    """Whether a row is about a group: devices' names hold no such sign."""
    return "=" in state.device


def _truth(holds: Callable[[Values, frozenset[str], str | None], bool | None], memory: DeviceMemory) -> bool | None:
    if memory.liveness is Liveness.UNKNOWN or (memory.liveness is None and not memory.arrival):
        return None
    offline = int(memory.liveness is Liveness.OFFLINE)
    return holds((*memory.values, offline), NO_SIDES, None)


def _key(rule: CompiledRule, device: Device) -> str | None:
    group = rule.rule.when
    if not isinstance(group, Group) or rule.family.family != device.family:
        return None
    value = device.unit if group.by == UNIT else device.labels.get(group.by)
    return f"{group.by}={value}" if value else None


def _said(counts: Counts) -> Mapping[str, str]:
    share = 100 * counts.holding / max(1, counts.members)
    return {
        language: text.format(holding=counts.holding, members=counts.members, share=number_text(round(share, 1), language))
        for language, text in _OF.items()
    }
