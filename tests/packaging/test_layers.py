"""Layers and purity hold, and no module hides from them: import-linter passes over a module that no layer names."""

import tomllib
from typing import Any

import pytest
from importlinter import cli

from servers.wheel import ROOT


def _linter() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"])


def _modules() -> set[str]:
    found = set()
    for package in _linter()["root_packages"]:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def test_every_module_stands_in_a_layer() -> None:
    """Only the package `ioc` itself, which is empty, stands in none."""
    contract = next(contract for contract in _linter()["contracts"] if contract["id"] == "layers")
    layers = {name.strip(" ()") for line in contract["layers"] for name in line.split("|")}
    homeless = {module for module in _modules() if not any(module == layer or module.startswith(f"{layer}.") for layer in layers)}
    assert homeless == {"ioc"}, f"name a layer for these in pyproject.toml: {sorted(homeless - {'ioc'})}"


def test_root_package_imports_nothing() -> None:
    """`ioc/__init__.py` stands in no layer, so it holds no code that could break one."""
    assert "import " not in (ROOT / "ioc" / "__init__.py").read_text()


def test_docker_folder_is_no_package() -> None:
    """`docker`, `tests` and `bench` hold files, never importable packages."""
    assert not [path for folder in ("docker", "tests", "bench") for path in (ROOT / folder).rglob("__init__.py")]


def test_imports_keep_the_contracts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What import-linter says of the tree, in the test run too."""
    monkeypatch.chdir(ROOT)
    status = cli.lint_imports(no_cache=True)
    assert status == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out
