"""Spells in which we can't hear, at random, with devices of mixed cadences: one alarm about us, and none about a device that lives."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.desk import Strangers
from alerts.inputs import ClockStep
from alerts.notify_file import NotifyPlan, Route
from alerts.proving.backdrop import Backdrop
from alerts.proving.stagehand import Stagehand
from alerts.rule import Rule
from ioc.domain.family import Family
from ioc.domain.hearing import BLIND_AFTER_MS, CANARY_EVERY_MS, Heard, Lost
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival

NOW = 1_700_000_000_000
TEXT = {"vi": "x", "en": "x"}
CADENCES = {"fast": 10_000, "slow": 60_000, "rare": 300_000}
FAMILIES = {
    name: Family.model_validate(
        {"family": name, "labels": TEXT, "cadence": f"{cadence // 1000}s", "metrics": {"x": {"type": "float", "labels": TEXT}}}
    )
    for name, cadence in CADENCES.items()
}
RULES = [
    Rule.model_validate(
        {"id": f"{name}_away", "family": name, "when": {"kind": "absence"}, "severity": "major", "summary": TEXT, "action": TEXT}
    )
    for name in CADENCES
]
SLOT = CANARY_EVERY_MS
SLACK = 2 * SLOT
"""Decisions by the clock come with the next canary."""
LASTS = 420
"""Slots of a history: 35 minutes."""


@dataclass(frozen=True)
class Spell:
    """From which slot on, for how many, we do not hear: the connection is lost, canaries stay away, or our clock is set by `step` s."""

    start: int
    slots: int
    kind: Literal["lost", "deaf", "set"]
    step: int


@dataclass
class Watched:
    """A device as the test knows it: its phase within its cadence, when it dies, and how long we have listened since it was heard."""

    name: str
    family: str
    phase: int
    dies: int | None
    unheard: int = 0
    history: list[bool] = field(default_factory=list)

    def speaks(self, slot: int) -> bool:
        """Whether it sends something in this slot."""
        every = CADENCES[self.family] // SLOT
        return (slot + self.phase) % every == 0 and (self.dies is None or slot < self.dies)


SPELLS = st.lists(
    st.builds(
        Spell,
        start=st.integers(5, LASTS - 60),
        slots=st.integers(1, 50),
        kind=st.sampled_from(["lost", "deaf", "set"]),
        step=st.integers(6, 7200).map(lambda step: step if step % 2 else -step),
    ),
    max_size=4,
)
DEVICES = st.lists(
    st.tuples(st.sampled_from(sorted(CADENCES)), st.integers(0, 59), st.one_of(st.none(), st.integers(0, LASTS))), min_size=1, max_size=5
)


class World:
    """A desk, its clock, and the reference: listening time since each device was heard, and since the last spell."""

    def __init__(self, devices: list[Watched]) -> None:
        backdrop = Backdrop(
            site="s", language="vi", zone=ZoneInfo("Asia/Ho_Chi_Minh"), families=FAMILIES, rules=RULES, clock_rules=(),
            plan=NotifyPlan.alone([Route(channels=("out",))]), unit=lambda _: None,
        )  # fmt: skip
        self.hand = Stagehand(backdrop, sources=["one"], now=NOW, strangers=Strangers(accept=False, most=0))
        self.devices = devices
        self.listened = 0
        self.open = False
        self.deaf_slots = 0

    async def begin(self) -> None:
        """All devices are registered."""
        await self.hand.desk.register([Device(device=one.name, family=one.family, registered_at=NOW) for one in self.devices])

    async def slot(self, number: int, spells: list[Spell]) -> None:
        """Five seconds: what is sent arrives, unless a spell goes on."""
        hand, now = self.hand, [one for one in spells if one.start <= number < one.start + one.slots]
        hand.now += SLOT
        for spell in now:
            if spell.kind == "set" and spell.start == number:
                hand.now += spell.step * 1000
                await hand.desk.pulse([ClockStep(hand.now, spell.step * 1000)])
                self.listened = self.deaf_slots = 0
                self.open = False
        kinds = {one.kind for one in now} - {"set"}
        if "lost" in kinds:
            await hand.desk.decide("one", [Lost(hand.now)])
        if kinds:
            self.open, self.listened = False, 0
            self.deaf_slots += 1
        else:
            await self._hear(number)
        await hand.desk.pulse()
        for one in self.devices:
            one.history.append(bool(hand.engine.alarms_of(one.name)))

    async def _hear(self, number: int) -> None:
        hand, speaking = self.hand, [one for one in self.devices if one.speaks(number)]
        if self.open:
            self.listened += SLOT
            for one in self.devices:
                one.unheard += SLOT
        self.open, self.deaf_slots = True, 0
        await hand.desk.decide("one", [Heard(hand.now, hand.now + 20)])
        await hand.desk.decide("one", [Arrival(one.family, one.name, hand.now + 20) for one in speaking])
        for one in speaking:
            one.unheard = 0

    def check(self, number: int) -> None:
        """Who lives has no alarm; who is silent has one once we listened for its time, and its grace after the last spell."""
        about_us = [alarm for alarm in self.hand.engine.active() if alarm.device is None]
        assert len(about_us) <= 1
        assert bool(about_us) >= (self.deaf_slots * SLOT > BLIND_AFTER_MS + SLACK)
        for one in self.devices:
            family, raised = FAMILIES[one.family], one.history[-1]
            if one.dies is None or number < one.dies:
                assert not raised, (number, one)
            began = raised and not one.history[-2]
            assert not (began and (self.deaf_slots or self.listened < family.grace_ms - SLOT)), (number, one)
            assert not (began and one.unheard < family.silence_ms - SLOT), (number, one)
            if one.unheard > family.silence_ms + SLACK and self.listened > family.grace_ms + SLACK:
                assert raised, (number, one)


@settings(max_examples=15, deadline=None)
@given(spells=SPELLS, devices=DEVICES)
def test_blames_no_device_for_what_we_could_not_hear(spells: list[Spell], devices: list[tuple[str, int, int | None]]) -> None:
    """Whatever the spells are; and who is silent is found at its declared time of listening."""
    watched = [Watched(f"d{number}", *one) for number, one in enumerate(devices)]

    async def play() -> None:
        world = World(watched)
        await world.begin()
        for number in range(LASTS):
            await world.slot(number, spells)
            world.check(number)

    asyncio.run(play())
