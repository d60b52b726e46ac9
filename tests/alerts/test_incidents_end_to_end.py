"""From arrivals that stay away to the messages about it: engine, desk, notifier and state database."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.desk import Desk, Strangers
from alerts.engine import Engine
from alerts.guards import Guards
from alerts.incident_plan import IncidentPlan
from alerts.incidents import Incidents
from alerts.message import MessageDocument, Wording
from alerts.neighbours import Neighbours
from alerts.notifier import Notifier
from alerts.presence import Ears
from ioc.adapters.state.store import StateDb
from ioc.domain.fleet import Fleet
from ioc.domain.hearing import Heard
from ioc.domain.incident import IncidentFilter
from ioc.domain.liveness_change import Liveness
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival, Sample
from notifying.stage import notify_file
from ruling.stage import FAMILIES, NOON, ZONE, sample, shipped_rules

MINUTE = 60
DEVICES = 2_000
UNIT = 200
ROUTE = {"group_by": ["rule", "unit"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}


class Province:
    """2,000 loudspeakers that report once a minute, each at its own second; some are cut off."""

    def __init__(self, state: StateDb, chance: random.Random) -> None:
        self.state = state
        self.second = 0
        self.away: set[str] = set()
        self.odd: dict[str, dict[str, Any]] = {}
        """Device → values that it reports."""
        self.beat = {f"d{n:04}": chance.randrange(60) for n in range(DEVICES)}
        self.fleet = Fleet(FAMILIES)
        self.ears = Ears(NOON)
        self.rules = shipped_rules()
        self.desk = self._desk()

    @property
    def now(self) -> int:
        return NOON + self.second * 1000

    def _desk(self) -> Desk:
        """A desk as after a start; what is heard of the devices goes on."""
        routes = notify_file(ROUTE).routes
        neighbours = Neighbours(self.fleet, FAMILIES, by=IncidentPlan().by, state_of=self._state_of)
        absences = [rule.id for rule in self.rules if rule.is_absence]
        self.engine = Engine(self.rules, site="s", families=FAMILIES.values(), device_of=self.fleet.device, zone=ZONE)
        self.notifier = Notifier(
            routes,
            wording=Wording(
                language="vi",
                zone=ZONE,
                device=self.fleet.device,
                unit=lambda _: None,
                families={name: family.labels for name, family in FAMILIES.items()},
            ),
            guards=Guards(
                incidents=Incidents(
                    IncidentPlan(), concerned=absences.__contains__, attributes=neighbours.attributes, standing=neighbours.standing
                )
            ),
        )
        return Desk(
            engine=self.engine,
            notifier=self.notifier,
            fleet=self.fleet,
            families=FAMILIES,
            ears={"ioc-1": self.ears},
            strangers=Strangers(accept=False, most=0),
            journal=self.state,
            clock=lambda: self.now,
            announce=lambda _: None,
            committed=lambda: None,
        )

    def _state_of(self, device: str) -> Liveness:
        return self.ears.liveness.state(device)

    async def begin(self) -> None:
        devices = [
            Device(device=name, family="speaker", unit=f"u{n // UNIT}", labels={"feeder": f"f{n // 50}"}, registered_at=NOON)
            for n, name in enumerate(self.beat)
        ]
        await self.desk.register(devices)

    async def restart(self) -> None:
        """Engine, notifier and desk from what was committed."""
        restored = await self.state.load()
        self.desk = self._desk()
        self.engine.restore(alarms=restored.alarms, rule_states=restored.rule_states, seq=restored.seq, heard_until=self.now)
        self.notifier.restore(restored.groups, restored.alarms, restored.position)
        await self.desk.begin([], ())

    async def run(self, seconds: int) -> None:
        """Each second those report whose turn it is; the canary comes back every five."""
        for _ in range(seconds):
            self.second += 1
            news: list[Heard | Arrival | Sample] = [Heard(self.now - 20, self.now)] if self.second % 5 == 0 else []
            for device, beat in self.beat.items():
                if beat == self.second % 60 and device not in self.away:
                    news += self._report(device)
            await self.desk.decide("ioc-1", news)
            await self.desk.pulse()

    def _report(self, device: str) -> Sequence[Arrival | Sample]:
        values = {"state": "idle", "carrier": "viettel", **self.odd.get(device, {})}
        return Arrival("speaker", device, self.now), sample(self.now, device, **values)

    async def messages(self) -> list[MessageDocument]:
        """In the order in which they were written."""
        entries, _ = await self.state.outbox(1000)
        ordered = sorted((entry.message for entry in entries), key=lambda one: (one.at, one.key))
        return [msgspec.json.decode(one.body, type=MessageDocument) for one in ordered]


@pytest.mark.parametrize("seed", [18, 19, 20])
async def test_power_cut_of_200_with_three_other_faults_is_told_once_and_its_end_once(tmp_path: Path, seed: int) -> None:
    """A commune goes dark, two devices elsewhere fail at the same time and a third is opened; a restart comes in between."""
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        province = Province(state, random.Random(seed))
        await province.begin()
        await province.run(3 * MINUTE)
        cut = {f"d{n:04}" for n in range(600, 800)}
        province.away = {*cut, "d0001", "d1999"}
        province.odd["d1500"] = {"state": "fault"}
        await province.run(4 * MINUTE - 20)
        await province.restart()
        await province.run(4 * MINUTE)
        told = await province.messages()
        assert sorted((message.event, len(message.alarms)) for message in told) == [("raised", 1)] * 3 + [("raised", 200)]
        (outage,) = (message for message in told if len(message.alarms) == 200)
        assert outage.text.startswith("[CAO] Mất kết nối hàng loạt: 200 cụm loa, cùng u3 (trong ")
        (incident,), _ = await state.incidents.incidents(IncidentFilter(active=True), limit=10, cursor=None)
        assert (incident.attribute, incident.value, incident.members, incident.recovered) == ("unit", "u3", 200, 0)
        assert {alarm.incident for alarm in outage.alarms} == {incident.id}
        assert set(await state.incidents.incidents_of([alarm.id for alarm in outage.alarms])) == {alarm.id for alarm in outage.alarms}
        province.away -= cut
        await province.run(3 * MINUTE)
        back = (await province.messages())[4:]
        assert [(message.event, len(message.alarms)) for message in back] == [("cleared", 200)]
        assert "đã phục hồi 200/200 cụm loa" in back[0].text
        assert await state.incidents.incidents(IncidentFilter(active=True), limit=10, cursor=None) == ([], None)
        restored = await state.load()
        assert not [row for row in restored.groups if row.key.startswith(("incident:", "fallen:"))]
