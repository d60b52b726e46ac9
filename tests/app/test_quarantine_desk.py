"""A second look at what could not be stored, with today's declarations."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from collectors.writer import Writer
from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.adapters.state.store import StateDb
from ioc.app.quarantine_desk import QuarantineDesk
from ioc.app.replaying import Replayer
from ioc.domain.dialect import Dialect
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.point import Point
from ioc.domain.quarantined import QuarantineEntry, QuarantineFilter
from ioc.domain.registry import Device
from ioc.domain.rollup import Frontier
from ioc.domain.sample import Reason, Refusal

NOW = 1_700_000_000_000
DAY = 86_400_000
TEXT = {"vi": "x", "en": "x"}


def pump(**metrics: str) -> Family:
    declared = {name: {"type": kind, "labels": TEXT} for name, kind in metrics.items()}
    return Family.model_validate({"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": declared})


class Desk:
    """A quarantine desk over real files; `declare` = the families as they are today."""

    def __init__(self, folder: Path) -> None:
        self.quarantine = QuarantineFile(folder / "quarantine.db", limit_bytes=1_000_000)
        self.store = EmbeddedStore(folder / "series.db", clock=lambda: NOW)
        self.file = spool_file(folder / "spool.db")
        self.families: dict[str, Family] = {}
        self.fleet = Fleet({})
        self.state: StateDb
        self.desk: QuarantineDesk

    async def open(self, state: StateDb) -> None:
        self.state = state
        await state.take_epoch()
        await self.quarantine.open()
        await self.store.prepare(90 * DAY)
        await self.file.open()

    def declare(self, family: Family, dialects: Mapping[str, Mapping[str, Dialect]] | None = None) -> None:
        families = {family.family: family}
        self.fleet = Fleet(families)
        self.fleet.place(Device(device="p1", family="pump", unit="u1"))
        self.writer = Writer(self.store, Spool(self.file, limit_bytes=1_000_000, clock=lambda: NOW), clock=lambda: NOW)
        replayer = Replayer(
            self.quarantine,
            families,
            topic_roots={"ioc-1": "ioc/v1", "ioc-2": "other"},
            dialects=dialects,
            history_limit=90 * DAY,
            writer=self.writer,
            state=self.state,
            frontier=Frontier(),
            clock=lambda: NOW,
        )
        self.desk = QuarantineDesk(self.quarantine, replayer, fleet=self.fleet, ledger=self.state, source="ioc-1", clock=lambda: NOW)

    async def put_aside(
        self,
        payload: bytes,
        reason: Reason = Reason.NO_KNOWN_METRIC,
        *,
        device: str = "p1",
        topic: str = "",
        times: int = 1,
        **more: Any,
    ) -> str:
        entry = QuarantineEntry(
            topic=(topic or f"ioc/v1/pump/{device}/telemetry").encode(),
            payload=payload,
            family="pump",
            device=device,
            at=NOW - 5_000,
            refusal=Refusal(reason, "why"),
            partial=bool(more),
            **more,
        )
        await self.quarantine.add([entry] * times)
        items, _ = await self.desk.quarantined(QuarantineFilter(device=device), limit=100, cursor=None)
        return next(item.id for item in items if item.payload == payload)

    async def recovered(self) -> int:
        return sum(terms.recovered for terms in (await self.state.ledger()).values())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    async with await StateDb.open(tmp_path / "state.db") as state:
        await made.open(state)
        made.declare(pump(temp_c="float"))
        yield made
        await made.quarantine.close()
        await made.store.close()
        await made.file.close()


async def test_replay_stores_what_todays_family_knows_and_counts_it(desk: Desk) -> None:
    """At its own time; afterwards it is no longer on the list."""
    payload = b'{"ts": %d, "flow": 3.5}' % (NOW - 60_000)
    item = await desk.put_aside(payload)
    refused = await desk.desk.replay(item, by="an")
    assert (refused.recovered, await desk.recovered()) == (False, 0)
    desk.declare(pump(temp_c="float", flow="float"))
    assert (await desk.desk.replay(item, by="an")).recovered
    assert (await desk.store.latest("pump"))["p1"]["flow"] == (NOW - 60_000, 3.5)
    assert await desk.recovered() == 1
    items, _ = await desk.desk.quarantined(QuarantineFilter(), limit=10, cursor=None)
    assert items == []


async def test_message_without_ts_is_stored_when_it_came_first(desk: Desk) -> None:
    """Never at the time of the replay."""
    item = await desk.put_aside(b'{"flow": 1.0}')
    desk.declare(pump(flow="float"))
    await desk.desk.replay(item, by="an")
    assert (await desk.store.latest("pump"))["p1"]["flow"] == (NOW - 5_000, 1.0)


async def test_replay_of_a_message_that_has_gone_says_so(desk: Desk) -> None:
    """It had to make room, perhaps."""
    assert not (await desk.desk.replay("nothing", by="an")).recovered
    assert await desk.desk.quarantined_one("nothing") is None


async def test_field_that_still_does_not_fit_is_named(desk: Desk) -> None:
    """The rest is stored."""
    item = await desk.put_aside(b'{"temp_c": 20, "flow": "fast"}')
    desk.declare(pump(temp_c="float", flow="float"))
    replay = await desk.desk.replay(item, by="an")
    assert replay.recovered
    assert "flow" in replay.detail


async def test_list_is_cut_into_pages_and_narrowed_to_units(desk: Desk) -> None:
    """Newest first; a technician sees the devices of the own units only."""
    for number in range(3):
        await desk.put_aside(b"junk %d" % number, Reason.NOT_JSON)
    await desk.put_aside(b"junk", Reason.NOT_JSON, device="p9")
    wanted = QuarantineFilter(reason="not_json", units=frozenset({"u1"}))
    page, cursor = await desk.desk.quarantined(wanted, limit=2, cursor=None)
    rest, end = await desk.desk.quarantined(wanted, limit=2, cursor=cursor)
    assert {item.device for item in [*page, *rest]} == {"p1"}
    assert (len(page), len(rest), end) == (2, 1, None)


async def test_identical_payloads_are_recovered_as_the_one_point_that_they_are(desk: Desk) -> None:
    """Also when they come again and are replayed again: the store has gained nothing more."""
    payload = b'{"ts": %d, "flow": 3.5}' % (NOW - 60_000)
    item = await desk.put_aside(payload, times=5)
    desk.declare(pump(flow="float"))
    assert (await desk.desk.replay(item, by="an")).recovered
    assert await desk.put_aside(payload) == item
    assert (await desk.desk.replay(item, by="an")).recovered
    assert await desk.recovered() == 1


async def test_crash_after_any_step_of_a_replay_counts_it_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point stored, or booked, and the message not marked: the next replay ends as if nothing had been."""
    item = await desk.put_aside(b'{"ts": %d, "flow": 3.5}' % (NOW - 60_000))
    desk.declare(pump(flow="float"))

    async def crash(*_args: object) -> None:
        raise ConnectionAbortedError

    for part, step in ((desk.state, "book_recovered"), (desk.quarantine, "mark_replayed"), (desk.state, "forget_recovered")):
        with monkeypatch.context() as patched:
            patched.setattr(part, step, crash)
            with pytest.raises(ConnectionAbortedError):
                await desk.desk.replay(item, by="an")
    assert (await desk.desk.replay(item, by="an")).recovered
    assert await desk.recovered() == 1
    assert await desk.state.recovered() == frozenset()
    assert (await desk.store.latest("pump"))["p1"]["flow"] == (NOW - 60_000, 3.5)


