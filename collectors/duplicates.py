"""Which messages of a device were seen before: its last 64, or those of the last 15 minutes, within a fixed bound."""

from struct import Struct

REMEMBERED = 64
WINDOW_MINUTES = 15
MOST = 1_024
"""Bound for devices faster than 64 messages in 15 minutes."""
_MINUTE_MS = 60_000
_MASK = 0xFFFF_FFFF_FFFF_FFFF
_KEY = 8
_pack = Struct("<Q").pack
_MINUTE = Struct("<QH")


class RecentMessages:
    """64-bit message keys, oldest first, 8 bytes each, and beside them how many came in which minute."""

    __slots__ = ("_count", "_keys", "_latest", "_minute", "_past")

    def __init__(self) -> None:
        self._keys = bytearray()
        self._past = bytearray()
        """Minutes before the present one, and how many of the keys came in each."""
        self._minute = 0
        self._count = 0
        self._latest = -1

    def seen(self, key: int, arrival: int, ts: int | None = None) -> bool:
        """Whether the key was seen before; remembers it if not.

        `arrival` in Unix ms. `ts`: the device's own time, where the key stands for it too: what is later than all before is
        new without a search.
        """
        packed = _pack(key & _MASK)
        if ts is not None and ts > self._latest:
            self._latest = ts
        elif self._find(packed):
            return True
        minute = arrival // _MINUTE_MS
        if minute > self._minute:
            self._turn(minute)
        self._count += 1
        self._keys += packed
        if len(self._keys) > REMEMBERED * _KEY:
            self._trim()
        return False

    def __len__(self) -> int:
        return len(self._keys) // _KEY

    def _find(self, needle: bytes) -> bool:
        found = self._keys.find(needle)
        while found >= 0 and found % _KEY:
            found = self._keys.find(needle, found + 1)
        return found >= 0

    def _turn(self, minute: int) -> None:
        if self._count:
            self._past += _MINUTE.pack(self._minute, self._count)
        self._minute, self._count = minute, 0

    def _trim(self) -> None:
        while (extra := len(self) - REMEMBERED) > 0:
            minute, count = _MINUTE.unpack_from(self._past) if self._past else (self._minute, self._count)
            if self._minute - minute <= WINDOW_MINUTES:
                extra = len(self) - MOST
                if extra <= 0:
                    return
            self._forget(min(count, extra), count)

    def _forget(self, gone: int, count: int) -> None:
        """The oldest `gone` of the oldest minute's `count`."""
        del self._keys[: gone * _KEY]
        if not self._past:
            self._count -= gone
        elif gone == count:
            del self._past[: _MINUTE.size]
        else:
            minute, _ = _MINUTE.unpack_from(self._past)
            _MINUTE.pack_into(self._past, 0, minute, count - gone)
