"""Whether somebody works at a moment, and when next. Pure; times are Unix ms."""

from collections.abc import Sequence
from datetime import tzinfo

from alerts.duty_plan import Hours


def works(hours: Sequence[Hours], at: int, zone: tzinfo) -> bool:
    """Whether a moment lies within the hours; without any every moment does."""
    return not hours or any(one.weekly.contains(at, zone) for one in hours)


def works_from(hours: Sequence[Hours], at: int, zone: tzinfo) -> int:
    """The first moment from `at` on that lies within the hours."""
    if works(hours, at, zone):
        return at
    turns = sorted(turn for one in hours for turn in one.weekly.turns(at, zone) if turn > at)
    return next(turn for turn in turns if works(hours, turn, zone))
