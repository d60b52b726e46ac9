"""Do we hear? Proven by our own canary; devices' silence is counted in listening time only.

Listening time L (ms) grows by the span between the send times of two canaries that came back through one connection:
all that was published before a canary's send time has then been handed over. A gap in the sending itself (a suspended
process, a stepped host clock) counts as not listening. So does a canary that was long on its way: a broker that stood still
held back the devices' messages as well, and reads them after ours.
"""

import msgspec

CANARY_EVERY_MS = 5_000
GAP_LIMIT_MS = 3 * CANARY_EVERY_MS
BLIND_AFTER_MS = 8_000
SLOW_MS = 4_000
"""A canary that took longer proves that we hear again, not that we heard."""


class Hearing:
    """Listening time and blindness of one source; the caller passes our clock (Unix ms)."""

    def __init__(self, started_at: int) -> None:
        self.listening = 0
        self.resumed = 0
        """The listening time at which we heard again after the last spell in which we could not."""
        self.heard_until: int | None = None
        self._open = False
        self._stepped = False
        self._mark = started_at
        self._confirmed_at = started_at

    def disconnected(self) -> None:
        """Listening stops until a later connection's first canary has come back."""
        self._open = False

    def canary_back(self, *, sent_at: int, arrival: int) -> None:
        """Listening is proven up to `sent_at`, unless the canary was long on its way."""
        self._confirmed_at = max(sent_at, arrival)
        if arrival - sent_at > SLOW_MS:
            self._open = False
            return
        span = sent_at - self._mark
        if self._open and 0 < span <= GAP_LIMIT_MS and not self._stepped:
            self.listening += span
        else:
            self.resumed = self.listening
        self._open, self._stepped = True, False
        self._mark = sent_at
        self.heard_until = sent_at

    def stamp(self, arrival: int) -> int:
        """Listening time at an arrival."""
        if not self._open:
            return self.listening
        return self.listening + min(max(arrival - self._mark, 0), GAP_LIMIT_MS)

    @property
    def caught_up(self) -> bool:
        """Whether the present connection's backlog has been handed over."""
        return self._open

    def blind(self, now: int) -> bool:
        """Whether our canary has been away too long."""
        return now - self._confirmed_at > BLIND_AFTER_MS

    def clock_stepped(self, by: int) -> None:
        """Our clock jumped, or stood still with us: that is no time in which the canary stayed away, and none in which we listened."""
        self._confirmed_at += by
        self._stepped = True

    @property
    def last_proof(self) -> int:
        """When hearing was last proven (or when we started)."""
        return self._confirmed_at


class Heard(msgspec.Struct, frozen=True, gc=False):
    """Our canary came back: everything published before `sent_at` has been handed over."""

    sent_at: int
    arrival: int


class Lost(msgspec.Struct, frozen=True, gc=False):
    """The connection ended at `at`."""

    at: int
