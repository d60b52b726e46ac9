"""The quarantine as people use it: look, and try again with today's declarations."""

from collections.abc import Mapping

from collectors.writer import Writer
from ioc.adapters.quarantine import QuarantineDb
from ioc.adapters.state.store import StateDb
from ioc.api.ports import QuarantineItem, Replay
from ioc.domain.family import Family


class QuarantineDesk:
    """Replays go to the store only: they never enter live alarms as news."""

    def __init__(
        self,
        quarantine: QuarantineDb,
        families: Mapping[str, Family],
        *,
        roots: Mapping[str, str],
        history: int,
        writer: Writer,
        state: StateDb,
    ) -> None:
        """`roots`: source → topic root."""
        self._quarantine = quarantine
        self._families = families
        self._roots = roots
        self._history = history
        self._writer = writer
        self._state = state

    async def quarantined(
        self, *, device: str | None, reason: str | None, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[QuarantineItem], str | None]:
        """Newest first."""
        raise NotImplementedError

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One item, or None."""
        raise NotImplementedError

    async def replay(self, item: str, *, by: str) -> Replay:
        """Decodes it again with today's declarations and stores what can be stored."""
        raise NotImplementedError
