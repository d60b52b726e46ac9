"""Which Python the virtual environment is built with, and what is said where none fits."""

import subprocess
import sys
from pathlib import Path

from servers.waiting import PATIENCE_S
from servers.wheel import ROOT


def choose(*candidates: str | Path) -> subprocess.CompletedProcess[str]:
    """scripts/python.sh on these candidates."""
    script = [str(ROOT / "scripts" / "python.sh"), *map(str, candidates)]
    return subprocess.run(script, capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603 - our own argv


def pretended(folder: Path, version: str, *, venv: bool = True) -> Path:
    """Something that answers the script's questions as that Python would."""
    recent = tuple(map(int, version.split("."))) >= (3, 11)
    fake = folder / f"python{version}"
    fake.write_text(
        f'#!/bin/sh\ncase "$2" in\n*print*) echo {version} ;;\n*venv*) exit {int(not venv)} ;;\n*) exit {int(not recent)} ;;\nesac\n'
    )
    fake.chmod(0o755)
    return fake


def test_first_python_that_fits_is_chosen(tmp_path: Path) -> None:
    """Missing and old ones are passed over."""
    chosen = choose("no-such-python", pretended(tmp_path, "3.9"), sys.executable, "python3")
    assert (chosen.returncode, chosen.stdout, chosen.stderr) == (0, f"{sys.executable}\n", "")


def test_python_that_does_not_fit_is_named_in_one_sentence(tmp_path: Path) -> None:
    """Which one was seen, what is wrong with it, how to name another."""
    old, bare = pretended(tmp_path, "3.9"), pretended(tmp_path, "3.12", venv=False)
    refused = choose(old, bare)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"ioc-monitor needs Python 3.11 or newer with venv: {old} is 3.9, {bare} 3.12 lacks venv (apt-get install python3-venv). "
        "Another one is named with 'make PYTHON=...'.\n"
    )


def test_no_python_at_all_is_one_sentence() -> None:
    """What to install."""
    refused = choose("no-such-python")
    assert refused.returncode == 1
    assert refused.stderr == "ioc-monitor needs Python 3.11 or newer with venv, and none was found: apt-get install python3 python3-venv.\n"
