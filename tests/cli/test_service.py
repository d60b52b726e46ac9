"""`ioc service`: out of service and back, through a running server's socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from api.fake_province import NOW, FakeProvince
from api.fake_service import FakeService
from cli.conftest import Command
from cli.listening import listening
from ioc.api.service_commands import service_commands


@pytest.fixture
def server(site: Path) -> Iterator[SimpleNamespace]:
    """The commands on a province in memory, behind a socket in ./data."""
    province, service = FakeProvince(), FakeService(lambda: NOW)
    with listening(site, service_commands(service, province, province)):
        yield SimpleNamespace(service=service)


@pytest.mark.usefixtures("server")
def test_takes_out_and_gives_back(ioc: Command) -> None:
    """By a device's or unit's name, or the order's id; the list says why and by whom."""
    said = ioc("service", "out", "--device", "loa-0003", "--reason", "thay loa", "--by", "Lan", "--until", "2026-03-01T17:00")
    assert (said.code, "loa-0003 is out of service" in said.out) == (0, True)
    unit = json.loads(ioc("service", "out", "--unit", "04792-2025", "--reason", "mất điện", "--by", "Lan", "--json").out)
    listed = ioc("service", "list").out
    assert all(word in listed for word in ("loa-0003", "04792-2025", "thay loa", "Lan", "2026-03-01T10:00:00"))
    assert ioc("service", "in", "--device", "loa-0003", "--by", "Minh").out == "loa-0003 is in service again.\n"
    assert ioc("service", "in", unit["id"]).code == 0
    assert ioc("service", "list").out == "Everything is in service.\n"
    ended = json.loads(ioc("service", "list", "--ended", "--json").out)["items"]
    assert {one["ended_by"] for one in ended} >= {"Minh"}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("out", "--device", "nobody", "--reason", "x"), "there is no device 'nobody'"),
        (("out", "--unit", "04792-202", "--reason", "x"), "04792-2025"),
        (("out", "--reason", "x"), "name exactly one"),
        (("in", "--device", "loa-0003"), "loa-0003 is not out of service"),
        (("in",), "name exactly one"),
    ],
)
def test_says_what_is_wrong(ioc: Command, args: tuple[str, ...], said: str) -> None:
    """And the nearest name."""
    answer = ioc("service", *args)
    assert answer.code != 0
    assert said in answer.err


def test_needs_a_server(site: Path, ioc: Command) -> None:
    """Nothing is in force while nothing runs."""
    (site / "data").mkdir()
    answer = ioc("service", "out", "--device", "loa-0003", "--reason", "x")
    assert "start `ioc run`" in answer.err
