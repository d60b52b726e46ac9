"""The wheel holds what the program needs, and no name of somebody else's."""

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest

from servers.waiting import PATIENCE_S
from servers.wheel import ROOT

PACKAGES = ("alerts", "collectors", "dashboards", "ioc")


@pytest.fixture(scope="module")
def shipped(built_wheel: Path) -> set[str]:
    """Paths inside the wheel."""
    with zipfile.ZipFile(built_wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_four_packages_and_nothing_else(shipped: set[str]) -> None:
    """A fifth top-level name could overwrite another distribution's."""
    tops = {PurePosixPath(path).parts[0] for path in shipped}
    assert tops == {*PACKAGES, *(top for top in tops if top.startswith("ioc_monitor-") and top.endswith(".dist-info"))}
    assert len(tops) == len(PACKAGES) + 1


def test_wheel_holds_every_file_of_the_packages(shipped: set[str]) -> None:
    """Families, rules, migrations and the wall's pages travel with the code."""
    in_tree = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert in_tree <= shipped


@pytest.mark.parametrize(
    ("folder", "suffix"),
    [
        ("collectors/families/", ".yaml"),
        ("alerts/pack/", ".yaml"),
        ("ioc/adapters/state/migrations/versions/", ".py"),
        ("ioc/wall/", ".html"),
        ("ioc/wall/", ".js"),
        ("ioc/wall/", ".css"),
    ],
)
def test_wheel_holds_data_of_each_kind(shipped: set[str], folder: str, suffix: str) -> None:
    """No kind of file that the program reads at run time is left behind."""
    assert [path for path in shipped if path.startswith(folder) and path.endswith(suffix)]


def test_no_other_distribution_ships_our_names() -> None:
    """Each top-level name belongs to ioc-monitor: whoever installed last would win otherwise."""
    strangers = {
        f"{distribution.name}: {path}"
        for distribution in metadata.distributions()
        if distribution.name != "ioc-monitor"
        for path in distribution.files or ()
        if path.parts and path.parts[0].removesuffix(".py") in PACKAGES
    }
    assert not strangers


def test_wheel_imports_from_where_it_was_installed(installed_wheel: dict[str, str], tmp_path: Path) -> None:
    """The unpacked wheel, not the working tree, is what a test of the wheel runs."""
    script = "import alerts, collectors, dashboards, ioc; print(*(m.__file__ for m in (alerts, collectors, dashboards, ioc)))"
    done = subprocess.run(  # noqa: S603 - our own argv
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True, cwd=tmp_path, env=installed_wheel
    )
    assert all(path.startswith(installed_wheel["PYTHONPATH"]) for path in done.stdout.split())


def test_wheel_names_licence_and_command(built_wheel: Path) -> None:
    """The licence's text and the `ioc` command are part of the distribution."""
    with zipfile.ZipFile(built_wheel) as archive:
        paths = {PurePosixPath(path).name: path for path in archive.namelist() if ".dist-info/" in path}
        assert b"Apache License" in archive.read(paths["LICENSE"])
        assert b"ioc = ioc.__main__:main" in archive.read(paths["entry_points.txt"])
