"""`ioc silence`: on the files of a site, and through a running server."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Command
from ioc.adapters.state.store import StateDb
from ioc.api.control import ControlError
from ioc.app.clock import now_ms
from ioc.app.front import Front
from ioc.app.server import Server, open_server
from ioc.config.load import load_config
from ioc.domain.alarm import Alarm, Decisions, Severity, Unsent
from ioc.domain.rfc3339 import to_rfc3339

HOUR = 3_600_000


@pytest.fixture
def holidays(site: Path) -> Path:
    """A site with the shipped calendar."""
    (site / "data").mkdir()
    shutil.copy(str(files("alerts") / "examples" / "vietnam_holidays.yaml"), site / "calendar.yaml")
    (site / "ioc.yaml").write_text('broker: {url: "mqtt://127.0.0.1:1"}\ncalendar: ./calendar.yaml\napi: {port: 0}\n')
    return site


def added(ioc: Command, *args: str) -> dict[str, Any]:
    """The document of a silence that was added."""
    said = ioc("silence", "add", "--reason", "thay ắc quy", "--json", *args)
    assert said.code == 0, said.err
    document: dict[str, Any] = json.loads(said.out)
    return document


@pytest.mark.usefixtures("holidays")
def test_adds_lists_and_ends(ioc: Command) -> None:
    """What it covers, when it holds, what is left of it; ended ones only when asked for."""
    assert ioc("silence", "list").out == "No silence.\n"
    one = added(ioc, "--unit", "u1", "--rule", "hot", "--for", "2h", "--maintenance", "--by", "An")
    assert (one["kind"], one["by"], one["unit"], one["rule"]) == ("maintenance", "An", "u1", "hot")
    header, row = ioc("silence", "list").out.splitlines()
    assert header.split() == ["ID", "KIND", "COVERS", "UNTIL", "LEFT", "HOURS", "BY", "REASON"]
    assert row.split()[:4] == [one["id"], "maintenance", "rule=hot,", "unit=u1"]
    assert "2 h 0 min" in row or "1 h 59 min" in row
    ended = ioc("silence", "end", one["id"])
    assert (ended.code, ended.out.startswith(f"Silence {one['id']} ended at ")) == (0, True)
    assert ioc("silence", "list").out == "No silence.\n"
    assert one["id"] in ioc("silence", "list", "--all").out


@pytest.mark.parametrize(
    ("args", "weekly", "hours"),
    [
        (
            ("--weekly", "sat,sun 22:00-5:00", "--except-on", "tet"),
            {"days": ["sat", "sun"], "from": "22:00", "to": "05:00", "except_on": ["tet"]},
            "sat,sun 22:00-05:00 not tet",
        ),
        (
            ("--only-on", "tet", "--only-on", "quoc_khanh"),
            {
                "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "00:00",
                "only_on": ["tet", "quoc_khanh"],
            },
            "mon,tue,wed,thu,fri,sat,sun 00:00-00:00 only tet only quoc_khanh",
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("holidays")
def test_binds_hours_to_weekdays_and_to_the_calendar(ioc: Command, args: tuple[str, ...], weekly: dict[str, Any], hours: str) -> None:
    """Days of the calendar alone mean the whole of them."""
    assert added(ioc, "--unit", "u1", "--for", "300d", *args)["weekly"] == weekly
    listed = ioc("silence", "list").out
    assert hours in listed
    assert "299 d 23 h" in listed or "300 d 0 h" in listed


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--unit", "u1"), 2, "say how long: `--for 2h` or `--until 2026-07-01T06:00`"),
        (("--unit", "u1", "--for", "2h", "--until", "2030-01-01T00:00"), 2, "say how long"),
        (("--unit", "u1", "--for", "soon"), 2, "'soon' is not a duration"),
        (("--unit", "u1", "--for", "2h", "--weekly", "sat 22-05"), 2, "'sat 22-05' are no hours; write"),
        (("--unit", "u1", "--for", "2h", "--weekly", "sat,san 22:00-05:00"), 2, "are no hours"),
        (("--unit", "u1", "--for", "2h", "--only-on", "tett"), 1, "There are no days 'tett' in the site's calendar: did you mean 'tet'?"),
        (("--for", "2h"), 1, "Name at least one of rule, severity, family, device, unit"),
        (("--unit", "u1", "--for", "900d"), 1, "last at most 366 days"),
        (("--severity", "bad", "--for", "2h"), 1, "Invalid enum value 'bad'"),
    ],
)
@pytest.mark.usefixtures("holidays")
def test_says_what_is_wrong(ioc: Command, args: tuple[str, ...], code: int, words: str) -> None:
    """And adds nothing."""
    said = ioc("silence", "add", "--reason", "x", *args)
    assert (said.code, words in said.err) == (code, True), said.err
    assert ioc("silence", "list").out == "No silence.\n"


@pytest.mark.usefixtures("holidays")
def test_unknown_silence_is_refused_with_a_way_on(ioc: Command) -> None:
    """What is wrong, and where to look."""
    for command in ("end", "digest"):
        said = ioc("silence", command, "nothing")
        assert (said.code, "there is no silence 'nothing'; see `ioc silence list --all`" in said.err) == (1, True)


def test_shows_what_a_silence_hid(ioc: Command, holidays: Path) -> None:
    """How many, how many of them stand, and each."""
    one = added(ioc, "--unit", "u1", "--for", "2h")

    async def hide() -> None:
        async with await StateDb.open(holidays / "data" / "state.db") as state:
            await state.take_epoch()
            alarms = tuple(
                Alarm(id=name, rule="hot", severity=Severity.MAJOR, device=name, unit="u1", since=1, cleared_at=over)
                for name, over in (("d1", None), ("d2", 5))
            )
            unsent = tuple(Unsent(alarm=alarm.id, at=2, reason="silenced", by=one["id"]) for alarm in alarms)
            await state.commit(Decisions(alarms=alarms, unsent=unsent))

    asyncio.run(hide())
    lines = ioc("silence", "digest", one["id"]).out.splitlines()
    assert lines[0] == "2 technical alarms held back, 1 still active."
    assert [line.split()[0] for line in lines[2:]] == ["d1", "d2"]
    assert json.loads(ioc("silence", "digest", one["id"], "--json").out)["active"] == 1


@pytest.fixture
async def server(holidays: Path) -> AsyncIterator[Server]:
    """A server on the site's files."""
    async with open_server(load_config(holidays / "ioc.yaml", {})) as opened:
        yield opened


async def test_running_server_goes_by_it_at_once(server: Server) -> None:
    """Put by the command: in force; ended by it: no longer. Hours are bound to the site's own calendar."""
    commands = Front(server)._commands()
    alarm = Alarm(id="a", rule="hot", severity=Severity.MAJOR, unit="u1", since=now_ms())
    hours = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "00:00"}
    body = {"reason": "x", "until": _in(HOUR), "unit": "u1", "weekly": hours}
    with pytest.raises(ControlError, match="did you mean 'tet'"):
        await commands["silence.add"]({"silence": {**body, "weekly": {**hours, "only_on": ["tt"]}}, "by": "An"})
    one: Any = await commands["silence.add"]({"silence": body, "by": "An"})
    assert server.notifier._silencing.covering(alarm) == one.id
    await commands["silence.end"]({"id": one.id})
    assert server.notifier._silencing.covering(alarm) == ""


def _in(ms: int) -> str:
    return to_rfc3339(now_ms() + ms)
