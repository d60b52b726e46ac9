"""`ioc …` under a sampler: one sample for each millisecond of CPU that the process uses, written to a file at the end.

    python bench/sampled_run.py samples.json run --config ioc.yaml

The file: {"stacks": [[thread, samples, [frame, …, innermost frame]], …], "threads": {thread: CPU seconds}}. Each sample notes every thread
that was not waiting; what a thread's samples are worth follows from its CPU time. SIGUSR1 forgets what was sampled so far, SIGUSR2
writes the file at once.
"""

import collections
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

EVERY_S = 0.001
DEEPEST = 60
_WAITING = {
    ("selectors.py", "select"), ("threading.py", "wait"), ("threading.py", "_wait_for_tstate_lock"), ("queue.py", "get"),
    ("thread.py", "_worker"),
}  # fmt: skip

stacks: collections.Counter[tuple[str, tuple[str, ...]]] = collections.Counter()


def _names(frame: FrameType | None) -> tuple[str, ...]:
    names = []
    while frame is not None and len(names) < DEEPEST:
        code = frame.f_code
        names.append(f"{code.co_filename}:{code.co_qualname}")
        frame = frame.f_back
    return tuple(reversed(names))


def _waits(frame: FrameType) -> bool:
    code = frame.f_code
    return (code.co_filename.rpartition("/")[2], code.co_name) in _WAITING


def sample(_signal: int, interrupted: FrameType | None) -> None:
    """Notes where every thread is that works."""
    own, names = threading.get_ident(), {thread.ident: thread.name for thread in threading.enumerate()}
    for thread, frame in sys._current_frames().items():  # noqa: SLF001
        now = interrupted if thread == own else frame
        if now is not None and not _waits(now):
            stacks[names.get(thread, "unnamed"), _names(now)] += 1


def threads() -> dict[str, float]:
    """CPU seconds of each thread."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    ticks = os.sysconf("SC_CLK_TCK")
    used: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        name = names.get(int(task.name), "not Python's")
        used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / ticks
    return used


def main() -> None:
    """Runs `ioc` with the arguments after the file's name."""
    file = Path(sys.argv[1])
    sys.argv = ["ioc", *sys.argv[2:]]

    def forget(*_: object) -> None:
        stacks.clear()
        before.clear()
        before.update(threads())

    def write(*_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        used = {name: spent - before.get(name, 0.0) for name, spent in threads().items()}
        found = [[thread, count, list(stack)] for (thread, stack), count in stacks.most_common()]
        draft = file.with_suffix(".part")
        draft.write_text(json.dumps({"stacks": found, "threads": used}))
        draft.rename(file)

    before: dict[str, float] = {}
    signal.signal(signal.SIGUSR1, forget)
    signal.signal(signal.SIGUSR2, write)
    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    from ioc.__main__ import main as ioc  # noqa: PLC0415  measured from here

    ioc()


if __name__ == "__main__":
    main()
