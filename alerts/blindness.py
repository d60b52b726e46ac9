"""When we could not hear: spells between ticks, so that what nobody could hear does not count."""

from collections import deque

MOST_SPELLS = 32


class Blindness:
    """Spells of our clock in which nothing could be heard."""

    def __init__(self) -> None:
        self.heard_until = 0
        """Everything published before has been decided."""
        self._since: int | None = None
        self._spells: deque[tuple[int, int]] = deque(maxlen=MOST_SPELLS)

    def restore(self, heard_until: int) -> None:
        """We have heard nothing since `heard_until`."""
        self.heard_until = self._since = heard_until

    def tick(self, heard_until: int, *, hearing: bool) -> None:
        """We heard up to `heard_until`, or are blind."""
        if not hearing:
            if self._since is None:
                self._since = self.heard_until or heard_until
            return
        if self._since is not None:
            self._spells.append((self._since, heard_until))
            self._since = None
        self.heard_until = max(self.heard_until, heard_until)

    def between(self, start: int, end: int) -> int:
        """How much of a span of our clock we were blind."""
        spells = [*self._spells, *([(self._since, end)] if self._since is not None else [])]
        return sum(max(0, min(until, end) - max(since, start)) for since, until in spells)
