"""No test with a real server passes over its absence in silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.waiting import PATIENCE_S
from servers.wheel import ROOT

CASE = """
import pytest

@pytest.mark.real("influxdb")
def test_needs_server():
    pass

@pytest.mark.real("chromium")
def test_skips_by_itself():
    pytest.skip("today is Monday")
"""


def run(folder: Path, *, required: bool) -> subprocess.CompletedProcess[str]:
    """A run of CASE on a machine without any server."""
    (folder / "test_case.py").write_text(CASE)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "chromium").symlink_to("/bin/true")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "IOC_SERVERS": str(folder / "bin"), "PATH": "/nowhere"}
    environment["IOC_REQUIRE_SERVERS"] = "1" if required else ""
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "--import-mode=importlib", "-rs", "test_case.py"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=folder, env=environment)  # noqa: S603 - our own argv


def test_run_names_what_was_skipped_and_how_to_enable_it(tmp_path: Path) -> None:
    """A machine without servers still passes, and its last lines name the command that installs them."""
    done = run(tmp_path, required=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 skipped" in done.stdout
    assert "skipped for want of a server: influxdb 1" in done.stdout
    assert "`make servers` installs" in done.stdout


def test_run_fails_on_any_skip_where_servers_are_required(tmp_path: Path) -> None:
    """Where they are required, a missing server fails its tests, and so does a real-server test that skips for a reason of its own."""
    done = run(tmp_path, required=True)
    assert done.returncode == 1
    assert "needs a real influxdb: influxd is not installed here" in done.stdout
    assert "a real-server test was skipped while IOC_REQUIRE_SERVERS is set" in done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("script", ["scripts/servers.sh", "scripts/environment.sh", "scripts/python.sh", ".ci/run", "docker/setup.sh"])
def test_scripts_parse_and_are_executable(script: str) -> None:
    """No script fails on its own syntax."""
    path = ROOT / script
    assert os.access(path, os.X_OK)
    shell = path.read_text().splitlines()[0].removeprefix("#!/usr/bin/env ").removeprefix("#!/bin/")
    done = subprocess.run([f"/bin/{shell}", "-n", str(path)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # noqa: S603 - our own argv
    assert done.returncode == 0, done.stderr
