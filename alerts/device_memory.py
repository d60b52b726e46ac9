"""What the rules know of one device: the values that hold, when it was last heard, and their rows."""

from collections.abc import Mapping

from alerts.compiled import FamilyRules
from alerts.row import Row
from alerts.rules.condition import Values
from ioc.domain.liveness_change import Liveness
from ioc.domain.overlay import overlay
from ioc.domain.sample import Sample, Value


class DeviceMemory:
    """One device of a family; `values` hold until the next ones, as long as no sample is missing for too long."""

    __slots__ = (
        "_away_ms", "_before_ts", "_restored_ts", "arrival", "away_since", "before", "fresh", "histories", "liveness", "rows", "rules",
        "said", "ts", "values",
    )  # fmt: skip

    def __init__(self, rules: FamilyRules) -> None:
        self.rules = rules
        self.values: Values = rules.unknown
        self.before: Values = rules.unknown
        """What held before the last sample."""
        self._before_ts: int | None = None
        self._restored_ts: int | None = None
        self.said: Values = rules.unknown
        """What held last: also once it is offline."""
        self.fresh: Values = rules.unknown
        """What came at `ts` itself."""
        self.ts: int | None = None
        self.arrival = 0
        self.liveness: Liveness | None = None
        self.away_since: int | None = None
        """Our clock, while it is not online."""
        self._away_ms = 0
        self.rows: dict[str, Row] = {}
        self.histories = [derived.start() for derived in rules.derived]
        """Of the family's computed metrics, in their order."""

    @property
    def online(self) -> bool:
        """Online, or heard while nothing has been said about its liveness."""
        return self.liveness is Liveness.ONLINE or (self.liveness is None and self.arrival > 0)

    def restore(self, latest: Mapping[str, tuple[int, Value]]) -> None:
        """The latest values from the store: metric → (ts, value)."""
        index = self.rules.family.index
        known = {index[name]: held for name, held in latest.items() if name in index and held[1] is not None}
        if not known:
            return
        self.ts = self._restored_ts = max(ts for ts, _ in known.values())
        places = range(len(self.rules.unknown))
        self.values = self.said = tuple(known[place][1] if place in known else None for place in places)
        self.fresh = tuple(known[place][1] if place in known and known[place][0] == self.ts else None for place in places)
        for source, history in zip(self.rules.sources, self.histories, strict=True):
            if source in known:
                history.take(*known[source])

    def held(self) -> dict[str, tuple[int, Value]]:
        """The values that hold, as `restore` takes them; all at the time of the newest."""
        if self.ts is None:
            return {}
        own = len(self.values) - len(self.rules.sources)
        named = zip(self.rules.family.index, self.values[:own], strict=False)
        return {name: (self.ts, value) for name, value in named if value is not None}

    def adopt(self, rules: FamilyRules) -> None:
        """Other rules of the same family: values stay, and so do histories that are still asked for."""
        known = {one.metric.name: history for one, history in zip(self.rules.derived, self.histories, strict=True)}
        places = [self.rules.family.index.get(name) for name in rules.family.index]

        def placed(values: Values) -> Values:
            return tuple(None if place is None or place >= len(values) else values[place] for place in places)

        self.values, self.before, self.fresh = placed(self.values), placed(self.before), placed(self.fresh)
        self.said = placed(self.said)
        self.histories = [known.get(one.metric.name) or one.start() for one in rules.derived]
        self.rules = rules

    def take(self, sample: Sample) -> bool:
        """Takes a sample over; False = it is as old as, or older than, what is known, and adds nothing."""
        values = sample.values
        if self.ts is None or sample.ts > self.ts:
            self.before, self._before_ts = self.values, self.ts
            self.fresh = values
            if self.ts is not None and sample.ts - self.ts <= self.rules.silence_ms:
                values = overlay(values, self.values[: len(values)] if self.histories else self.values)
            self.values = self._with_computed(values, sample.values, sample.ts) if self.histories else values
            self.said = self.values
            self.ts = sample.ts
            return True
        return sample.ts == self.ts and self._join(values)

    def _join(self, values: Values) -> bool:
        """At the same time only metrics that were absent so far may join."""
        joining = [fresh is None and new is not None for fresh, new in zip(self.fresh, values, strict=False)]
        if not any(joining):
            return False
        joined = tuple(new if joins else None for joins, new in zip(joining, values, strict=True))
        self.fresh = tuple(fresh if new is None else new for new, fresh in zip(joined, self.fresh, strict=False))
        values = tuple(old if new is None else new for new, old in zip(joined, self.values, strict=False))
        self.values = self.said = self._with_computed(values, joined, self.ts or 0) if self.histories else values
        return True

    def _with_computed(self, values: Values, told: Values, ts: int) -> Values:
        """The values with what is computed after them; `told` = what the device said itself at `ts`."""
        computed: list[Value] = []
        for source, history in zip(self.rules.sources, self.histories, strict=True):
            if told[source] is not None:
                history.take(ts, told[source])
            computed.append(None if values[source] is None else history.value)
        return (*values, *computed)

    def values_at(self, at: int) -> Values:
        """What held at a moment, as far as it is still known: an event may come later than the samples after it."""
        if self._restored_ts is not None and at <= self._restored_ts:
            return self.rules.unknown
        if self.ts is None or at >= self.ts:
            return self.values
        return self.before if self._before_ts is not None and at >= self._before_ts else self.rules.unknown

    def heard(self, arrival: int) -> None:
        """A live sample came in at our clock's time `arrival`."""
        self.arrival = arrival
        self._away_ms = 0

    def away(self, now: int) -> int:
        """How long it was not online since its last sample."""
        return self._away_ms + self._absent_for(now)

    def becomes(self, state: Liveness, at: int) -> None:
        """Its liveness changed; once it is offline, its values hold no longer."""
        self.liveness = state
        if state is Liveness.ONLINE:
            self._away_ms += self._absent_for(at)
            self.away_since = None
            return
        if self.away_since is None:
            self.away_since = at
        if state is Liveness.OFFLINE:
            self.values = self.rules.unknown

    def _absent_for(self, now: int) -> int:
        return 0 if self.away_since is None else max(0, now - max(self.away_since, self.arrival))
