"""Which PUBACKs are owed on one connection, and in what order they go out."""

from collections import deque
from collections.abc import Callable

from collectors.delivery import CanaryBack, Delivery

Owed = Delivery | CanaryBack


class _Own:
    """A message of ours that nobody outside needs to see: settled at once, acknowledged in its turn."""

    __slots__ = ("mid",)

    def __init__(self, mid: int) -> None:
        self.mid = mid


class OwedAcknowledgements:
    """PUBACKs leave in order of arrival [MQTT-4.6.0-2], whatever the order in which the items are settled."""

    def __init__(self, puback: Callable[[int], None]) -> None:
        self._puback = puback
        self._owed: deque[Owed | _Own] = deque()
        self._early: dict[int, Owed] = {}
        self.arrived = self._owed.append
        """Notes an item that has arrived and wants acknowledging."""

    def __len__(self) -> int:
        return len(self._owed)

    @property
    def oldest(self) -> int | None:
        """When the oldest one arrived (Unix ms), None = nothing is owed."""
        first = next((item for item in self._owed if not isinstance(item, _Own)), None)
        return None if first is None else first.arrival

    def arrived_own(self, mid: int) -> None:
        """Notes a message that needs no settling."""
        self._owed.append(_Own(mid))
        self._flush()

    def settle(self, item: Owed) -> None:
        """Acknowledges it as soon as all that arrived before is settled."""
        owed = self._owed
        if owed and owed[0] is item:
            owed.popleft()
            self._puback(item.mid)
            if owed and (self._early or isinstance(owed[0], _Own)):
                self._flush()
        else:
            self._early[id(item)] = item

    def _flush(self) -> None:
        owed = self._owed
        while owed and (isinstance(owed[0], _Own) or self._early.pop(id(owed[0]), None) is not None):
            self._puback(owed.popleft().mid)
