"""The store beside the ledger, hour by hour."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ioc.adapters.influx import InfluxStore
from ioc.adapters.state.store import StateDb
from ioc.app.auditor import DAY_MS, GRACE_MS, HOUR_MS, LOOK_AGAIN_MS, SHOWN_MS, UNBOOKED, Auditor
from ioc.domain.ledger import Booking, Expectation, LedgerRow, LedgerTerms
from ioc.domain.point import Point, StoreUnavailableError

MINUTE_MS = 60_000
HOUR = 1_795_000_000_000 // HOUR_MS * HOUR_MS
CLOSED = HOUR + HOUR_MS + GRACE_MS
AWAY = StoreUnavailableError("connection refused")


class Site:
    """A ledger, and a store that holds what it is told to."""

    def __init__(self, state: StateDb) -> None:
        self.state = state
        self.now = CLOSED
        self.held: dict[tuple[str, int], int] = {}
        self.asked: list[tuple[str, int]] = []
        self.works = True
        self.store: Any = self
        self.during: Callable[[], Any] | None = None
        self.again()

    def again(self) -> None:
        """As after a restart."""
        self.auditor = Auditor(self.state, self.store, store_works=lambda: self.works, retention_ms=90 * DAY_MS, clock=lambda: self.now)

    async def count(self, measurement: str, start: int, end: int, field: str) -> int:
        assert (end - start, field) == (HOUR_MS, "body" if measurement == "event" else "lag_ms")
        if not self.works:
            raise AWAY
        self.asked.append((measurement, start))
        return self.held.get((measurement, start), 0)

    async def book(self, hour: int = HOUR, measurement: str = "speaker", **counts: int) -> None:
        await self.state.book(Booking(source="ioc-1", expected=(Expectation(measurement, hour, **counts),)))

    async def turns(self, number: int = 2) -> None:
        for _ in range(number):
            await self.auditor.turn()

    @property
    def told(self) -> tuple[bool, str]:
        (condition,) = self.auditor.conditions(self.now)
        assert condition.rule == "ioc_ledger_mismatch"
        return condition.since is not None, condition.detail


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        yield Site(state)


@pytest.mark.parametrize(("held", "differs"), [(9, True), (10, False), (13, False), (14, True)])
async def test_count_between_what_is_certain_and_what_is_possible_agrees(site: Site, held: int, differs: bool) -> None:  # noqa: FBT001
    """Repeats of one time merge; what is certain can't."""
    await site.book(certain=10, uncertain=3)
    site.held["speaker", HOUR] = held
    assert site.auditor.conditions(site.now) == []
    await site.turns()
    assert site.told[0] is differs
    await site.turns()
    assert len(site.asked) == (2 if differs else 1)


async def test_hour_is_audited_once_it_is_over_for_a_while_and_waits_for_nothing(site: Site) -> None:
    """Not while the store is away, or some of it waits in the spool."""
    await site.book(certain=1, spooled=2)
    site.held["speaker", HOUR] = 3
    await site.turns()
    assert site.asked == []
    await site.book(certain=2, spooled=-2)
    site.now = CLOSED - 1
    await site.turns()
    site.now, site.works = CLOSED, False
    await site.turns()
    assert site.asked == []
    site.works = True
    await site.turns()
    assert site.asked == [("speaker", HOUR)]
    assert site.told == (False, "")


async def test_hour_that_changed_is_audited_again(site: Site) -> None:
    """Late data, or what was spooled."""
    await site.book(certain=1)
    await site.book(measurement="event", certain=5)
    site.held = {("speaker", HOUR): 1, ("event", HOUR): 5}
    await site.turns()
    await site.book(certain=1)
    await site.turns()
    assert site.asked == [("event", HOUR), ("speaker", HOUR), ("speaker", HOUR), ("speaker", HOUR)]
    held, detail = site.told
    assert held
    assert detail == "speaker 2026-11-18T11h UTC: -1 (1)"


async def test_what_a_killed_run_stored_and_did_not_book_is_no_mismatch(site: Site) -> None:
    """Within what it could hold at once; what is missing is told all the same."""
    await site.book(certain=10)
    await site.state.book(Booking(source="ioc-1", rows=(LedgerRow("speaker", HOUR, LedgerTerms(received=10, stored=10)),)))
    await site.auditor.begin(["speaker", "event"], sources=1, told_until=HOUR + MINUTE_MS)
    site.held["speaker", HOUR] = 10 + UNBOOKED
    await site.turns()
    assert site.told == (False, "")
    site.held["speaker", HOUR] = 9
    await site.book(certain=0)
    await site.turns()
    assert site.told[0]


