"""Recognises what the broker sends again after a reconnect or a crash of ours.

A fingerprint is taken over packet id, topic and payload: a broker re-sends under the same packet id [MQTT-4.4.0-1],
so two equal messages of one device stay two. It decides only whether a DUP is one of those we had, never an identity.
"""

from collections import deque
from collections.abc import Iterable
from zlib import crc32

from collectors.delivery import Delivery

KEPT = 60_000
"""Deliveries remembered: several times the most that may be unacknowledged, and fewer than there are packet ids.

Brokers count packet ids up, so that among these none stands for two messages.
"""


def fingerprint(delivery: Delivery) -> int:
    """64 bits: packet id, the payload's length (its last 16 bits), and a checksum of topic and payload.

    Only what stands under the same packet id is ever compared, and of that there is one: a checksum is enough.
    """
    payload = delivery.payload
    return delivery.mid << 48 | (len(payload) & 0xFFFF) << 32 | crc32(payload, crc32(delivery.topic))


class RedeliveryMemory:
    """What was taken in on earlier connections: fingerprints, and the times we assigned."""

    def __init__(self, taken: Iterable[int] = (), assigned: Iterable[tuple[int, int]] = ()) -> None:
        self._taken: deque[int] = deque(taken, maxlen=KEPT)
        self._assigned: deque[tuple[int, int]] = deque(assigned, maxlen=KEPT)
        self._known: set[int] = set()
        self._times: dict[int, int] = {}
        self.take = self._taken.append
        """Remembers the mark of a delivery that is now ours to finish."""

    def connected(self) -> None:
        """A new connection: whatever was taken in before it may come again."""
        self._known = set(self._taken)
        self._times = dict(self._assigned)

    def caught_up(self) -> None:
        """The backlog has ended: nothing from before comes any more."""
        self._known = set()
        self._times = {}

    def is_known(self, mark: int) -> bool:
        """Whether a DUP was taken in on an earlier connection; answers yes once."""
        if mark not in self._known:
            return False
        self._known.discard(mark)
        return True

    def assigned_time(self, mark: int) -> int | None:
        """The time assigned to a DUP before a crash, once."""
        return self._times.pop(mark, None)

    def assign(self, mark: int, ts: int) -> None:
        """Remembers an assigned time."""
        self._assigned.append((mark, ts))
