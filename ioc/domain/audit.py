"""Whether the store holds what the ledger says: points counted in one hour beside those that were booked."""

from enum import StrEnum

import msgspec


class Expected(msgspec.Struct, frozen=True):
    """What was booked of a measurement in one hour of the points' own time; `changes` grows with each booking."""

    measurement: str
    hour: int
    certain: int
    """Each at a time of its own."""
    uncertain: int
    """Each at a time of its own, or at that of another."""
    spooled: int
    """Not stored yet, or stored without our knowing: a write was cut off."""
    changes: int

    @property
    def most(self) -> int:
        """As many as there can be at all."""
        return self.certain + self.uncertain + self.spooled


class Audit(msgspec.Struct, frozen=True):
    """How many points the store had `at` a moment (Unix ms), when `changes` bookings had been made."""

    measurement: str
    hour: int
    changes: int
    counted: int
    at: int


class Verdict(StrEnum):
    """What a count means."""

    AGREES = "agrees"
    MISSING = "missing"
    """Points that were stored are no longer there."""
    MORE = "more"
    """There are points that no booking tells of: somebody else writes into the bucket, or a booking was lost."""


def judge(expected: Expected, counted: int) -> Verdict:
    """Too few, too many, or as it should be."""
    if counted < expected.certain:
        return Verdict.MISSING
    return Verdict.MORE if counted > expected.most else Verdict.AGREES


def difference(expected: Expected, counted: int) -> int:
    """How many points are missing at least (negative), or too many at least (positive); 0 where it agrees."""
    return min(0, counted - expected.certain) + max(0, counted - expected.most)
