"""Devices with wrong clocks, and our own clock when it is set: a province whose time a test moves."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from alerts.clock_rules import CLOCK_RULES
from alerts.desk import Desk, Strangers
from alerts.engine import Engine
from alerts.message import Wording
from alerts.notifier import Notifier
from alerts.presence import Ears
from alerts.rule import Rule
from collectors.delivery import Delivery
from collectors.ingest import Ingest, Taken
from collectors.redelivery import RedeliveryMemory
from ioc.app.clock_watch import ClockWatch
from ioc.domain.alarm import Decisions
from ioc.domain.fleet import Fleet
from ioc.domain.hearing import Heard
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival
from ruling.stage import FAMILIES, HOT, NOON, rule

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
CANARY_MS = 5_000
RULES: Sequence[Rule] = (rule(HOT, id="hot"), rule({"kind": "absence"}, id="away"))


def ingest() -> Ingest:
    """With the shipped families."""
    return Ingest(FAMILIES, topic_root="ioc/v1", history_limit=90 * DAY_MS, redelivery=RedeliveryMemory())


def says(device: str, ts: object, at: int, **values: object) -> Delivery:
    """Telemetry that claims `ts` and arrives at `at`."""
    body = ({} if ts is None else {"ts": ts}) | (values or {"state": "idle"})
    return Delivery(f"ioc/v1/speaker/{device}/telemetry".encode(), json.dumps(body).encode(), at, 1, 1)


SKEWS: dict[str, Any] = {
    "24 h ahead": lambda at: at + DAY_MS,
    "24 h behind": lambda at: at - DAY_MS,
    "1970": lambda at: (at - NOON) // 1000,
    "2106": lambda at: 2**32 * 1000 + at - NOON,
    "beyond all calendars": lambda _at: 2**62,
    "leap second": lambda _at: "2016-12-31T23:59:60Z",
    "one minute ahead": lambda at: at + MINUTE_MS,
    "before 1970": lambda _at: -1,
}


@dataclass(slots=True)
class Told:
    """Of one kind of wrong clock: points, those later than their arrival, those without any mark that something is wrong."""

    points: int = 0
    future: int = 0
    unmarked: int = 0
    lost: int = 0


def skewed(messages: int) -> dict[str, Told]:
    """A device for each kind, so many messages a minute apart."""
    reader = ingest()
    found = {name: Told() for name in SKEWS}
    for n in range(messages):
        at = NOON + n * MINUTE_MS
        taken = reader.read([says(name.replace(" ", "-"), skew(at), at, state="idle", volume=n % 101) for name, skew in SKEWS.items()])
        for told, one in zip(found.values(), taken, strict=True):
            _count(told, one)
    return found


def _count(told: Told, one: Taken) -> None:
    news = one.news
    if news is None or not hasattr(news, "ts"):
        told.lost += 1
        return
    told.points += 1
    told.future += news.ts > one.delivery.arrival
    told.unmarked += not (one.clock_corrected or one.refusals or not news.live)


@dataclass
class Province:
    """A desk with devices that speak every minute by right clocks, and a host clock that can be set."""

    devices: int = 20
    true: int = NOON
    step: int = 0
    decisions: list[Decisions] = field(default_factory=list)
    notices: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watch = ClockWatch(lambda: self.now, lambda: self.true)
        self._fleet = Fleet(FAMILIES)
        self._reader = ingest()
        zone = ZoneInfo("Asia/Ho_Chi_Minh")
        labels = {name: family.labels for name, family in FAMILIES.items()}
        self.desk = Desk(
            engine=Engine(RULES, site="s", families=FAMILIES.values(), device_of=self._fleet.device, zone=zone, clock_rules=CLOCK_RULES),
            notifier=Notifier(
                (), wording=Wording(language="vi", zone=zone, device=self._fleet.device, unit=lambda _: None, families=labels)
            ),
            fleet=self._fleet,
            families=FAMILIES,
            ears={"ioc-1": Ears(NOON)},
            strangers=Strangers(accept=False, most=10),
            journal=self,
            clock=lambda: self.now,
            announce=self.notices.append,
            committed=lambda: None,
        )

    @property
    def now(self) -> int:
        """What our clock says."""
        return self.true + self.step

    @property
    def journal(self) -> list[tuple[str, str | None, str]]:
        """(rule, device, step) of all transitions."""
        return [(one.rule, one.device, one.step.value) for decided in self.decisions for one in decided.transitions]

    async def commit(self, decisions: Decisions, *, devices: Sequence[Device] = ()) -> None:
        """The journal in memory."""
        del devices
        self.decisions.append(decisions)

    async def begin(self, hot: Iterable[int] = ()) -> None:
        """Registers the devices; those in `hot` are too hot from the start."""
        self._hot = set(hot)
        await self.desk.register([Device(device=f"d{n}", family="speaker", unit="u1", registered_at=NOON) for n in range(self.devices)])

    async def live(self, minutes: int) -> None:
        """Goes on: canaries every 5 s, every device once a minute, our pulse once a second."""
        for second in range(minutes * 60):
            self.true += 1_000
            batch = [
                says(f"d{n}", self.true - 200, self.now, amp_temp_c=95.0 if n in self._hot else 40.0)
                for n in range(self.devices)
                if second % 60 == n % 60
            ]
            inputs: list[Any] = []
            for taken in self._reader.read(batch):
                inputs += [Arrival(taken.family, taken.device, taken.delivery.arrival)] if taken.device else []
                inputs += [one for one in (taken.news, taken.clock) if one is not None]
            if second % 5 == 0:
                inputs.append(Heard(self.now - 20, self.now))
            if inputs:
                await self.desk.decide("ioc-1", inputs)
            await self.desk.pulse(self._watch.steps())


async def host_step(by: int) -> tuple[list[tuple[str, str | None, str]], list[tuple[str, str | None, str]]]:
    """(the journal before our clock is set by so much, what the ten minutes after add to it)."""
    province = Province()
    await province.begin(hot=range(3))
    await province.live(5)
    before = province.journal
    province.step = by
    await province.live(10)
    return before, province.journal[len(before) :]
