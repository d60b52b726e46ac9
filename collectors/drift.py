"""Which groups of devices tell their fields otherwise than before: pure, bounded, the same whatever the order within a batch.

A group is a family, a dialect and a firmware. What it tells is compared with the firmware from which its devices came, or, where
they came from none, with what it told itself before.

* A device that appears teaches (LEARN messages): what it brings along is no drift, however odd.
* A key that no family declares, and a field with another JSON type, are drift once two devices told them, or one device
  MESSAGES times: a single garbled message is none.
* A field is lost when at least nine in ten of the old firmware's messages told it and none of the new one's does, after
  LOST_MESSAGES of two devices or LOST_ALONE of one that told it themselves. Optional fields, told now and then, can't be lost.
* A declared field that turns up is what the family is for.
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec

from ioc.domain.drift import Drift, DriftKind, drift_id

LEARN = 5
MESSAGES, DEVICES = 3, 2
REGULAR = 0.9
LOST_MESSAGES, LOST_ALONE = 6, 10
MOST_GROUPS = 200
MOST_FIELDS = 400
MOST_PENDING = 100
"""Fields of a group that were told too seldom to be drift; the oldest make room."""
MOST_EVENTS = 1_000
MOST_SETS = 10_000
MOST_DEVICES = 100_000
"""Of which it is known what they told before; further ones only teach."""
SAMPLES = 3
GroupKey = tuple[str, str, str]


class Observation(msgspec.Struct, frozen=True, order=True):
    """What one message told."""

    at: int
    family: str
    dialect: str
    device: str
    firmware: str
    fields: tuple[tuple[str, str], ...]
    """(field, JSON type)."""
    undeclared: frozenset[str] = frozenset()
    sample: str = ""


class Sight(msgspec.Struct):
    """How often, by whom and when something was told."""

    messages: int = 0
    devices: set[int] = msgspec.field(default_factory=set)
    first_seen: int = 0
    last_seen: int = 0
    samples: dict[int, str] = msgspec.field(default_factory=dict)

    def add(self, device: int, seen: Observation) -> None:
        """Counts one message."""
        self.first_seen = min(self.first_seen, seen.at) if self.messages else seen.at
        self.last_seen = max(self.last_seen, seen.at)
        self.messages += 1
        self.devices.add(device)
        if len(self.samples) < SAMPLES:
            self.samples.setdefault(device, seen.sample)


class Group(msgspec.Struct):
    """What is known of one group."""

    before: str | None = None
    """The firmware from which its devices came."""
    looks: int = 0
    heard_at: int = 0
    devices: set[int] = msgspec.field(default_factory=set)
    types: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """Field → JSON type → messages."""
    pending: dict[str, dict[str, Sight]] = msgspec.field(default_factory=dict)
    """The same of what is not yet drift."""
    latest: Sight = msgspec.field(default_factory=Sight)

    def told(self, field: str) -> int:
        """How many messages told the field."""
        return sum(self.types.get(field, {}).values()) + sum(sight.messages for sight in self.pending.get(field, {}).values())


class Event(msgspec.Struct):
    """A drift that was raised, with all who show it."""

    drift: Drift
    sight: Sight

    def now(self) -> Drift:
        """As it stands."""
        sight = self.sight
        return msgspec.structs.replace(
            self.drift, devices=len(sight.devices), messages=sight.messages, first_seen=sight.first_seen, last_seen=sight.last_seen,
            samples=tuple(sight.samples.values()),
        )  # fmt: skip


class Telling:
    """Which fields each device tells, and told before its firmware changed: equal sets are one."""

    def __init__(self) -> None:
        self._now: dict[int, frozenset[str]] = {}
        self._before: dict[int, frozenset[str]] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def tells(self, device: int, fields: frozenset[str]) -> None:
        """It told these."""
        known = self._now.get(device, frozenset())
        if fields <= known or (not known and len(self._now) >= MOST_DEVICES):
            return
        if len(self._sets) >= MOST_SETS:
            self._sets.clear()
        both = known | fields
        self._now[device] = self._sets.setdefault(both, both)

    def moved(self, device: int) -> None:
        """Its firmware is another from now on."""
        told = self._now.pop(device, None)
        if told is not None:
            self._before[device] = told

    def missed(self, field: str, devices: Iterable[int]) -> int:
        """How many of the devices told a field before, or may have."""
        before = (self._before.get(device) for device in devices)
        return sum(told is None or field in told for told in before)


class DriftTracker:
    """Fed with batches of observations; `groups` and `events` are what has to be kept, `take_changed` names what changed."""

    def __init__(self) -> None:
        self.groups: dict[GroupKey, Group] = {}
        self.events: dict[str, Event] = {}
        self._telling = Telling()
        self.raised = 0
        self.evicted = 0
        """Groups, events and pending fields that had to make room."""
        self._firmware: dict[tuple[str, str], dict[int, str]] = {}
        self._learning: dict[tuple[str, str, int], int] = {}
        self._raised: dict[GroupKey, dict[tuple[str, str | None], str]] = {}
        self._changed: tuple[set[GroupKey], set[str]] = (set(), set())

    def restore(self, groups: Iterable[tuple[GroupKey, Group]], events: Iterable[Event]) -> None:
        """What an earlier run knew: its devices have taught already."""
        for key, group in sorted(groups, key=lambda one: one[1].heard_at):
            self.groups[key] = group
            self._firmware.setdefault(key[:2], {}).update(dict.fromkeys(group.devices, key[2]))
        for event in events:
            self._keep(event)

    def observe(self, batch: Iterable[Observation]) -> list[Drift]:
        """What is drift now and was not before the batch."""
        touched: dict[GroupKey, None] = {}
        for seen in sorted(batch, key=_order):
            key = seen.family, seen.dialect, seen.firmware
            device = crc32(seen.device.encode(errors="replace"))
            teaches = self._place(key, device)
            self._take(key, device, seen, teaches=teaches)
            touched[key] = None
        self._changed[0].update(touched)
        return [drift for key in touched for drift in self._judge(key)]

    def acknowledge(self, event: str, *, at: int, by: str) -> Drift | None:
        """The drift, known to a person now; None where there is none. The first who knew stays."""
        found = self.events.get(event)
        if found is None:
            return None
        if found.drift.acknowledged_at is None:
            found.drift = msgspec.structs.replace(found.drift, acknowledged_at=at, acknowledged_by=by)
            self._changed[1].add(event)
        return found.now()

    def unacknowledged(self) -> list[Drift]:
        """Those that nobody has acknowledged."""
        return [event.now() for event in self.events.values() if event.drift.acknowledged_at is None]

    def take_changed(self) -> tuple[set[GroupKey], set[str]]:
        """Groups and events that changed, or are gone, since the last call."""
        taken, self._changed = self._changed, (set(), set())
        return taken

    def give_back(self, changed: tuple[set[GroupKey], set[str]]) -> None:
        """They could not be written."""
        self._changed[0].update(changed[0])
        self._changed[1].update(changed[1])

    def _place(self, key: GroupKey, device: int) -> bool:
        """Puts the device into its group; whether it teaches."""
        family, dialect, firmware = key
        home = self._firmware.setdefault((family, dialect), {})
        earlier = home.get(device)
        learner = family, dialect, device
        group = self._group(key)
        if earlier is None and sum(map(len, self._firmware.values())) >= MOST_DEVICES:
            return True
        if earlier is None or (earlier == "" and firmware):
            self._learning[learner] = 0  # it appears, or tells its firmware for the first time
        elif earlier != firmware:
            self._telling.moved(device)
            self._learning.pop(learner, None)
            if group.before is None:
                group.before = earlier
        if earlier is not None and earlier != firmware and (old := self.groups.get((family, dialect, earlier))) is not None:
            old.devices.discard(device)
            self._changed[0].add((family, dialect, earlier))
        home[device] = firmware
        group.devices.add(device)
        looked = self._learning.get(learner)
        if looked is not None:
            self._learning[learner] = looked + 1
            if looked + 1 >= LEARN:
                del self._learning[learner]
        return looked is not None

    def _group(self, key: GroupKey) -> Group:
        group = self.groups.pop(key, None)
        if group is None:
            group = Group()
            if len(self.groups) >= MOST_GROUPS:
                self._forget(next(iter(self.groups)))
        self.groups[key] = group  # the longest unheard stands first
        return group

    def _forget(self, key: GroupKey) -> None:
        home = self._firmware.get(key[:2], {})
        for device in self.groups.pop(key).devices:
            home.pop(device, None)
        self._changed[0].add(key)
        self.evicted += 1

    def _take(self, key: GroupKey, device: int, seen: Observation, *, teaches: bool) -> None:
        group = self.groups[key]
        group.looks += 1
        group.heard_at = max(group.heard_at, seen.at)
        group.latest.add(device, seen)
        before = self._before(key, group)
        raised = self._raised.get(key, {})
        for field, kind in seen.fields:
            if (field, kind) in raised:
                self._count(raised[field, kind], device, seen)
            known = group.types.get(field, {})
            reference = known if before is None else before.types.get(field, {}).keys() | known.keys()
            usual = kind in reference or (not reference and field not in seen.undeclared)
            if teaches or usual or (before is not None and before.looks < LEARN):
                self._learn(group, field, kind)
            else:
                self._doubt(group, field, kind).add(device, seen)
        told = frozenset(field for field, _ in seen.fields)
        self._telling.tells(device, told)
        for (field, new_type), event in raised.items():
            if new_type is None and field not in told:
                self._count(event, device, seen)

    def _count(self, event: str, device: int, seen: Observation) -> None:
        self.events[event].sight.add(device, seen)
        self._changed[1].add(event)

    def _before(self, key: GroupKey, group: Group) -> Group | None:
        return None if group.before is None else self.groups.get((key[0], key[1], group.before))

    def _learn(self, group: Group, field: str, kind: str) -> None:
        types = group.types.get(field)
        if types is None:
            if len(group.types) >= MOST_FIELDS:
                self.evicted += 1
                return
            types = group.types[field] = {}
        types[kind] = types.get(kind, 0) + 1

    def _doubt(self, group: Group, field: str, kind: str) -> Sight:
        if field not in group.pending and len(group.pending) >= MOST_PENDING:
            del group.pending[next(iter(group.pending))]
            self.evicted += 1
        return group.pending.setdefault(field, {}).setdefault(kind, Sight())

    def _judge(self, key: GroupKey) -> list[Drift]:
        group = self.groups.get(key)
        if group is None:
            return []
        before = self._before(key, group)
        found = self._odd(key, group, before)
        enough = group.looks >= (LOST_MESSAGES if len(group.devices) >= DEVICES else LOST_ALONE)
        if before is not None and before.looks >= LEARN and enough:
            found += self._lost(key, group, before)
        return found

    def _odd(self, key: GroupKey, group: Group, before: Group | None) -> list[Drift]:
        found: list[Drift] = []
        for field, sights in sorted(group.pending.items()):
            for kind, sight in sorted(sights.items()):
                if sight.messages < MESSAGES and len(sight.devices) < DEVICES:
                    continue
                del sights[kind]
                old = _usual((group if before is None or field not in before.types else before).types.get(field, {}))
                sort = DriftKind.NEW if old is None else DriftKind.RETYPED
                found += self._raise(key, field, sort, old=old, new=kind, sight=sight)
                for _ in range(sight.messages):
                    self._learn(group, field, kind)
            if not sights:
                del group.pending[field]
        return found

    def _lost(self, key: GroupKey, group: Group, before: Group) -> list[Drift]:
        found: list[Drift] = []
        for field, types in sorted(before.types.items()):
            regular = sum(types.values()) >= REGULAR * before.looks and not group.told(field)
            if regular and self._telling.missed(field, group.devices) >= min(DEVICES, len(group.devices)):
                latest = group.latest
                sight = msgspec.structs.replace(latest, devices=set(latest.devices), samples=dict(latest.samples))
                found += self._raise(key, field, DriftKind.LOST, old=_usual(types), new=None, sight=sight)
        return found

    def _raise(self, key: GroupKey, field: str, kind: DriftKind, *, old: str | None, new: str | None, sight: Sight) -> Sequence[Drift]:
        event = drift_id(*key, field, kind)
        if event in self.events:
            return ()
        if len(self.events) >= MOST_EVENTS:
            self._drop(min(self.events.values(), key=lambda one: one.sight.last_seen))
        drift = Drift(
            id=event, family=key[0], dialect=key[1], firmware=key[2], before=self.groups[key].before, field=field, kind=kind, old_type=old,
            new_type=new, devices=0, messages=0, first_seen=0, last_seen=0, samples=(),
        )  # fmt: skip
        self._keep(Event(drift, sight))
        self._changed[1].add(event)
        self.raised += 1
        return (self.events[event].now(),)

    def _keep(self, event: Event) -> None:
        drift = event.drift
        self.events[drift.id] = event
        self._raised.setdefault((drift.family, drift.dialect, drift.firmware), {})[drift.field, drift.new_type] = drift.id

    def _drop(self, event: Event) -> None:
        drift = event.drift
        del self.events[drift.id]
        del self._raised[drift.family, drift.dialect, drift.firmware][drift.field, drift.new_type]
        self._changed[1].add(drift.id)
        self.evicted += 1


def _usual(types: dict[str, int]) -> str | None:
    return max(sorted(types), key=types.__getitem__) if types else None


def _order(seen: Observation) -> tuple[object, ...]:
    return seen.at, seen.device, seen.firmware, seen.family, seen.dialect, seen.fields, sorted(seen.undeclared), seen.sample
