"""Recognises what the broker sends again after a reconnect or a crash of ours.

A fingerprint is taken over packet id, topic and payload: a broker re-sends under the same packet id [MQTT-4.4.0-1],
so two equal messages of one device stay two. It decides only whether a DUP is one of those we had, never an identity.
"""

from collections import deque
from collections.abc import Iterable
from hashlib import blake2b

from collectors.delivery import Delivery

KEPT = 60_000
"""Deliveries remembered: several times the most that may be unacknowledged, and fewer than there are packet ids.

Brokers count packet ids up, so that among these none stands for two messages.
"""


def fingerprint(delivery: Delivery) -> int:
    """64 bits over packet id, topic and payload."""
    said = b"%b%b\0%b" % (delivery.mid.to_bytes(2, "big"), delivery.topic, delivery.payload)
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "little")


class RedeliveryMemory:
    """What was taken in on earlier connections: fingerprints, and the times we assigned."""

    def __init__(self, taken: Iterable[int] = (), assigned: Iterable[tuple[int, int]] = ()) -> None:
        self._taken: deque[int] = deque(taken, maxlen=KEPT)
        self._assigned: deque[tuple[int, int]] = deque(assigned, maxlen=KEPT)
        self._known: set[int] = set()
        self._times: dict[int, int] = {}

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

    def take(self, mark: int) -> None:
        """Remembers a delivery that is now ours to finish."""
        self._taken.append(mark)

    def assign(self, mark: int, ts: int) -> None:
        """Remembers an assigned time."""
        self._assigned.append((mark, ts))
