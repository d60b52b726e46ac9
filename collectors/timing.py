"""A device's clock against ours: under which time a message is stored, and whether it may change live state."""

from array import array
from bisect import bisect_right

import msgspec

AHEAD_MS = 5_000
"""A ts up to this far ahead is stored at arrival without a word."""
AGREE_MS = 5_000
OFFSET_LIMIT_MS = 600_000
LIVE_FLOOR_MS = 60_000
MOVED_MS = 1_000
"""An offset that has moved by less is no news."""
RETOLD_MS = 600_000
"""After this time it is told again all the same: who hears of it may not have cared then."""
SPELLS_KEPT = 64
"""Spells of assigned times remembered per device, so that no two fall on the same millisecond."""


class Timed(msgspec.Struct, gc=False):
    """When a message is stored (`ts`), whether we assigned that time, and what to count."""

    ts: int
    lag_ms: int
    live: bool
    assigned: bool
    corrected: bool


class TimeRules(msgspec.Struct, frozen=True):
    """A family's limits, all ms."""

    cadence: int
    history: int

    @property
    def live_limit(self) -> int:
        """Beyond this lag (less the clock's offset) a sample is historical."""
        return max(3 * self.cadence, LIVE_FLOOR_MS)


class AssignedTimes:
    """Which milliseconds have been given out, as spells of times without a gap; a burst is one spell, however long."""

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first = array("q")
        self._last = array("q")

    def free(self, wanted: int) -> int:
        """The latest free millisecond at or before `wanted`."""
        spell = bisect_right(self._first, wanted) - 1
        return self._first[spell] - 1 if spell >= 0 and wanted <= self._last[spell] else wanted

    def take(self, ts: int) -> None:
        """Marks a time as given out; the oldest times are forgotten."""
        first, last = self._first, self._last
        spell = bisect_right(first, ts) - 1
        if spell >= 0 and ts <= last[spell]:
            return
        follows = spell >= 0 and last[spell] == ts - 1
        leads = spell + 1 < len(first) and first[spell + 1] == ts + 1
        if follows and leads:
            last[spell] = last[spell + 1]
            del first[spell + 1], last[spell + 1]
        elif follows:
            last[spell] = ts
        elif leads:
            first[spell + 1] = ts
        else:
            first.insert(spell + 1, ts)
            last.insert(spell + 1, ts)
            if len(first) > SPELLS_KEPT:
                del first[0], last[0]


class DeviceClock:
    """What we know of one device's clock: its offset once three arrivals in a row agree."""

    __slots__ = ("_assigned", "_highest", "_lags", "_lowest", "_row_at", "_told", "_told_at", "offset")

    def __init__(self) -> None:
        self.offset: int | None = None
        self._lags: tuple[int, ...] = ()
        self._lowest = self._highest = 0
        self._row_at = 0
        self._told: int | None = None
        self._told_at = 0
        self._assigned: AssignedTimes | None = None

    def observe(self, lag: int, arrival: int, cadence: int) -> int | None:
        """Takes a live arrival's lag into account; faster arrivals than half a cadence prove nothing, but may disprove.

        Returns the offset that it bears out where that is news.
        """
        row = self._lags
        agrees = bool(row) and lag - self._lowest <= AGREE_MS and self._highest - lag <= AGREE_MS
        if agrees and 2 * (arrival - self._row_at) < cadence:
            return None
        self._lags = row = (*row[-2:], lag) if agrees else (lag,)
        self._lowest, self._highest = min(row), max(row)
        self._row_at = arrival
        if len(row) < 3:  # noqa: PLR2004  three in a row
            return None
        self.offset = sorted(row)[1]
        return self._news(self.offset, arrival)

    def judge(self, ts: int | None, arrival: int, rules: TimeRules) -> Timed:
        """The time rules of the contract; an assigned `ts` is still to be made unique by `assign`."""
        if ts is None:
            return Timed(arrival, 0, live=True, assigned=True, corrected=False)
        lag = arrival - ts
        offset = self.offset or 0
        live = lag - offset <= LIVE_FLOOR_MS or lag - offset <= rules.live_limit
        if -AHEAD_MS <= lag < 0 and abs(offset) <= OFFSET_LIMIT_MS:
            return Timed(arrival, lag, live, assigned=True, corrected=False)
        if 0 <= lag <= rules.history and abs(offset) <= OFFSET_LIMIT_MS:
            return Timed(ts, lag, live, assigned=False, corrected=False)
        return Timed(self._corrected(ts, arrival, rules), lag, live, assigned=True, corrected=True)

    def place(self, ts: int, arrival: int, rules: TimeRules) -> Timed:
        """A time that we assign because others of the device stand around it."""
        lag = arrival - ts
        return Timed(ts, lag, live=lag - (self.offset or 0) <= rules.live_limit, assigned=True, corrected=False)

    def assign(self, wanted: int) -> int:
        """The latest free millisecond at or before `wanted`."""
        if self._assigned is None:
            self._assigned = AssignedTimes()
        ts = self._assigned.free(wanted)
        self._assigned.take(ts)
        return ts

    def take(self, ts: int) -> None:
        """Marks a time as assigned."""
        if self._assigned is None:
            self._assigned = AssignedTimes()
        self._assigned.take(ts)

    def _news(self, offset: int, arrival: int) -> int | None:
        if self._told is not None and abs(offset - self._told) < MOVED_MS and 0 <= arrival - self._told_at < RETOLD_MS:
            return None
        self._told, self._told_at = offset, arrival
        return offset

    def _corrected(self, ts: int, arrival: int, rules: TimeRules) -> int:
        if self.offset is None:
            return arrival
        corrected = min(ts + self.offset, arrival)
        return corrected if arrival - corrected <= rules.history else arrival


def is_correction(ts: int | None, assigned: int) -> bool:
    """Whether a time assigned before a crash counted as corrected: the device gave another one, and not just a little ahead."""
    return ts is not None and not 0 <= ts - assigned <= AHEAD_MS
