"""Silences: for a time, matching alarms send no messages; they are still raised, journalled and shown."""

import msgspec


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """In force from `starts_at` (inclusive) to `ends_at` (exclusive), Unix ms."""

    id: str
    matchers: dict[str, str]
    """Alarm attribute or label → the value it must have; all must match."""
    starts_at: int
    ends_at: int
    author: str
    reason: str
    created_at: int

    def in_force(self, now: int) -> bool:
        """Whether it holds back messages at `now`."""
        return self.starts_at <= now < self.ends_at
