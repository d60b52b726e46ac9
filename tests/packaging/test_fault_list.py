"""The fault list can be started as the Makefile does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_line_of_the_fault_list_loads(tmp_path: Path) -> None:
    """Line 8 alone, which is never run: each module is imported from where the script stands."""
    command = [sys.executable, str(ROOT / "bench" / "faults" / "run.py"), "--only", "8", "--report", str(tmp_path / "faults.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "8: NOT RUN" in ended.stdout
