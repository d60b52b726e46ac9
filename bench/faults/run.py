"""The fault list, line by line, against real servers; exit code 1 when something does not hold.

    python bench/faults/run.py [--only 3,5] [--short] [--seed 7] [--report FILE]

`--short` scales everything down for a trial. The summary goes into `build/faults.json` unless `--report` names another file.
"""

import argparse
import asyncio
import importlib
import json
import logging
import sys
import tempfile
import time
import traceback
from contextlib import AsyncExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import structlog
from faults.findings import Findings
from faults.line import Line, Stage
from stand import heading, remove

_ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "killed", "outage", "store_answers", "partial_writes", "full_disk", "spool_file", "poison", "slow_store", "duplicates", "clocks",
    "half_open", "stale_acks", "refusals", "retained", "fuzzing", "storms",
    "forbidden", "failing_channels", "recorded", "restarts", "random_histories",
)  # fmt: skip


def every_line() -> list[Line]:
    """In order of their numbers."""
    found = [line for module in MODULES for line in importlib.import_module(f"faults.{module}").LINES]
    found.append(
        Line(
            8,
            "fsync honesty: what was not synced is lost with the power",
            "PUBACKed but absent = 0",
            reason="needs root and a device mapper (dm-flakey), which an unprivileged run does not have",
        )
    )
    return sorted(found, key=lambda line: line.number)


async def play(line: Line, findings: Findings, *, short: bool, seed: int) -> None:
    """Runs the parts of a line, each with servers of its own that are gone afterwards."""
    for run in line.runs:
        folder = Path(tempfile.mkdtemp(prefix=f"ioc-fault-{line.number}-"))
        try:
            async with asyncio.timeout(line.within_s), AsyncExitStack() as stack:
                await run(Stage(folder, stack, short=short, seed=seed), findings)
        finally:
            remove(folder)


def judge(line: Line, findings: Findings, *, short: bool, seed: int) -> str:
    """PASS, FAIL or NOT RUN."""
    print(f"\n## {line.number}. {line.fault}\nmust hold: {line.promise}")
    if not line.runs:
        print(f"NOT RUN: {line.reason}")
        return "NOT RUN"
    try:
        asyncio.run(play(line, findings, short=short, seed=seed))
    except Exception as error:  # noqa: BLE001 - the boundary: the other lines are still run
        traceback.print_exc()
        findings.must("errors of the run itself", f"{type(error).__name__}: {error}"[:300], "none")
    return "PASS" if findings.hold else "FAIL"


def main() -> int:
    """Exit code 1 when a line fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="numbers of lines, for example 3,5")
    parser.add_argument("--short", action="store_true", help="scaled down, for a trial")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report", type=Path, default=_ROOT / "build" / "faults.json")
    options = parser.parse_args()
    asked = {int(number) for number in options.only.split(",") if number}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # of what runs in this process
    heading("Faults" + (" (short)" if options.short else ""))
    results = []
    for line in every_line():
        if asked and line.number not in asked:
            continue
        findings, began = Findings(), time.monotonic()
        result = judge(line, findings, short=options.short, seed=options.seed)
        took = time.monotonic() - began
        print(f"{line.number}: {result} ({took:.0f} s)", flush=True)
        results.append(
            {
                "line": line.number,
                "fault": line.fault,
                "must_hold": line.promise,
                "result": result,
                "reason": line.reason,
                "seconds": round(took, 1),
                "figures": [
                    {"name": one.name, "value": one.value, "expected": one.expected, "holds": one.holds} for one in findings.figures
                ],
            }
        )
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(results, indent=1, default=str, ensure_ascii=False) + "\n")
    print("\n" + "  ".join(f"{result['line']} {result['result']}" for result in results))
    return 1 if any(result["result"] == "FAIL" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
