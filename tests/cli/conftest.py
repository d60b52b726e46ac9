"""Commands as a person gives them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ioc.__main__ import main


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a minimal ioc.yaml, in which the command is given; nothing listens at its broker."""
    monkeypatch.chdir(tmp_path)
    for name in ("IOC_CONFIG", "IOC_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ioc.yaml").write_text('broker: {url: "mqtt://127.0.0.1:1"}\n')
    return tmp_path


@pytest.fixture
def ioc(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`ioc("units", "list")` runs a command in this process and gives exit code and texts."""

    def run(*args: object) -> Said:
        monkeypatch.setattr("sys.argv", ["ioc", *map(str, args)])
        code = main()
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return run
