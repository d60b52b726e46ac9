"""What the kernel says about a process: its CPU time and its memory."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
MB = 2**20


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_bytes(pid: int, *, peak: bool = False) -> int:
    """Resident memory, or the most that it ever was."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
