"""Samples that change nothing but what is known of their device: told from many at once, so that a backtest need not ask about each."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from alerts.compiled import FamilyRules
from alerts.device_memory import DeviceMemory
from alerts.row import FORGET_AFTER_MS, Phase, Row
from alerts.screen import Column


class Calm:
    """One family's rules and devices, as an engine has them."""

    def __init__(self, rules: FamilyRules, memories: Mapping[str, DeviceMemory]) -> None:
        self._rules = rules
        self._memories = memories

    def marked(self, column: Column) -> AbstractSet[int] | None:
        """Which of many samples, given metric by metric, may make a rule true by themselves; None = any of them."""
        return None if self._rules.groups else self._rules.screen.marked(column)

    def counts(self, told: AbstractSet[int]) -> bool:
        """Whether anything is computed from samples with these metrics."""
        return any(source in told for source in self._rules.sources)

    def waiting(self, until: int) -> Iterator[str]:
        """The devices of which a rule waits for what they say up to a moment, also where no sample is marked."""
        for device, memory in self._memories.items():
            if memory.rows and not all(_rests(row, until) for row in memory.rows.values()):
                yield device

    def replaced(self, device: str, told: AbstractSet[int]) -> bool:
        """Whether each sample with these metrics says anew all that is known of the device."""
        memory = self._memories.get(device)
        return memory is None or all(value is None or place in told for place, value in enumerate(memory.values))


def _rests(row: Row, until: int) -> bool:
    """Whether a row only remembers an alarm that is over, and goes on to."""
    if row.rule is None or row.rule.rule.latched or row.waits:
        return False
    return row.phase is Phase.WATCHING and until - row.decided <= FORGET_AFTER_MS