async def test_copy_of_a_partial_message_fills_only_what_was_missing(desk: Desk) -> None:
    """At the time under which the rest was stored; what a later message said there stays; no second point is counted."""
    ts = NOW - 60_000
    await desk.store.write([Point.of("pump", (("device", "p1"),), {"temp_c": 99.0, "lag_ms": 1}, ts)])
    item = await desk.put_aside(b'{"temp_c": 20, "flow": "fast"}', Reason.WRONG_TYPE, fields=("flow",), stored_at=ts)
    assert not (await desk.desk.replay(item, by="an")).recovered
    desk.declare(pump(temp_c="float", flow="string"))
    assert (await desk.desk.replay(item, by="an")).recovered
    latest = (await desk.store.latest("pump"))["p1"]
    assert (latest["temp_c"], latest["flow"]) == ((ts, 99.0), (ts, "fast"))
    assert await desk.recovered() == 0


async def test_many_are_replayed_page_by_page_once_they_were_foreseen(desk: Desk) -> None:
    """A dry run stores nothing and says the same; what is still refused stays on the list."""
    for number in range(7):
        await desk.put_aside(b'{"ts": %d, "flow": %d}' % (NOW - 60_000 - number, number))
    await desk.put_aside(b'{"other": 1}')
    desk.declare(pump(flow="float"))
    ended: dict[bool, list[tuple[int, int]]] = {}
    for dry_run in (True, False):
        cursor, sums = None, []
        while not sums or cursor is not None:
            page = await desk.desk.replay_many(QuarantineFilter(device="p1"), by="an", limit=3, cursor=cursor, dry_run=dry_run)
            cursor = page.next
            sums.append((page.recovered, page.refused))
        ended[dry_run] = sums
    assert ended[True] == ended[False]
    assert [sum(column) for column in zip(*ended[True], strict=True)] == [7, 1]
    assert await desk.recovered() == 7
    left, _ = await desk.desk.quarantined(QuarantineFilter(), limit=10, cursor=None)
    assert [item.payload for item in left] == [b'{"other": 1}']


