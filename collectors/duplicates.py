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

    __slots__ = ("_ring",)

    def __init__(self) -> None:
        self._ring = bytearray()

    def seen(self, key: int, arrival: int) -> bool:
        """Whether the key was seen before; remembers it if not."""
        ring = self._ring
        record = _pack(key & _MASK, arrival)
        needle = record[:8]
        found = ring.find(needle)
        while found >= 0:
            if found % _RECORD == 0:
                return True
            found = ring.find(needle, found + 1)
        ring += record
        if len(ring) > REMEMBERED * _RECORD:
            self._trim(arrival)
        return False

    def __len__(self) -> int:
        return len(self._ring) // _RECORD

    def _trim(self, now: int) -> None:
        ring = self._ring
        while len(ring) > REMEMBERED * _RECORD:
            (arrival,) = unpack_from("<q", ring, 8)
            if now - arrival <= WINDOW_MS and len(ring) <= MOST * _RECORD:
                return
            del ring[:_RECORD]
