"""The alarm-load report from the state database."""

from ioc.adapters.state.store import StateDb
from ioc.domain.alarm_load import AlarmLoad, alarm_load

ENTRIES_MOST = 200_000
"""Journal entries that one report reads: the oldest of its span."""
STANDING_MOST = 20_000


class LoadDesk:
    """Reads what a report needs."""

    def __init__(self, state: StateDb) -> None:
        self._state = state

    async def load(self, start: int, end: int, operators: int, units: frozenset[str] | None = None) -> AlarmLoad:
        """The load of start ≤ recorded < end (Unix ms); `units` narrows it to what happened there."""
        entries = await self._state.journal_between(start, end, ENTRIES_MOST)
        standing = await self._state.stood_between(end, end, STANDING_MOST)
        return alarm_load(
            [one for one in entries if units is None or one.unit in units],
            [one for one in standing if units is None or one.unit in units],
            start=start,
            end=end,
            operators=operators,
        )
