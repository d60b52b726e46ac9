"""Our own message through the broker: proof that what was published before it has reached us."""

import secrets

import msgspec


class CanaryNote(msgspec.Struct, frozen=True):
    """What a canary carries."""

    ts: int
    """Our clock when it was sent, Unix ms."""
    epoch: int
    nonce: str
    """One per process: a canary of an earlier life of ours proves nothing."""


_decode = msgspec.json.Decoder(CanaryNote).decode
RESEND_S = 30.0


class CanaryTrack:
    """The canaries of one connection that are out; decides when the next may go."""

    def __init__(self, epoch: int, nonce: str, *, most_out: int, every: float) -> None:
        self._epoch = epoch
        self._nonce = nonce
        self._most_out = most_out
        self._every = every
        self._out = 0
        self._sent: float | None = None
        self._returned = False

    def due(self, now: float) -> bool:
        """Whether to send one at monotonic time `now`."""
        if self._sent is None:
            return True
        return now - self._sent >= (self._every if self._out < self._most_out else max(RESEND_S, self._every))

    def send(self, now: float, wall: int) -> bytes:
        """The payload of a canary that goes out now (`wall`: Unix ms)."""
        # Sent on the beat where possible, so that slow ticks don't stretch the interval.
        on_beat = self._sent is not None and now - self._sent < 2 * self._every
        self._sent = self._sent + self._every if on_beat and self._sent is not None else now
        self._out += 1
        return msgspec.json.encode(CanaryNote(wall, self._epoch, self._nonce))

    def back(self, payload: bytes) -> tuple[int, bool] | None:
        """(send time, whether it is this connection's first) of a canary of ours; None = of another life, or not a canary."""
        try:
            note = _decode(payload)
        except msgspec.DecodeError:
            return None
        if note.epoch != self._epoch or note.nonce != self._nonce:
            return None
        first, self._returned = not self._returned, True
        self._out = max(0, self._out - 1)
        return note.ts, first


def new_nonce() -> str:
    """A nonce for this process."""
    return secrets.token_hex(8)
