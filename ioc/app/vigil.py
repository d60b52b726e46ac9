"""Notices at the start that the last end was no orderly one, and since when nobody watched: our own condition `ioc_was_down`."""

import os
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path

from alerts.inputs import OwnCondition
from ioc.app.supervision import forever

RULE = "ioc_was_down"
TOUCH_EVERY_S = 5.0
TOLD_FOR_MS = 10 * 60_000
"""For so long after the start it is an alarm, so that routes that gather tell it; it ends when we were back."""


class Vigil:
    """A file in the data folder that is touched while we serve and removed when we end in order."""

    def __init__(self, data_dir: Path, *, zone: tzinfo, clock: Callable[[], int]) -> None:
        self._file = data_dir / "alive"
        self._zone = zone
        self._clock = clock
        self._back = clock()
        self._gone = self._last_seen()
        """When we were last seen alive before an end that was no orderly one; None = it was, or this is the first start."""

    async def run(self) -> None:
        """Touches the file for ever."""
        await forever("vigil", self._touch, lambda: TOUCH_EVERY_S)

    def end(self) -> None:
        """We end in order."""
        self._file.unlink(missing_ok=True)

    def condition(self, now: int) -> OwnCondition:
        """From when to when nobody watched."""
        if self._gone is None:
            return OwnCondition(RULE, now, None, "")
        lasts = 0 <= now - self._back < TOLD_FOR_MS
        return OwnCondition(RULE, self._back, self._gone if lasts else None, self._span(self._gone, self._back))

    async def _touch(self) -> None:
        ns = self._clock() * 1_000_000
        self._file.touch(mode=0o600)
        os.utime(self._file, ns=(ns, ns))

    def _last_seen(self) -> int | None:
        try:
            return min(self._file.stat().st_mtime_ns // 1_000_000, self._back)
        except FileNotFoundError:
            return None

    def _span(self, start: int, end: int) -> str:
        gone, back = (datetime.fromtimestamp(at / 1000, self._zone) for at in (start, end))
        until = f"{back:%H:%M:%S}" if gone.date() == back.date() else f"{back:%d/%m/%Y %H:%M:%S}"
        return f"{gone:%d/%m/%Y %H:%M:%S} – {until}"