async def test_replay_waits_for_a_store_that_is_away(desk: Desk) -> None:
    """Nothing is called recovered that the store has not taken."""
    item = await desk.put_aside(b'{"ts": %d, "flow": 3.5}' % (NOW - 60_000))
    desk.declare(pump(flow="float"))
    desk.writer.down_since = NOW
    assert "the store is away" in (await desk.desk.replay(item, by="an")).detail
    assert await desk.recovered() == 0


async def test_sums_tell_who_fills_the_quarantine_and_why(desk: Desk) -> None:
    """By device, by reason and by both, the most first; a technician's by the own units."""
    for number in range(3):
        await desk.put_aside(b"junk %d" % number, Reason.NOT_JSON, device="p9")
    await desk.put_aside(b"junk", Reason.NOT_JSON, times=2)
    await desk.put_aside(b"[]", Reason.NOT_OBJECT)
    by_device, _ = await desk.desk.quarantine_summary("device", units=None, limit=10, cursor=None)
    assert [(group.device, group.reason, group.entries, group.messages) for group in by_device] == [("p1", None, 2, 3), ("p9", None, 3, 3)]
    own, following = await desk.desk.quarantine_summary(None, units=frozenset({"u1"}), limit=1, cursor=None)
    rest, end = await desk.desk.quarantine_summary(None, units=frozenset({"u1"}), limit=1, cursor=following)
    assert [(group.device, group.reason, group.messages) for group in [*own, *rest]] == [("p1", "not_json", 2), ("p1", "not_object", 1)]
    assert end is None


async def test_vendors_message_is_replayed_by_todays_dialect(desk: Desk) -> None:
    """Also one that came before its dialect was declared, on a topic of the second source."""
    item = await desk.put_aside(b'{"t": %d, "f": 35}' % (NOW // 1000 - 60), Reason.TOPIC, topic="pumps/p1/now")
    assert not (await desk.desk.replay(item, by="an")).recovered
    fields = {"flow": {"path": "f", "scale": 0.1}}
    mine = Dialect.model_validate({"id": "mine", "topic": "pumps/{device}/now", "time": {"path": "t", "unit": "s"}, "fields": fields})
    family = pump(flow="float").model_copy(update={"dialects": (mine,)})
    desk.declare(family, {"ioc-2": {"mine": mine}})
    assert (await desk.desk.replay(item, by="an")).recovered
    assert (await desk.store.latest("pump"))["p1"]["flow"] == (NOW - 60_000, 3.5)


async def test_what_a_person_discards_is_gone_and_booked_as_evicted(desk: Desk) -> None:
    """All that the filter lets through and that still waits, however much; the rest stays."""
    await desk.put_aside(b"junk", Reason.NOT_JSON, device="p9", times=3)
    await desk.put_aside(b"more", Reason.NOT_JSON, device="p9")
    kept = await desk.put_aside(b'{"other": 1}')
    stored = await desk.put_aside(b"stored", Reason.NOT_JSON, device="p9")
    await desk.quarantine.mark_replayed([stored], NOW)
    assert await desk.desk.discard(QuarantineFilter(reason=Reason.NOT_JSON), by="person:an", why="a test device") == 4
    items, _ = await desk.desk.quarantined(QuarantineFilter(), limit=100, cursor=None)
    assert {item.id for item in items} == {kept}
    assert await desk.desk.quarantined_one(stored) is not None
    assert sum(terms.evicted for terms in (await desk.state.ledger()).values()) == 4
    assert await desk.desk.discard(QuarantineFilter(reason=Reason.NOT_JSON), by="person:an", why="again") == 0
