"""A province of loudspeakers before a whole desk, second by second on a clock that the test moves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from alerts.desk import Strangers
from alerts.message import MessageDocument
from alerts.notify_file import NotifyFile
from alerts.presence import BLIND
from alerts.proving.backdrop import Backdrop
from alerts.proving.stagehand import Stagehand
from alerts.rule import Rule
from ioc.domain.alarm import Transition
from ioc.domain.hearing import Heard, Lost
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival, Value
from ruling.stage import FAMILIES, NOON, rule, sample

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SECOND, MINUTE = 1_000, 60_000
CADENCE_S = 60
CANARY_S = 5
FINE: Mapping[str, Value] = {"state": "idle", "amp_temp_c": 40.0}
ALONE = {"group_by": ["rule", "device"], "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s", "channels": ["ops"]}
AWAY, FAULT = rule({"kind": "absence"}, id="away"), rule({"kind": "state", "metric": "state", "is": "fault"}, id="fault")


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody was told: `at` in seconds since the beginning, and the (rule, device) of its alarms."""

    event: str
    at: int
    alarms: tuple[tuple[str, str | None], ...]


class Night:
    """`values` says what a device tells in its turn (None = it is silent); every device has one turn a minute."""

    def __init__(self, devices: Iterable[Device], *, rules: Iterable[Rule] = (AWAY, FAULT), **guards: Any) -> None:
        """`guards`: further keys of the notify file; without them nothing is held back."""
        self.devices = list(devices)
        none = {key: {"enabled": "false"} for key in ("incidents", "flapping", "flood")}
        notify = {"channels": {"ops": {"kind": "file", "path": "o"}}, "routes": [ALONE], **none, **guards}
        backdrop = Backdrop(
            site="phu-tho",
            language="vi",
            zone=ZONE,
            families=FAMILIES,
            rules=tuple(rules),
            clock_rules=(),
            plan=NotifyFile.model_validate(notify).plan,
            unit=lambda _: None,
        )
        self.start = NOON
        """Unix ms."""
        self.hand = Stagehand(backdrop, sources=["ioc-1"], now=NOON, strangers=Strangers(accept=False, most=0))
        self.turn = {one.device: place % CADENCE_S for place, one in enumerate(self.devices)}
        self._at_turn: dict[int, list[str]] = {}
        for device, second in self.turn.items():
            self._at_turn.setdefault(second, []).append(device)

    @property
    def second(self) -> int:
        """Since the beginning."""
        return (self.hand.now - NOON) // SECOND

    async def begin(self) -> None:
        """All are registered, and tell that they are fine for five minutes."""
        await self.hand.desk.register(self.devices)
        await self.live(5 * 60, lambda _: FINE)

    async def live(self, seconds: int, values: Callable[[str], Mapping[str, Value] | None]) -> None:
        """So much time in which we hear."""
        for _ in range(seconds):
            self.hand.now += SECOND
            now = self.hand.now
            inputs: list[Any] = []
            for device in self._at_turn.get(self.second % CADENCE_S, ()):
                if (told := values(device)) is not None:
                    inputs += [Arrival("speaker", device, now), sample(now, device, **told)]
            if self.second % CANARY_S == 0:
                inputs.append(Heard(now, now))
            if inputs:
                await self.hand.desk.decide("ioc-1", inputs)
            await self.hand.desk.pulse()

    async def tell(self, device: str, **values: Value) -> None:
        """A message out of turn."""
        now = self.hand.now
        await self.hand.desk.decide("ioc-1", [Arrival("speaker", device, now), sample(now, device, **values)])

    async def deaf(self, seconds: int) -> None:
        """So much time without a broker."""
        await self.hand.desk.decide("ioc-1", [Lost(self.hand.now)])
        for _ in range(seconds):
            self.hand.now += SECOND
            await self.hand.desk.pulse()

    @property
    def journal(self) -> list[Transition]:
        """All that happened to alarms."""
        return self.hand.chronicle.transitions

    @property
    def messages(self) -> list[Message]:
        """All that people were told."""
        return [_read(row.event, row.at, row.body) for row in self.hand.chronicle.messages]

    def of(self, step: str, rule: str = "") -> list[Transition]:
        """The journal's entries of a step, about devices unless the rule is ours."""
        return [one for one in self.journal if one.step == step and (one.rule == rule if rule else one.rule != BLIND)]


def speakers(count: int, *, unit_size: int = 200, feeder_size: int = 100) -> list[Device]:
    """Loudspeakers in units of one size, on feeders of another."""
    return [
        Device(
            device=f"d{n:04}",
            family="speaker",
            unit=f"u{n // unit_size}",
            labels={"feeder": f"f{n // feeder_size}", "carrier": ("viettel", "vinaphone", "mobifone")[n % 3]},
            registered_at=NOON,
        )
        for n in range(count)
    ]


def _read(event: str, at: int, body: bytes) -> Message:
    document = msgspec.json.decode(body, type=MessageDocument)
    return Message(event, (at - NOON) // SECOND, tuple((alarm.rule, alarm.device) for alarm in document.alarms))
