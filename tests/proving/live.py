"""A desk that lives through some hours, and the points that its server would have stored."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from alerts.desk import Strangers
from alerts.notify_file import NotifyFile
from alerts.proving.backdrop import Backdrop
from alerts.proving.stagehand import Stagehand
from alerts.rule import Rule
from collectors.points import PointEncoder
from ioc.domain.hearing import Heard, Lost
from ioc.domain.point import Point
from ioc.domain.registry import Device, Unit
from ioc.domain.sample import Arrival, Sample, Value
from ruling.stage import FAMILIES, sample, shipped_rules

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = 1_772_727_000_000
"""2026-03-05 23:10 in Hà Nội."""
SECOND, MINUTE = 1_000, 60_000
UNITS = {"u1": Unit(unit="u1", code="07900", valid_from="2025-07-01", name="Phường Việt Trì")}
NOTIFY = NotifyFile.model_validate(
    {
        "channels": {"ops": {"kind": "file", "path": "./ops.jsonl"}},
        "routes": [{"group_by": ["rule", "device"], "group_wait": "30s", "channels": ["ops"]}],
    }
)


def backdrop(rules: Sequence[Rule] | None = None) -> Backdrop:
    """The shipped families and, where none are given, the shipped rules."""
    return Backdrop(
        site="phu-tho",
        language="vi",
        zone=ZONE,
        families=FAMILIES,
        rules=shipped_rules() if rules is None else rules,
        clock_rules=(),
        plan=NOTIFY.plan,
        unit=UNITS.get,
    )


def devices(*names: str) -> list[Device]:
    """Loudspeakers in one unit."""
    return [Device(device=name, family="speaker", unit="u1", registered_at=START - 86_400_000) for name in names]


class Live:
    """Runs second by second; `values` says what a device tells in its minute, None = nothing."""

    def __init__(self, known: Sequence[Device], rules: Sequence[Rule] | None = None) -> None:
        self.known = known
        self.hand = Stagehand(backdrop(rules), sources=["ioc-1"], now=START, strangers=Strangers(accept=False, most=0))
        self.points: list[Point] = []
        self._encoder = PointEncoder(FAMILIES)

    async def begin(self) -> None:
        """The devices are registered."""
        await self.hand.desk.register(self.known)

    async def pass_time(self, ms: int, values: Mapping[str, Mapping[str, Value]], *, blind: bool = False) -> None:
        """Each device tells its values once a minute, and the canary comes back every five seconds, unless we are blind."""
        begin = self.hand.now
        if blind:
            self.points += await self.hand.desk.decide("ioc-1", [Lost(begin)])
        for now in range(begin, begin + ms, SECOND):
            self.hand.now = now
            if not blind:
                await self._hear(now, values)
            self.points += await self.hand.desk.pulse()
        self.hand.now = begin + ms

    async def _hear(self, now: int, values: Mapping[str, Mapping[str, Value]]) -> None:
        offset = now - START
        for number, (device, told) in enumerate(values.items()):
            if told and offset % MINUTE == number * SECOND:
                await self.tell(sample(now, device, **told))
        if offset % (5 * SECOND) == 0:
            self.points += await self.hand.desk.decide("ioc-1", [Heard(now, now)])

    async def tell(self, one: Sample) -> None:
        """A message that arrives now; a historical one is only stored."""
        if one.live:
            self.points += await self.hand.desk.decide("ioc-1", [Arrival(one.family, one.device, one.arrival), one])
        self.points.append(self._encoder.sample(one))
