"""Line 23: decoders, topics, the whole way in, rule files and line protocol under whatever bytes."""

import asyncio
import os
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from faults.findings import Findings
from faults.line import Line, Stage

from harm.fuzzing import TARGETS, Fed, feed

SECONDS = 40
ATHERIS_S = 30
WORST_MS = 5.0
_ROOT = Path(__file__).resolve().parents[2]
PROPERTIES = (
    "tests/collectors/test_decode.py", "tests/collectors/test_duplicates.py", "tests/collectors/test_timing.py",
    "tests/collectors/test_accounting.py", "tests/collectors/test_ingest.py", "tests/adapters/test_line_protocol.py",
    "tests/adapters/state/test_state_ledger.py", "tests/config/test_any_file.py", "tests/harm/test_fuzzing.py",
)  # fmt: skip


def _feed(name: str, seconds: float, seed: int) -> Fed:
    return feed(name, seconds=seconds, seed=seed)


async def mutations(stage: Stage, findings: Findings) -> None:
    """Mutated seeds, in a process for each core."""
    seconds = stage.scaled(SECONDS, 4)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        fed = await asyncio.gather(*(loop.run_in_executor(pool, _feed, name, seconds, stage.seed) for name in TARGETS))
    for name, one in zip(TARGETS, fed, strict=True):
        findings.note(f"{name}: inputs", one.runs)
        findings.must(f"{name}: uncaught", len(one.uncaught), 0)
        for error, data in list(one.uncaught.items())[:3]:
            findings.note(f"{name}: {error[:80]}", repr(data[:120]))
        findings.at_most(f"{name}: worst processor time of one input", one.worst_ms, WORST_MS, f"ms ({len(one.worst)} bytes)")


async def by_coverage(stage: Stage, findings: Findings) -> None:
    """Atheris, where it is installed: it is no dependency of ours."""
    if find_spec("atheris") is None:
        findings.note("by coverage: NOT RUN", "atheris is not installed; `pip install atheris` beside the project (Python 3.11 to 3.13)")
        return
    for name in TARGETS:
        command = [sys.executable, str(_ROOT / "bench/faults/coverage.py"), name, str(stage.scaled(ATHERIS_S, 5))]
        done = await asyncio.to_thread(subprocess.run, command, cwd=stage.folder, capture_output=True, text=True, timeout=300, check=False)
        runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        findings.note(f"{name}, by coverage: inputs", runs[1] if runs else "unknown")
        findings.must(f"{name}, by coverage: exit code", done.returncode, 0)
        if done.returncode:
            findings.note(f"{name}, by coverage: said", done.stderr[-400:])


async def properties(stage: Stage, findings: Findings) -> None:
    """Hypothesis with new examples."""
    environment = {**os.environ, "IOC_HYPOTHESIS": "same" if stage.short else "explore"}
    command = [sys.executable, "-m", "pytest", "-q", *PROPERTIES]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    findings.must("property tests with new examples: exit code", done.returncode, 0)
    findings.note("property tests", done.stdout.strip().splitlines()[-1])


LINES = (
    Line(
        23,
        "fuzz: decoders, topic parser, the whole way in, rule files, line protocol",
        f"uncaught 0; worst ≤ {WORST_MS:g} ms an input; a point's line reads back as that point over all of Unicode",
        (mutations, by_coverage, properties),
        within_s=900,
    ),
)
