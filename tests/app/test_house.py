"""What happens by the clock: our own conditions, and the points about ourselves."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest

from alerts.inputs import OwnCondition
from collectors.writer import OWN
from ioc.adapters.state.store import StateDb
from ioc.app.house import EVICTION_OVER_MS, SLICE, STORE_GRACE_MS, WAITING, Evictions, House
from ioc.domain.census import Census
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet, FleetViews
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms
from ioc.domain.liveness_change import Cause, Liveness
from ioc.domain.own_points import ledger_point
from ioc.domain.point import Point
from ioc.domain.registry import Device, Unit
from ioc.domain.state import StateUnavailableError
from ioc.domain.views import UnitView
from servers.waiting import PATIENCE_S

MINUTE = 60_000
NOW = 1_700_000_040_000 // MINUTE * MINUTE
TEXT = {"vi": "x", "en": "x"}
PUMP = Family.model_validate({"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": {"temp_c": {"type": "float", "labels": TEXT}}})


class Presence:
    deaf: frozenset[str] = frozenset()

    def cause(self, _device: str) -> Cause:
        return Cause.BLIND if self.deaf else Cause.WILL


class Written:
    spooled_as: int | None = None
    refusals: tuple[()] = ()


class Home:
    """A house among parts that are set by hand; `written` is what the store was given."""

    def __init__(self, state: StateDb) -> None:
        self.now = NOW
        self.presence = Presence()
        self.told: list[OwnCondition] = []
        self.answered = self.spool_tried = True
        self.down_since: int | None = None
        self.spool_full_since: int | None = None
        self.last_error = "connection refused"
        self.spool_error = "the spool is full"
        self.written: list[Point] = []
        self.evicted = self.waiting = 0
        self.state = state
        fleet = Fleet({"pump": PUMP})
        fleet.place(Device(device="p1", family="pump", unit="u1"))
        fleet.place(Device(device="x", family="pump", approved=False))
        views = FleetViews(
            fleet,
            {"pump": PUMP},
            state_of=lambda _: Liveness.UNKNOWN if self.presence.deaf else Liveness.OFFLINE,
            last_seen_of=lambda _: None,
            has_serious_alarm=lambda _: False,
        )

        def units() -> list[UnitView]:
            census = Census()
            census.add("u1", "pump", Liveness.ONLINE, working=True, alarms={"major": 2})
            return census.unit_views([Unit(unit="u1", code="1", valid_from="2025-07-01", name="U")])

        self.house = House(
            desk=self,  # type: ignore[arg-type]
            writer=self,  # type: ignore[arg-type]
            state=state,
            views=views,
            units=units,
            evicted=lambda: self.evicted,
            drift=lambda now: OwnCondition("ioc_schema_drift", now, None, ""),
            rules=lambda now: OwnCondition("ioc_rules_not_loaded", now, None, ""),
            was_down=lambda now: OwnCondition("ioc_was_down", now, None, ""),
            filling=lambda: (self.waiting, 1_000),
            auditor=self,  # type: ignore[arg-type]
            clock=lambda: self.now,
            steps=list,
            refreshed=lambda: None,
        )

    def conditions(self, _now: int) -> list[OwnCondition]:
        return []

    async def pulse(self, own: Iterable[OwnCondition]) -> list[Point]:
        self.told = list(own)
        return []

    async def put(self, source: str, points: Sequence[Point], note: object) -> Written:
        assert source == OWN
        del note
        self.written += points
        return Written()

    async def settle(self) -> dict[str, list[Point]]:
        """What was written since the last call, by measurement."""
        task = asyncio.create_task(self.house.store())
        async with asyncio.timeout(PATIENCE_S):
            await self.house.settled()
        task.cancel()
        by_name: dict[str, list[Point]] = {}
        for point in self.written:
            by_name.setdefault(point.measurement, []).append(point)
        self.written = []
        return by_name

    def since(self, rule: str) -> int | None:
        return {condition.rule: condition.since for condition in self.told}[rule]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        yield Home(state)


async def book(state: StateDb, minute: int, **terms: int) -> None:
    await state.book(Booking(source="ioc-1", rows=(LedgerRow("pump", minute, LedgerTerms(**terms)),)))


async def test_every_minute_tells_units_and_ledger_every_fifth_availability(home: Home) -> None:
    """With the contract's tags and fields; held devices have no availability."""
    await book(home.state, NOW - MINUTE, received=3, stored=3)
    await home.house._speak()
    first = await home.settle()
    counts = {"devices": 1, "online": 1, "working": 1, "unknown": 0, "critical": 0, "major": 2, "minor": 0, "out_of_service": 0}
    assert first["unit_status"] == [Point.of("unit_status", (("family", "pump"), ("unit", "u1")), counts, NOW)]
    fields = {"online": 0, "state": "offline", "cause": "will"}
    assert first["availability"] == [Point.of("availability", (("device", "p1"), ("unit", "u1")), fields, NOW)]
    assert first["ledger"] == [ledger_point("pump", "ioc-1", NOW - MINUTE, LedgerTerms(received=3, stored=3))]
    seen = []
    for _ in range(10):
        home.now += MINUTE
        await home.house._speak()
        seen.append("availability" in await home.settle())
    assert seen == [False, False, False, False, True] * 2


