"""Each closed hour of the ledger beside the store's points: once after a while, and again whenever it has changed."""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import structlog

from alerts.inputs import OwnCondition
from collectors.accounting import HOUR_MS, hour_of
from collectors.routing import EVENTS
from ioc.adapters.state.store import StateDb
from ioc.domain.audit import Audit, Expected, Verdict, difference, judge
from ioc.domain.ledger import Booking, Expectation
from ioc.domain.rfc3339 import to_rfc3339

log = structlog.get_logger("ioc.audit")

RULE = "ioc_ledger_mismatch"
DAY_MS = 24 * HOUR_MS
GRACE_MS = 10 * 60_000
"""What is late by less is waited for."""
AT_ONCE = 20
"""Counts asked of the store in one turn, of those that have changed and of those that differ."""
LOOK_AGAIN_MS = 10 * 60_000
"""An hour that differs is counted again, for somebody may have brought its points back."""
SHOWN_MS = 7 * DAY_MS
"""An hour that has differed for longer is known to whom it concerns; `ioc ledger audit` shows it still."""
FOR_EVER_MS = 400 * DAY_MS
UNBOOKED = 20_000
"""So many of a source's deliveries, at most, a run that was killed has stored and not booked: as many as it may hold at once."""
UNTOLD = 10**12
"""Of what was stored before the ledger began, it knows nothing."""
_NAMED = 3


class CountingStore(Protocol):
    """A store that counts."""

    async def count(self, measurement: str, start: int, end: int, field: str) -> int:
        """Points of start ≤ ts < end that carry the field."""


def counted_field(measurement: str) -> str:
    """The field that every point of a measurement carries."""
    return "body" if measurement == EVENTS else "lag_ms"


class Auditor:
    """Raises `ioc_ledger_mismatch` while the store holds fewer or more points of an hour than it should."""

    def __init__(
        self, state: StateDb, store: CountingStore, *, store_works: Callable[[], bool], retention_ms: int, clock: Callable[[], int]
    ) -> None:
        """`retention_ms`: 0 = points are kept for ever."""
        self._state = state
        self._store = store
        self._store_works = store_works
        self._kept_ms = min(retention_ms or FOR_EVER_MS, FOR_EVER_MS)
        self._clock = clock
        self._began = 0
        """The ledger's first minute."""
        self._suspects: dict[tuple[str, int], int] = {}
        """(measurement, hour) → the bookings made when it was found to differ for the first time."""
        self._differing: list[tuple[Expected, Audit]] | None = None
        self.audited = 0
        """Counts asked of the store since our start."""

    async def begin(self, measurements: Collection[str], *, sources: int, told_until: int) -> None:
        """At a start, before anything is stored: what the last run may have stored and not booked is no surprise.

        `told_until` = 0: there was no last run, as far as the ledger knows.
        """
        now = self._clock()
        self._began = await self._state.first_booked_minute() or now
        hours = {hour_of(now), hour_of(told_until - 1 if told_until else now)}
        most = UNBOOKED * sources if told_until else UNTOLD
        await self._state.book(_allowance(measurements, hours, most))

    async def turn(self) -> None:
        """Looks at a few hours, if the store works; StoreUnavailableError, StateUnavailableError when it can't go on."""
        now = self._clock()
        if self._store_works():
            # What is about to leave the store, a shard at a time, is no longer counted.
            since, before = now - self._kept_ms + DAY_MS, now - HOUR_MS - GRACE_MS + 1
            due = await self._state.to_audit(since, before, AT_ONCE)
            differing = await self._state.audits_that_differ(max(since, now - SHOWN_MS), AT_ONCE)
            again = [expected for expected, audit in differing if now - audit.at >= LOOK_AGAIN_MS and expected not in due]
            for expected in (*due, *again):
                await self._audit(expected, now)
        self._differing = await self._state.audits_that_differ(now - SHOWN_MS, AT_ONCE)

    def conditions(self, now: int) -> list[OwnCondition]:
        """Our own condition, once anything is known."""
        if self._differing is None:
            return []
        since = min((audit.at for _, audit in self._differing), default=None)
        return [OwnCondition(RULE, now, since, describe(self._differing))]

    @property
    def differing(self) -> int:
        """Hours of measurements that differ."""
        return len(self._differing or ())

    async def _audit(self, expected: Expected, now: int) -> None:
        measurement, hour = expected.measurement, expected.hour
        counted = await self._store.count(measurement, hour, hour + HOUR_MS, counted_field(measurement))
        self.audited += 1
        verdict = judge(expected, counted)
        if verdict is Verdict.MORE and hour <= self._began - HOUR_MS:
            await self._state.book(_allowance([measurement], [hour], UNTOLD))
            return
        if verdict is Verdict.AGREES:
            self._suspects.pop((measurement, hour), None)
        elif self._suspects.get((measurement, hour)) != expected.changes:
            # A batch may be stored and not booked yet: only what is so twice, with nothing booked between, is so.
            self._suspects[measurement, hour] = expected.changes
            return
        else:
            told = {"measurement": measurement, "hour": to_rfc3339(hour), "counted": counted}
            log.error("ledger_mismatch", certain=expected.certain, most=expected.most, verdict=verdict.value, **told)
        await self._state.put_audits([Audit(measurement, hour, changes=expected.changes, counted=counted, at=now)])


def _allowance(measurements: Iterable[str], hours: Iterable[int], most: int) -> Booking:
    """Points that may be there although nobody booked them."""
    times = list(hours)
    return Booking(source="", expected=tuple(Expectation(name, hour, uncertain=most) for name in measurements for hour in times))


def describe(differing: Iterable[tuple[Expected, Audit]]) -> str:
    """For people of any language: which hours, how many points too few (-) or too many (+), and how many there are."""
    told = [_sentence(expected, audit.counted) for expected, audit in differing]
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return "; ".join(told[:_NAMED]) + more


def _sentence(expected: Expected, counted: int) -> str:
    return f"{expected.measurement} {to_rfc3339(expected.hour)[:13]}h UTC: {difference(expected, counted):+d} ({counted})"
