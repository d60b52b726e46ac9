"""Alarms that come and go ("chập chờn"): from the third message of an hour on they are held back and summed up. Pure; times are Unix ms."""

from collections.abc import Iterator, Mapping

import msgspec

from alerts.flapping_plan import FlappingPlan
from ioc.domain.alarm import Alarm, NotificationGroup, Severity

PREFIX = "flap:"
"""Keys of rows about alarms that may flap begin so."""
BUDGET = 3
"""Two messages and a summary: so many are sent within the time."""
URGENT_MS = 60_000
"""A critical alarm that has stood for so long is told, though it came and went before."""

Key = tuple[str, str]
"""Rule and device."""


class Flap(msgspec.Struct, array_like=True):
    """How often an alarm came lately, and what was said of it."""

    began: int
    raises: int = 1
    spoken: list[int] = msgspec.field(default_factory=list)
    """When messages told of it, the last `BUDGET` of them."""
    summed: str = ""
    """The alarm that the last summary told of."""
    held: str = ""
    """The newest alarm, while it is held back."""
    changed: int = 0
    """When it came or went last, while it is held back."""
    alarm: Alarm | None = None
    """The newest alarm once it is over, while it is held back."""
    seq: int = 0

    def speak(self, *times: int) -> None:
        """Messages were sent."""
        self.spoken = [*self.spoken, *times][-BUDGET:]


class Summed(msgspec.Struct, frozen=True):
    """An alarm whose summary is due; `raises` = how often it came."""

    alarm: Alarm
    seq: int
    raises: int


class Flapping:
    """How often each device's alarms came lately, and which are held back for it."""

    def __init__(self, plan: FlappingPlan) -> None:
        self._plan = plan
        self._flaps: dict[Key, Flap] = {}
        self._alarms: dict[str, Alarm] = {}
        """Those held back."""
        self._touched: dict[Key, None] = {}

    @property
    def next_look(self) -> int | None:
        """When a summary is due or something can be forgotten next, or None."""
        return min(map(self._due, self._flaps.values()), default=None)

    def alarm(self, alarm: str) -> Alarm | None:
        """An alarm that is held back."""
        return self._alarms.get(alarm)

    def held(self) -> Iterator[Alarm]:
        """What is held back and active."""
        return (alarm for alarm in self._alarms.values() if alarm.active)

    def hold(self, alarm: Alarm, seq: int, at: int) -> bool:
        """An alarm is raised; whether it is held back, since it has come too often."""
        if alarm.device is None or not self._plan.enabled:
            return False
        key = alarm.rule, alarm.device
        flap = self._flaps.get(key)
        self._touched[key] = None
        if flap is None or (not flap.held and at >= self._due(flap)):
            self._flaps[key] = Flap(began=at)
            return False
        flap.raises += 1
        if not (flap.held or flap.spoken or flap.raises >= self._plan.raises):
            return False
        self._alarms.pop(flap.held, None)
        self._alarms[alarm.id] = alarm
        flap.held, flap.changed, flap.alarm, flap.seq = alarm.id, at, None, seq
        return True

    def over(self, alarm: Alarm, at: int, *, told: bool) -> None:
        """An alarm is over that was not held back; `told`: messages have said that it came, so they will say that it went."""
        flap = self._flaps.get((alarm.rule, alarm.device or ""))
        if flap is not None and told:
            flap.speak(*([at] if flap.summed == alarm.id else [at, at]))
            self._touched[alarm.rule, alarm.device or ""] = None

    def change(self, alarm: Alarm, at: int) -> None:
        """A later journal entry of an alarm that is held back."""
        if alarm.id not in self._alarms:
            return
        self._alarms[alarm.id] = alarm
        if not alarm.active:
            key = alarm.rule, alarm.device or ""
            self._flaps[key].changed, self._flaps[key].alarm = at, alarm
            self._touched[key] = None

    def look(self, now: int) -> list[Summed]:
        """Alarms whose summary is due; what has been quiet for the time is forgotten."""
        summed = []
        for key in sorted(key for key, flap in self._flaps.items() if self._due(flap) <= now):
            flap = self._flaps[key]
            self._touched[key] = None
            if not flap.held:
                del self._flaps[key]
                continue
            alarm = self._alarms.pop(flap.held)
            after = self._flaps[key] = Flap(began=now, raises=0, spoken=flap.spoken)
            summed.append(Summed(alarm, flap.seq, flap.raises))
            after.speak(now)
            after.summed = alarm.id
        return summed

    def take_rows(self) -> list[NotificationGroup]:
        """The rows that changed since the last call."""
        rows = []
        for key in sorted(self._touched):
            flap = self._flaps.get(key)
            body = None if flap is None else msgspec.json.encode(flap)
            name = PREFIX + msgspec.json.encode(key).decode()
            rows.append(NotificationGroup(key=name, due_at=None if flap is None else self._due(flap), body=body))
        self._touched.clear()
        return rows

    def restore(self, row: NotificationGroup, known: Mapping[str, Alarm]) -> None:
        """Takes up a row."""
        key = msgspec.json.decode(row.key.removeprefix(PREFIX), type=Key)
        flap = msgspec.json.decode(row.body or b"", type=Flap)
        alarm = flap.alarm or known.get(flap.held)
        if flap.held and alarm is None:
            self._touched[key] = None
            return
        self._flaps[key] = flap
        if alarm is not None:
            self._alarms[alarm.id] = alarm

    def _due(self, flap: Flap) -> int:
        """When its summary is due, as far as the budget allows; if nothing is held back: when it is forgotten."""
        over = flap.began + self._plan.within
        if not flap.held:
            return max([over, *(at + self._plan.within for at in flap.spoken[-1:])])
        urgent = flap.alarm is None and self._alarms[flap.held].severity is Severity.CRITICAL
        ready = min(over, flap.changed + (min(self._plan.stable, URGENT_MS) if urgent else self._plan.stable))
        return ready if len(flap.spoken) < BUDGET else max(ready, flap.spoken[0] + self._plan.within)