async def test_ledger_of_long_ago_is_told_again_when_what_was_spooled_is_stored(home: Home) -> None:
    """Else a chart would show it as spooled for ever."""
    long_ago = NOW - 300 * MINUTE
    await book(home.state, long_ago, received=5, spooled=5)
    await book(home.state, long_ago + MINUTE, received=1, stored=1)
    await home.house._speak()
    assert "ledger" not in await home.settle()
    await book(home.state, long_ago, spooled=-5, stored=5)
    home.house.rebooked([long_ago])
    await home.house._speak()
    assert (await home.settle())["ledger"] == [ledger_point("pump", "ioc-1", long_ago, LedgerTerms(received=5, stored=5))]
    await home.house._speak()
    assert "ledger" not in await home.settle()


async def test_minute_without_a_readable_ledger_tells_the_rest(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is to be told again is not forgotten."""
    home.house.rebooked([NOW - 300 * MINUTE])

    async def unreadable(*_arguments: object, **_more: object) -> list[object]:
        msg = "disk I/O error"
        raise StateUnavailableError(msg)

    monkeypatch.setattr(home.state, "ledger_minutes", unreadable)
    with pytest.raises(StateUnavailableError):
        await home.house._speak()
    assert set(await home.settle()) == {"unit_status", "availability"}
    assert home.house._rebooked == {NOW - 300 * MINUTE}


async def test_blindness_is_a_change_of_every_device(home: Home) -> None:
    """When it begins, and when it ends: unknown by blind, then as before."""
    await home.house._beat()
    assert await home.settle() == {}
    home.presence.deaf = frozenset({"ioc-1"})
    await home.house._beat()
    (point,) = (await home.settle())["availability"]
    assert (point.fields["state"], point.fields["cause"]) == ("unknown", "blind")
    home.presence.deaf = frozenset()
    await home.house._beat()
    (point,) = (await home.settle())["availability"]
    assert point.fields["state"] == "offline"
    await home.house._beat()
    assert await home.settle() == {}


async def test_store_that_stays_away_and_a_full_spool_are_conditions(home: Home) -> None:
    """A short absence is none; each tells its own trouble."""
    home.down_since = NOW - STORE_GRACE_MS + 1
    await home.house._beat()
    assert home.since("ioc_store_down") is None
    home.now += 1
    await home.house._beat()
    assert home.since("ioc_store_down") == home.down_since
    assert home.since("ioc_spool_full") is None
    home.spool_full_since = NOW
    await home.house._beat()
    assert home.since("ioc_spool_full") == NOW
    assert {condition.rule: condition.detail for condition in home.told}["ioc_spool_full"] == "the spool is full"


async def test_start_alone_ends_no_condition(home: Home) -> None:
    """An alarm from before a restart stands until the store has answered, and the spool has taken something."""
    home.answered = home.spool_tried = False
    home.down_since = NOW - 1
    await home.house._beat()
    assert not {"ioc_store_down", "ioc_spool_full"} & {condition.rule for condition in home.told}
    home.down_since = NOW - STORE_GRACE_MS
    await home.house._beat()
    assert home.since("ioc_store_down") == home.down_since
    home.down_since, home.answered, home.spool_tried = None, True, True
    await home.house._beat()
    assert (home.since("ioc_store_down"), home.since("ioc_spool_full")) == (None, None)


def test_full_quarantine_is_a_condition_until_nothing_has_been_dropped_for_a_while() -> None:
    """The one declared loss is said aloud."""
    dropped = 7
    evictions = Evictions(lambda: dropped)
    assert evictions.condition(NOW).since is None
    dropped = 8
    assert evictions.condition(NOW + 1).since == NOW + 1
    dropped = 9
    assert evictions.condition(NOW + 2).since == NOW + 1
    assert evictions.condition(NOW + 1 + EVICTION_OVER_MS).since == NOW + 1
    assert evictions.condition(NOW + 2 + EVICTION_OVER_MS).since is None


async def test_quarantine_that_fills_up_is_a_condition_until_much_of_it_is_gone(home: Home) -> None:
    """From 80 % on, until it is below 70 %."""
    said = []
    for level in (790, 800, 1_000, 750, 700, 699, 750):
        home.now, home.waiting = home.now + 1, level
        await home.house._beat()
        said.append([condition.since for condition in home.told if condition.rule == "ioc_quarantine_filling"])
    assert said == [[], [NOW + 2], [NOW + 2], [NOW + 2], [NOW + 2], [None], []]


async def test_own_points_are_bounded_and_what_is_left_out_is_counted(home: Home) -> None:
    """A store that hangs must not fill our memory."""
    point = Point.of("availability", (), {"online": 1}, NOW)
    home.house.write([point] * (SLICE * (WAITING + 2)))
    assert home.house.left_out == 2
    assert len((await home.settle())["availability"]) == SLICE * WAITING
