"""The desk: what a batch changes is committed before anybody is told."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.clock_rules import CLOCK_RULES
from alerts.desk import Desk, News, Strangers
from alerts.engine import Engine
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.notify_file import NotifyFile
from alerts.presence import Ears
from alerts.rule import Rule
from collectors.delivery import Delivery
from collectors.ingest import Ingest
from collectors.pipeline import Pipeline
from collectors.redelivery import RedeliveryMemory
from ioc.domain.alarm import Decisions, Step
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.hearing import Heard, Lost
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival, DeviceStatus, Sample
from ioc.domain.state import StateUnavailableError

NOW = 1_700_000_000_000
TEXT = {"vi": "x", "en": "x"}
FAMILY = Family.model_validate(
    {"family": "pump", "labels": TEXT, "cadence": "10s", "metrics": {"temp_c": {"type": "float", "labels": TEXT}}}
)
VALVE = FAMILY.model_copy(update={"family": "valve", "cadence": 3_600_000})
FAMILIES = {"pump": FAMILY, "valve": VALVE}
RULES = [
    Rule.model_validate(
        {
            "id": name,
            "family": "pump",
            "when": when,
            "severity": "major",
            "summary": TEXT,
            "cause": TEXT,
            "consequence": TEXT,
            "action": TEXT,
        }
    )
    for name, when in [
        ("hot", {"kind": "threshold", "metric": "temp_c", "above": "80", "clear_below": "70"}),
        ("away", {"kind": "absence"}),
    ]
]
NOTIFY = NotifyFile.model_validate(
    {
        "channels": {"out": {"kind": "file", "path": "o"}},
        "routes": [{"group_by": ["rule", "device"], "group_wait": "0s", "channels": ["out"]}],
    }
)


class World:
    """A desk over a journal in memory."""

    def __init__(self, *, accept: bool = False, most: int = 10) -> None:
        self.now = NOW
        self.decisions: list[Decisions] = []
        self.newcomers: list[Device] = []
        self.failures = 0
        self.told: list[News] = []
        self.fleet = Fleet(FAMILIES)
        self.ears = Ears(NOW)
        self.strangers = Strangers(accept=accept, most=most)
        zone = ZoneInfo("Asia/Ho_Chi_Minh")
        wording = Wording(
            language="vi",
            zone=zone,
            device=self.fleet.device,
            unit=lambda _: None,
            families={name: family.labels for name, family in FAMILIES.items()},
        )
        self.desk = Desk(
            engine=Engine(RULES, site="s", families=FAMILIES.values(), device_of=self.fleet.device, zone=zone, clock_rules=CLOCK_RULES),
            notifier=Notifier(NOTIFY.routes, wording=wording),
            fleet=self.fleet,
            families=FAMILIES,
            ears={"ioc-1": self.ears},
            strangers=self.strangers,
            journal=self,
            clock=lambda: self.now,
            announce=self.told.append,
            committed=lambda: None,
        )

    async def commit(self, decisions: Decisions, *, devices: Sequence[Device] = ()) -> None:
        if self.failures:
            self.failures -= 1
            msg = "disk full"
            raise StateUnavailableError(msg)
        self.decisions.append(decisions)
        self.newcomers += devices

    @property
    def journal(self) -> list[tuple[str, Step]]:
        return [(entry.rule, entry.step) for one in self.decisions for entry in one.transitions]

    @property
    def messages(self) -> int:
        return sum(len(one.outbox) for one in self.decisions)

    async def hear(self, start: int, end: int) -> None:
        """Canaries every 5 s."""
        for at in range(start, end + 1, 5_000):
            self.now = at + 50
            await self.desk.decide("ioc-1", [Heard(at, at + 20)])


def sample(temp: float, at: int, device: str = "p1") -> Sample:
    return Sample("pump", device, at, at, (temp,), 0, live=True)


async def test_alarm_and_its_message_are_committed_together_and_clear() -> None:
    """One transaction holds transition, alarm and outbox row."""
    world = World()
    await world.desk.register([Device(device="p1", family="pump", registered_at=NOW)])
    await world.desk.decide("ioc-1", [Arrival("pump", "p1", NOW + 1), sample(90, NOW + 1)])
    raised = next(one for one in world.decisions if any(entry.rule == "hot" for entry in one.transitions))
    assert "raised" in [message.event for message in raised.outbox]
    await world.desk.decide("ioc-1", [sample(60, NOW + 2000)])
    assert ("hot", Step.CLEARED) in world.journal


async def test_wrong_clock_is_found_in_messages_raised_told_and_over() -> None:
    """From deliveries to the alarm: half a minute fast for three messages, then set right."""
    world = World()
    await world.desk.register([Device(device="p1", family="pump", registered_at=NOW)])
    ingest = Ingest(FAMILIES, topic_root="ioc/v1", history_limit=90 * 86_400_000, redelivery=RedeliveryMemory())
    for n in range(8):
        world.now = at = NOW + n * 10_000
        ahead = 45_000 if n < 4 else 0
        items = [Delivery(b"ioc/v1/pump/p1/telemetry", b'{"ts": %d, "temp_c": 20.0}' % (at + ahead), at, n + 1, 1)]
        await world.desk.decide("ioc-1", list(Pipeline._inputs(items, ingest.read(items))))
    entries = [entry for one in world.decisions for entry in one.transitions]
    assert [(entry.rule, entry.step, entry.at - NOW) for entry in entries] == [
        ("device_clock_off", Step.RAISED, 20_000),
        ("device_clock_off", Step.CLEARED, 60_000),
    ]
    [message] = [message for one in world.decisions for message in one.outbox]
    assert "đồng hồ lệch (nhanh 45 giây)" in message.body.decode()


async def test_nothing_is_told_before_it_is_committed() -> None:
    """A full disk makes the desk wait, not lie."""
    world = World(accept=True)
    world.failures = 1
    await world.desk.decide("ioc-1", [sample(90, NOW + 1)])
    assert world.desk.state_fault is None
    assert ("hot", Step.RAISED) in world.journal
    assert len(world.told) == 1


async def test_held_stranger_is_listed_and_raises_nothing_until_approved() -> None:
    """Stored and shown, no alarms."""
    world = World()
    await world.desk.decide("ioc-1", [Arrival("pump", "x", NOW), sample(90, NOW, "x")])
    assert [device.approved for device in world.newcomers] == [False]
    assert world.journal == []
    await world.desk.register([Device(device="x", family="pump", registered_at=NOW)])
    assert world.strangers.known == 0
    await world.desk.decide("ioc-1", [sample(91, NOW + 1000, "x")])
    assert world.journal == [("hot", Step.RAISED)]


async def test_strangers_beyond_the_cap_leave_no_trace() -> None:
    """Bounded, and counted."""
    world = World(most=2)
    await world.desk.decide("ioc-1", [Arrival("pump", f"x{n}", NOW) for n in range(5)])
    assert len(world.fleet) == 2
    assert world.strangers.over == 3


async def test_registered_device_never_heard_is_offline_from_its_import() -> None:
    """Absence is an alarm once it could have been heard, and clears when it is heard."""
    world = World()
    await world.desk.register([Device(device="p1", family="pump", registered_at=NOW)])
    assert world.ears.liveness.state("p1") is Liveness.OFFLINE
    await world.hear(NOW, NOW + 30_000)
    assert world.journal == []
    await world.hear(NOW + 35_000, NOW + 35_000)
    assert world.journal == [("away", Step.RAISED)]
    await world.desk.decide("ioc-1", [Arrival("pump", "p1", NOW + 36_000)])
    assert world.journal == [("away", Step.RAISED), ("away", Step.CLEARED)]


async def test_own_deafness_raises_one_alarm_and_none_of_devices() -> None:
    """Ten minutes without a broker."""
    world = World(accept=True)
    await world.desk.decide("ioc-1", [Heard(NOW, NOW + 10), *(Arrival("pump", f"p{n}", NOW + 100) for n in range(50))])
    await world.desk.decide("ioc-1", [Lost(NOW + 200)])
    for second in range(1, 600):
        world.now = NOW + second * 1000
        await world.desk.pulse()
    assert world.journal == [("ioc_blind", Step.RAISED)]
    assert world.desk.blind
    await world.hear(NOW + 600_000, NOW + 610_000)
    await world.desk.pulse()
    assert world.journal == [("ioc_blind", Step.RAISED), ("ioc_blind", Step.CLEARED)]
    await world.hear(NOW + 615_000, NOW + 645_000)
    assert {world.ears.liveness.state(f"p{n}") for n in range(50)} == {Liveness.OFFLINE}


async def test_device_that_fell_off_and_came_back_while_we_were_away_is_not_offline() -> None:
    """Will and birth both waited at the broker: the birth, though no arrival, takes the Will back."""
    world = World(accept=True)
    await world.desk.decide("ioc-1", [Heard(NOW, NOW + 10), Arrival("pump", "p1", NOW + 100)])
    gone = NOW + 300_000
    await world.desk.decide(
        "ioc-1",
        [
            Lost(NOW + 200),
            DeviceStatus("pump", "p1", gone, online=False),
            DeviceStatus("pump", "p1", gone, online=True),
            DeviceStatus("pump", "p2", gone, online=False),
            Heard(gone + 10, gone + 20),
        ],
    )
    await world.hear(gone + 5_000, gone + 15_000)
    assert world.ears.liveness.state("p1") is Liveness.ONLINE
    assert world.ears.liveness.state("p2") is Liveness.OFFLINE


async def test_input_that_our_rules_stumble_over_costs_that_input_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its batch are decided, once each."""
    world = World(accept=True)
    step = Engine.step

    def stumbling(engine: Engine, inputs: Sequence[Any], now: int) -> Any:
        outcome = step(engine, [one for one in inputs if getattr(one, "device", "") != "bad"], now)
        if any(getattr(one, "device", "") == "bad" for one in inputs):
            raise ZeroDivisionError
        return outcome

    monkeypatch.setattr(Engine, "step", stumbling)
    await world.desk.decide("ioc-1", [sample(90, NOW, "p1"), sample(90, NOW, "bad"), sample(60, NOW, "p2"), sample(95, NOW, "p3")])
    await world.desk.decide("ioc-1", [sample(60, NOW + 1_000, "p1")])
    assert world.journal.count(("hot", Step.CLEARED)) == 1
    assert world.desk.faults == 1


async def test_message_that_cannot_be_written_does_not_keep_the_alarm_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a wall that can't be told."""
    world = World(accept=True)

    def broken(*_anything: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Notifier, "step", broken)
    monkeypatch.setattr(world.desk, "_announce", broken)
    await world.desk.decide("ioc-1", [sample(90, NOW + 1)])
    assert world.journal == [("hot", Step.RAISED)]


async def test_device_that_moves_to_another_family_is_watched_by_it() -> None:
    """Its silence is the new family's."""
    world = World()
    await world.desk.register([Device(device="p1", family="valve", registered_at=NOW)])
    await world.desk.register([Device(device="p1", family="pump", registered_at=NOW)])
    await world.hear(NOW, NOW + 60_000)
    assert world.journal == [("away", Step.RAISED)]
