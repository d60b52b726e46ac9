"""Hours of the day in the site's zone, as rules write them in `between`."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")
_MINUTES_A_DAY = 24 * 60


def parse_clock(text: object) -> int:
    """Minutes since midnight of a text like `05:00`, or as they are; ValueError says what was expected."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = _CLOCK.fullmatch(str(text).strip())
    if match is None:
        msg = f'{text!r} is not a time of day; write it as "22:00"'
        raise ValueError(msg)
    return _MINUTES_A_DAY if match[1] is None else int(match[1]) * 60 + int(match[2])


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` (inclusive) to `end` (exclusive), minutes since local midnight; it passes midnight where end < start."""

    start: int
    end: int
    zone: tzinfo

    def contains(self, at: int) -> bool:
        """Whether a moment (Unix ms) lies inside."""
        minute = _minute(at // 60_000, self.zone)
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def end_after(self, at: int) -> int:
        """When the window that holds this moment ends (Unix ms)."""
        local = datetime.fromtimestamp(at / 1000, self.zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight + timedelta(minutes=self.end)
        if end <= local:
            end += timedelta(days=1)
        return round(end.timestamp() * 1000)


@lru_cache(maxsize=4096)
def _minute(minutes: int, zone: tzinfo) -> int:
    """Cached: the samples of a minute share it."""
    local = datetime.fromtimestamp(minutes * 60, zone)
    return local.hour * 60 + local.minute
