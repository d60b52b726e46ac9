"""The clock."""

import time


def uptime_ms() -> int:
    """Milliseconds since the machine started, asleep or not; nobody can set it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def now_ms() -> int:
    """Unix time in milliseconds, UTC."""
    return time.time_ns() // 1_000_000