async def test_points_from_before_the_ledger_began_are_no_mismatch(site: Site) -> None:
    """A new ledger beside an old store: in the hour of its beginning, and where something late comes into an older hour."""
    site.now = HOUR + MINUTE_MS
    await site.auditor.begin(["speaker"], sources=1, told_until=0)
    await site.book(certain=1)
    await site.book(HOUR - 5 * HOUR_MS, certain=1)
    site.held = {("speaker", HOUR): 60_000, ("speaker", HOUR - 5 * HOUR_MS): 60_000}
    site.now = CLOSED
    await site.turns(4)
    assert site.told == (False, "")


async def test_batch_stored_and_not_booked_yet_is_no_mismatch(site: Site) -> None:
    """Only what is found twice with no booking between counts."""
    await site.book(certain=1)
    site.held["speaker", HOUR] = 2
    await site.turns(1)
    await site.book(certain=1)
    await site.turns()
    assert site.told == (False, "")


async def test_mismatch_stands_over_a_restart_and_ends_when_the_points_are_back(site: Site) -> None:
    """It is looked at again from time to time."""
    await site.book(certain=4)
    await site.turns()
    site.works = False
    site.again()
    await site.turns(1)
    assert site.told[0]
    site.works = True
    site.held["speaker", HOUR] = 4
    await site.turns()
    assert site.told[0]
    site.now += LOOK_AGAIN_MS
    await site.turns()
    assert site.told == (False, "")


async def test_work_of_one_turn_is_bounded_and_old_hours_are_left_alone(site: Site) -> None:
    """The newest first; what leaves the store is not counted; what has differed for a week is told no longer."""
    for hour in range(60):
        await site.book(HOUR - hour * HOUR_MS, certain=1)
    await site.book(HOUR - 90 * DAY_MS, certain=1)
    await site.turns(1)
    assert site.asked == [("speaker", HOUR - hour * HOUR_MS) for hour in range(20)]
    await site.turns(8)
    assert min(start for _, start in site.asked) == HOUR - 59 * HOUR_MS
    assert "and 17 more" in site.told[1]
    site.now += SHOWN_MS + 3 * DAY_MS
    site.works = False
    await site.turns(1)
    assert site.told == (False, "")


@pytest.mark.real("influxdb")
async def test_deleted_and_foreign_points_are_found_in_a_real_influxdb(site: Site, influxdb: Any) -> None:
    """Three deleted: missing; written again: as it was; five of a stranger: named."""
    bucket = influxdb.new_bucket()
    store = InfluxStore(influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token, timeout_ms=60_000)
    await store.prepare(0)
    points = [Point.of("speaker", (("device", f"d{n % 7}"),), {"volume": n, "lag_ms": 0}, HOUR + n * 1000) for n in range(1_000)]
    assert await store.write(points) == []
    site.store = store
    site.again()
    await site.book(certain=990, uncertain=10)
    await site.turns()
    assert site.told == (False, "")

    body = {"start": "2026-11-18T11:00:00Z", "stop": "2026-11-18T11:00:20Z", "predicate": '_measurement="speaker" AND device="d0"'}
    query = f"/api/v2/delete?org={influxdb.org}&bucket={bucket}"
    await asyncio.to_thread(influxdb.request, "POST", query, body)
    moments = itertools.count(1)

    async def looked_again() -> tuple[bool, str]:
        site.now = CLOSED + next(moments) * LOOK_AGAIN_MS
        await site.book(uncertain=0)
        await site.turns()
        return site.told

    left = await store.count("speaker", HOUR, HOUR + HOUR_MS)
    assert left == 997
    assert (await looked_again())[0] is False  # within what repeats of one time explain
    await site.book(certain=10)
    assert await looked_again() == (True, "speaker 2026-11-18T11h UTC: -3 (997)")
    await store.write(points)
    assert await looked_again() == (False, "")
    stranger = "\n".join(f"speaker,device=x lag_ms=0i {HOUR + n}" for n in range(15))
    await asyncio.to_thread(influxdb.write, bucket, stranger)
    assert await looked_again() == (True, "speaker 2026-11-18T11h UTC: +5 (1015)")
    await store.close()
