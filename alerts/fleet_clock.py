"""Whose clock is wrong, ours or a device's? Once ours is set, all devices seem off by the same, and none of them is.

Until they have told their offsets anew, devices are taken to be as right or wrong as they were before. If most of them then
agree with our clock, it was wrong before and is right now; if not, the step stays ours, and is an alarm about us.
"""

from alerts.inputs import ClockStep, OwnCondition
from ioc.domain.alarm import RuleState
from ioc.domain.sample import ClockOffset

CLOCK_OFF = "ioc_clock_off"
BEYOND_MS, WITHIN_MS = 30_000, 20_000
ROW = "our_clock"
"""The row of the step that is still ours, so that a restart does not forget it."""


class FleetClock:
    """`ours` = by how much (ms) the devices' offsets are our own clock's doing; its memory is bounded by the registry."""

    def __init__(self) -> None:
        self.ours = 0
        self._devices: set[str] = set()
        self._told: dict[str, int] = {}
        """Offsets told since our clock was set."""
        self._since: int | None = None
        self._fewest = 0
        """Devices that had told their offsets before a restart: so many must be outvoted."""
        self._changed = False
        self._proven = False
        """Whether any device has agreed with our clock since our start."""

    def restore(self, state: RuleState) -> None:
        """The row as it was committed."""
        self.ours = int(state.memory.get("ours") or 0)
        self._fewest = int(state.memory.get("devices") or 0)
        self._since = state.since or None

    def take_row(self) -> RuleState | None:
        """The row, where it changed since the last call."""
        changed, self._changed = self._changed, False
        if not changed:
            return None
        phase = "watching" if self.ours else "inactive"
        memory: dict[str, float | int | str | None] = {"ours": self.ours, "devices": max(len(self._devices), self._fewest)}
        return RuleState(rule=ROW, device="", phase=phase, since=self._since or 0, memory=memory)

    def stepped(self, step: ClockStep) -> OwnCondition:
        """Our clock was set."""
        self._told = {}
        self._blame(self.ours + step.by_ms if self._devices or self._fewest else 0, step.at)
        return self._condition(step.at)

    def take(self, offset: ClockOffset) -> OwnCondition | None:
        """An approved device told its offset; what is to be said of our own clock, where that is news."""
        self._devices.add(offset.device)
        if self.ours:
            self._told[offset.device] = offset.offset_ms
            if 2 * len(self._told) <= max(len(self._devices), self._fewest) or abs(_middle(self._told)) > WITHIN_MS:
                return None
            self._blame(0, offset.arrival)
            return self._condition(offset.arrival)
        if self._proven or abs(offset.offset_ms) > WITHIN_MS:
            return None
        self._proven = True
        return self._condition(offset.arrival)

    def _blame(self, ours: int, at: int) -> None:
        self.ours = ours if abs(ours) > WITHIN_MS else 0
        self._since = None if not self.ours else self._since or at
        self._changed = True

    def _condition(self, at: int) -> OwnCondition:
        ahead = self.ours // 1000
        detail = f"set by {ahead:+d} s; most devices don't agree with it" if self.ours else "most devices agree with our clock"
        return OwnCondition(CLOCK_OFF, at, self._since if abs(self.ours) > BEYOND_MS else None, detail)


def _middle(offsets: dict[str, int]) -> int:
    return sorted(offsets.values())[len(offsets) // 2]
