"""A second look at what could not be stored, with today's declarations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collectors.writer import Writer
from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.spool import Spool
from ioc.adapters.spool_file import spool_file
from ioc.adapters.state.store import StateDb
from ioc.app.quarantine_desk import QuarantineDesk
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.quarantined import QuarantineEntry
from ioc.domain.registry import Device
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

    def declare(self, family: Family) -> None:
        families = {family.family: family}
        self.fleet = Fleet(families)
        self.fleet.place(Device(device="p1", family="pump", unit="u1"))
        self.desk = QuarantineDesk(
            self.quarantine,
            families,
            fleet=self.fleet,
            topic_roots={"ioc-1": "ioc/v1", "ioc-2": "other"},
            history_limit=90 * DAY,
            writer=Writer(self.store, Spool(self.file, limit_bytes=1_000_000, clock=lambda: NOW), clock=lambda: NOW),
            state=self.state,
            clock=lambda: NOW,
        )

    async def put_aside(self, payload: bytes, reason: Reason = Reason.NO_KNOWN_METRIC, *, device: str = "p1") -> str:
        topic = f"ioc/v1/pump/{device}/telemetry".encode()
        entry = QuarantineEntry(
            topic=topic,
            payload=payload,
            family="pump",
            device=device,
            at=NOW - 5_000,
            refusal=Refusal(reason, "why"),
            partial=False,
            redelivered=False,
            fingerprint=hash(payload) & 0xFFFF,
        )
        await self.quarantine.add([entry])
        items, _ = await self.desk.quarantined(device=device, reason=None, units=None, limit=100, cursor=None)
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
    items, _ = await desk.desk.quarantined(device=None, reason=None, units=None, limit=10, cursor=None)
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
    page, cursor = await desk.desk.quarantined(device=None, reason="not_json", units=frozenset({"u1"}), limit=2, cursor=None)
    rest, end = await desk.desk.quarantined(device=None, reason="not_json", units=frozenset({"u1"}), limit=2, cursor=cursor)
    assert {item.device for item in [*page, *rest]} == {"p1"}
    assert (len(page), len(rest), end) == (2, 1, None)
