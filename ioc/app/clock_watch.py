"""Notices when our own clock is set, by comparing it with one that nobody can set."""

from collections.abc import Callable

from alerts.inputs import ClockStep

STEP_MS = 5_000
"""Less is slewing and jitter."""


class ClockWatch:
    """To be asked regularly."""

    def __init__(self, clock: Callable[[], int], uptime: Callable[[], int]) -> None:
        """Both in ms: the time of day, and the time since some moment."""
        self._clock = clock
        self._uptime = uptime
        self._ahead = clock() - uptime()

    def steps(self) -> list[ClockStep]:
        """The step since the last call, if there was one."""
        now = self._clock()
        ahead = now - self._uptime()
        by, self._ahead = ahead - self._ahead, ahead
        return [ClockStep(now, by)] if abs(by) > STEP_MS else []
