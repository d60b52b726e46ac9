"""Ledger, series and rules as the API reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from alerts.clock_rules import ClockRule
from alerts.rule import Rule
from alerts.standing import Remembered
from collectors.routing import UNKNOWN_FAMILY
from ioc.adapters.state.store import StateDb
from ioc.app.late_store import LateStore
from ioc.domain.audit import Expected
from ioc.domain.ledger import LedgerTerms
from ioc.domain.point import SeriesRow
from ioc.domain.rollup import MINUTE_MS, in_buckets

ROLLED_AT_ONCE_MS = 30 * 86_400_000
"""Rollups read at once."""


class LedgerReader:
    """The booked terms, and what is in flight now."""

    def __init__(self, state: StateDb, in_flight: Callable[[], int]) -> None:
        self._state = state
        self._in_flight = in_flight
        self.spooled = 0
        """Deliveries in the spool when the ledger was last read."""
        self.totals: Mapping[str, LedgerTerms] = {}
        """By family since the beginning, as it was read last: every few seconds."""

    async def expected(self, hour: int) -> Sequence[Expected]:
        """The points that the store should hold in an hour of their own time, by measurement."""
        return await self._state.expected(hour)

    async def ledger(self, start: int | None, end: int | None) -> Mapping[str, LedgerTerms]:
        """Terms by family; deliveries in flight belong to the present, so a range that has ended leaves them out."""
        waiting = self._in_flight() if end is None else 0
        families = await self._state.ledger(start, end)
        if start is None and end is None:
            self.totals = dict(families)
            self.spooled = sum(terms.spooled for terms in families.values())
        if waiting:
            present = LedgerTerms(received=waiting, in_flight=waiting)
            present.add(families.get(UNKNOWN_FAMILY, LedgerTerms()))
            families[UNKNOWN_FAMILY] = present
        return families


class SeriesReader:
    """Stored values over time; from rollups what is older than the points are kept (`retention_ms`)."""

    def __init__(self, store: LateStore, retention_ms: int, *, rolled: Callable[[], bool], clock: Callable[[], int]) -> None:
        """`rolled`: whether there are rollups."""
        self._store = store
        self._retention_ms = retention_ms
        self._rolled = rolled
        self._clock = clock

    async def series(self, family: str, device: str, metric: str, *, start: int, end: int, every: int) -> Sequence[SeriesRow]:
        """Buckets of `every` ms, ascending."""
        # A whole bucket comes from the one or from the other: none is missing, none comes twice.
        border = min(end, -(-(self._clock() - self._retention_ms) // every) * every)
        if every < MINUTE_MS or start >= border or not self._rolled():
            return await self._store.series(family, {"device": device}, metric, start, end, every)
        rows: list[SeriesRow] = []
        step = max(1, ROLLED_AT_ONCE_MS // every) * every
        for begin in range(start - start % every, border, step):
            minutes = await self._store.rollups(family, device, metric, max(start, begin), min(begin + step, border))
            rows += in_buckets(minutes, every)
        if border < end:
            rows += await self._store.series(family, {"device": device}, metric, border, end, every)
        return rows


class RuleList:
    """The rules in force, as their files declare them, and those that hold for every family."""

    def __init__(
        self, rules: Callable[[], Sequence[Rule]], for_all: Sequence[ClockRule], remembered: Callable[[], Mapping[str, Remembered]]
    ) -> None:
        self._rules = rules
        self._for_all = for_all
        self._remembered = remembered

    async def rules(self) -> Sequence[Mapping[str, Any]]:
        """By id; `memory` of those that look back: devices and samples at present, the most samples of one device."""
        held = self._remembered()
        documents = [rule.model_dump(mode="json", by_alias=True, exclude_none=True) for rule in self._rules()]
        for document in documents:
            if (memory := held.get(document["id"])) is not None:
                document["memory"] = asdict(memory)
        return sorted([*documents, *(rule.document() for rule in self._for_all)], key=lambda rule: str(rule["id"]))
