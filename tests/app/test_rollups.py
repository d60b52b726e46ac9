"""Rolling up by the clock: every minute once, late ones again, from where the last run stopped."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.influx import InfluxStore
from ioc.adapters.state.store import StateDb
from ioc.app.records import SeriesReader
from ioc.app.rollups import GRACE_MS, Rollups
from ioc.domain.family import Family
from ioc.domain.ledger import Booking
from ioc.domain.point import Point, SeriesRow, StoreDeniedError, StoreUnavailableError
from ioc.domain.rollup import HOUR_MS, MINUTE_MS, Frontier, roll

TEXT = {"vi": "x", "en": "x"}
PUMP = Family.model_validate({"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": {"v": {"type": "float", "labels": TEXT}}})
START = (int(time.time() * 1000) - 6 * HOUR_MS) // HOUR_MS * HOUR_MS
DAY = 24 * HOUR_MS
FULL = StoreUnavailableError("no room")


class Site:
    """A store, a journal and a clock that outlive the job; `roll_up` is one run of it."""

    def __init__(self, store: EmbeddedStore | InfluxStore, state: StateDb) -> None:
        self.store, self.state, self.now, self.down = store, state, START, False
        self.frontier = Frontier(["pump"])
        self.job = self.make()
        self.values: dict[int, float] = {}

    def make(self) -> Rollups:
        self.frontier.until = 0
        return Rollups(
            self.store, self.state.rollups, {"pump": PUMP}, frontier=self.frontier, retention_ms=730 * DAY, raw_retention_ms=90 * DAY,
            away=lambda: self.down, clock=lambda: self.now,
        )  # fmt: skip

    async def restart(self) -> None:
        self.job = self.make()
        await self.job.begin()

    async def put(self, *times: int) -> None:
        """Stores and books, as the pipeline does."""
        points = [Point.of("pump", (("device", "a"),), {"v": float(ts % 97), "lag_ms": 0}, ts) for ts in times]
        self.values |= {point.ts: float(point.fields["v"]) for point in points}
        assert await self.store.write(points) == []
        await self.state.book(Booking(source="s", due=self.frontier.due(points)))

    async def turns(self, most: int = 400) -> None:
        for _ in range(most):
            await self.job.turn()
            if self.job._pause_s >= 1.0:
                return

    async def rolled(self) -> list[Any]:
        return await self.store.rollups("pump", "a", "v", START - 30 * DAY, START + DAY)

    def truth(self) -> list[Any]:
        minutes: dict[int, list[float]] = {}
        for ts in sorted(self.values):
            minutes.setdefault(ts - ts % MINUTE_MS, []).append(self.values[ts])
        return [(minute, roll(values)) for minute, values in minutes.items() if minute + MINUTE_MS + GRACE_MS <= self.now]


@pytest.fixture(params=["embedded", pytest.param("influxdb", marks=pytest.mark.real("influxdb"))])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    store: EmbeddedStore | InfluxStore = EmbeddedStore(tmp_path / "series.db", clock=lambda: int(time.time() * 1000))
    if request.param == "influxdb":
        server: Any = request.getfixturevalue("influxdb")
        store = InfluxStore(server.url, org=server.org, bucket=server.new_bucket(), token=server.token, timeout_ms=60_000)
    await store.prepare(90 * DAY)
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        site = Site(store, state)
        await site.job.begin()
        yield site
    await store.close()


async def test_minute_is_rolled_up_once_it_is_closed(site: Site) -> None:
    """After the grace, and not before."""
    await site.put(START, START + 30_000, START + MINUTE_MS)
    site.now = START + MINUTE_MS + GRACE_MS - 1
    await site.turns()
    assert await site.rolled() == []
    site.now += 1
    await site.turns()
    assert await site.rolled() == site.truth() != []
    assert (site.job.minutes, site.job.lag_ms, site.job.waiting) == (1, GRACE_MS, 0)


async def test_late_values_in_any_order_end_in_the_same_rollups(site: Site) -> None:
    """Also when the job is killed between any two of its steps and starts again."""
    dice = random.Random(7)
    times = [START - 2 * HOUR_MS + i * 20_000 for i in range(0, 700, 3)]
    dice.shuffle(times)
    for begin in range(0, len(times), 30):
        site.now = START + begin * 5_000
        await site.put(*times[begin : begin + 30])
        task = asyncio.create_task(site.turns(6))
        for _ in range(dice.randrange(12)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await site.restart()
    site.now = START + 4 * HOUR_MS
    await site.turns()
    assert await site.rolled() == site.truth()
    assert site.job.waiting == 0


async def test_hour_marked_again_while_it_is_rolled_up_stays_due(site: Site) -> None:
    """What was stored after the reading is read at the next turn."""
    site.now = START + HOUR_MS
    await site.turns()
    await site.put(START)
    (taken,) = await site.state.rollups.due(10)
    await site.put(START + 1)
    await site.state.rollups.done([taken])
    assert await site.state.rollups.waiting() == 1
    await site.turns()
    assert await site.rolled() == site.truth()


async def test_waits_while_the_store_is_away_and_says_why_it_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is skipped; the position stays."""
    site.now, site.down = START + HOUR_MS, True
    await site.put(START)
    await site.turns()
    assert (site.job.minutes, site.job.failures) == (0, 0)
    site.down = False

    async def refuse(_family: str, _minutes: Sequence[Any]) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(site.store, "write_rollups", refuse)
        await site.turns()
    assert (site.job.failures, site.job.fault) == (1, "no room")
    await site.turns()
    assert site.job.fault == ""
    assert await site.rolled() == site.truth()


async def test_series_goes_over_from_rollups_to_points_without_gap_or_double(site: Site) -> None:
    """Whole buckets come from the one or from the other."""
    await site.put(*range(START, START + 20 * MINUTE_MS, 30_000))
    site.now = START + HOUR_MS
    await site.turns()
    store: Any = site.store
    span: Any = {"start": START, "end": START + 20 * MINUTE_MS, "every": 3 * MINUTE_MS}
    whole = await store.series("pump", {"device": "a"}, "v", span["start"], span["end"], span["every"])
    for kept in (45 * MINUTE_MS, 50 * MINUTE_MS + 1, 2 * HOUR_MS, MINUTE_MS):
        reader = SeriesReader(store, kept, rolled=lambda: True, clock=lambda: site.now)
        assert _rounded(await reader.series("pump", "a", "v", **span)) == _rounded(whole)


def _rounded(rows: Sequence[SeriesRow]) -> list[Any]:
    return [(row.ts, pytest.approx(row.value), row.low, row.high) for row in rows]


@pytest.mark.real("influxdb")
async def test_token_that_may_not_make_the_second_bucket_is_named(influxdb: Any) -> None:
    """Live storing is not touched by it."""
    bucket = influxdb.new_bucket(retention_s=90 * 86_400)
    store = InfluxStore(influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.new_token(bucket))
    await store.prepare(90 * DAY)
    with pytest.raises(StoreDeniedError, match=f"rollups need the bucket '{bucket}_1m'"):
        await store.prepare_rollups(730 * DAY)
    assert await store.write([Point.of("pump", (("device", "a"),), {"v": 1.0}, START)]) == []
    await store.close()
