"""The wheel that ships: built from the tree, and unpacked so that tests can run it."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from servers.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path) -> Path:
    """The project's wheel, built into `folder` with the build backend of this environment."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603 - our own argv
    if done.returncode:
        message = f"the wheel could not be built:\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(message)
    return next(folder.glob("ioc_monitor-*.whl"))


def unpack(wheel: Path, folder: Path) -> dict[str, str]:
    """Unpacks a wheel and gives the environment in which Python imports ioc-monitor from there, not from the working tree."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def python(installed: Mapping[str, str], *arguments: str) -> list[str]:
    """The command that runs Python on an unpacked wheel, wherever it is started."""
    return ["env", *(f"{name}={installed[name]}" for name in ("PYTHONPATH", "PYTHONSAFEPATH")), sys.executable, *arguments]
