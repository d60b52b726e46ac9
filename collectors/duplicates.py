"""Which messages of a device were seen before: its last 64, or those of the last 15 minutes, within a fixed bound."""

from struct import Struct, unpack_from

REMEMBERED = 64
WINDOW_MS = 15 * 60_000
MOST = 1_024
"""Bound for devices faster than 64 messages in 15 minutes."""
_RECORD = 16
_pack = Struct("<Qq").pack
_MASK = 0xFFFF_FFFF_FFFF_FFFF


class RecentMessages:
    """A ring of 64-bit message keys with their arrivals, 16 bytes each."""

    __slots__ = ("_latest", "_ring")

    def __init__(self) -> None:
        self._ring = bytearray()
        self._latest = -1

    def seen(self, key: int, arrival: int, ts: int | None = None) -> bool:
        """Whether the key was seen before; remembers it if not.

        `ts`: the device's own time, where the key stands for it too: what is later than all before is new without a search.
        """
        if ts is not None and ts > self._latest:
            self._latest = ts
        elif self._find(_pack(key & _MASK, arrival)[:8]):
            return True
        self._ring += _pack(key & _MASK, arrival)
        if len(self._ring) > REMEMBERED * _RECORD:
            self._trim(arrival)
        return False

    def _find(self, needle: bytes) -> bool:
        found = self._ring.find(needle)
        while found >= 0 and found % _RECORD:
            found = self._ring.find(needle, found + 1)
        return found >= 0

    def __len__(self) -> int:
        return len(self._ring) // _RECORD

    def _trim(self, now: int) -> None:
        ring = self._ring
        while len(ring) > REMEMBERED * _RECORD:
            (arrival,) = unpack_from("<q", ring, 8)
            if now - arrival <= WINDOW_MS and len(ring) <= MOST * _RECORD:
                return
            del ring[:_RECORD]
