"""`ioc alarms`: what stands, and what people do to it, through a running server's socket or on the files."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from api.fake_province import NOW, FakeProvince
from cli.conftest import Command
from cli.listening import listening
from ioc.adapters.state.store import StateDb
from ioc.api.alarm_commands import alarm_act_commands, alarm_commands
from ioc.app.clock import now_ms
from ioc.domain.alarm import Alarm, Decisions, Severity, Step, Transition


@pytest.fixture
def server(site: Path) -> Iterator[SimpleNamespace]:
    """The commands on a province in memory with two standing alarms and one that is over, behind a socket in ./data."""
    province = FakeProvince()
    summary = {"vi": "Loa im", "en": "The speaker is silent"}
    silent = province.raise_alarm("loa-0003", "speaker_silent_while_playing", Severity.MAJOR, since=NOW - 2000, summary=summary)
    door = province.raise_alarm("bts-01", "site_door_open", Severity.MINOR, since=NOW - 1000)
    over = province.raise_alarm("loa-0004", "speaker_offline", Severity.MAJOR, since=NOW - 9000)
    province.alarm_rows[over.id] = msgspec.structs.replace(over, cleared_at=NOW - 500)
    running = SimpleNamespace(province=province, silent=silent.id, door=door.id, over=over.id)
    handlers = {
        **alarm_commands(province, province, language="en"),
        **alarm_act_commands(province, province, province, language="en", clock=now_ms),
    }
    with listening(site, handlers):
        yield running


def listed(ioc: Command, *args: str) -> list[str]:
    """Ids of the alarms that a list shows."""
    return [one["id"] for one in json.loads(ioc("alarms", "list", "--json", *args).out)["items"]]


def test_lists_what_stands_newest_first(server: SimpleNamespace, ioc: Command) -> None:
    """Every filter narrows it; what has cleared comes with --all; pages follow each other."""
    assert listed(ioc) == [server.door, server.silent]
    assert listed(ioc, "--all") == [server.door, server.silent, server.over]
    assert listed(ioc, "--severity", "major") == listed(ioc, "--family", "speaker") == [server.silent]
    assert listed(ioc, "--device", "bts-01") == listed(ioc, "--rule", "site_door_open") == [server.door]
    assert listed(ioc, "--acknowledged") == []
    first = ioc("alarms", "list", "--limit", "1").out
    assert "speaker_silent_while_playing" not in first
    assert first.splitlines()[-1] == f"More: the same with --cursor {server.door}"
    assert "speaker_silent_while_playing" in ioc("alarms", "list", "--cursor", server.door).out


def test_people_act_on_an_alarm(server: SimpleNamespace, ioc: Command) -> None:
    """Each act says in a sentence what is so now; list and journal show it, and who did it."""
    said = ioc("alarms", "ack", server.silent, server.door, "--by", "Lan", "--comment", "đang đến")
    assert said.out.splitlines() == [
        f"speaker_silent_while_playing of loa-0003 ({server.silent}) is acknowledged by Lan.",
        f"site_door_open of bts-01 ({server.door}) is acknowledged by Lan.",
    ]
    assert "is assigned to Minh." in ioc("alarms", "assign", server.door, "--to", "Minh").out
    assert listed(ioc, "--assigned-to", "Minh") == [server.door]
    assert listed(ioc, "--unacknowledged") == []
    assert "has the comment." in ioc("alarms", "comment", server.door, "khoá hỏng", "--by", "Minh").out
    assert "is shelved until " in ioc("alarms", "shelve", server.door, "--for", "2h", "--reason", "chờ khoá", "--by", "Minh").out
    assert "is not shelved." in ioc("alarms", "unshelve", server.door).out
    shown = ioc("alarms", "show", server.door).out
    assert all(word in shown for word in ("Minh", "khoá hỏng", "chờ khoá", "assigned", "unshelved", "đang đến"))
    assert "The speaker is silent" in ioc("alarms", "show", server.silent).out


def test_latched_alarm_is_listed_as_such_until_it_is_reset(server: SimpleNamespace, ioc: Command) -> None:
    """While the condition holds, it can't be."""
    refused = ioc("alarms", "reset", server.door)
    assert (refused.code, "its condition still holds" in refused.err) == (1, True)
    server.province.latch(server.door)
    assert "latched" in ioc("alarms", "list").out
    assert "is cleared." in ioc("alarms", "reset", server.door, "--by", "Lan").out
    assert listed(ioc) == [server.silent]


def test_nothing_is_acknowledged_where_one_of_them_does_not_exist(server: SimpleNamespace, ioc: Command) -> None:
    """All or none."""
    answer = ioc("alarms", "ack", server.silent, "nonsense")
    assert (answer.code, answer.out) == (1, "")
    assert "there is no alarm 'nonsense'; see `ioc alarms list --all`" in answer.err
    assert listed(ioc, "--acknowledged") == []


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("show", "x"), 1, "there is no alarm 'x'"),
        (("comment", "x", " "), 2, "TEXT is empty"),
        (("shelve", "x", "--reason", "r"), 2, "say how long"),
        (("shelve", "x", "--reason", "r", "--for", "8d"), 1, "within the next 7 days"),
        (("shelve", "x", "--reason", "", "--for", "1h"), 2, "--reason TEXT is empty"),
        (("assign", "x", "--to", ""), 2, "--to NAME is empty"),
        (("list", "--severity", "loud"), 2, "loud"),
    ],
)
@pytest.mark.usefixtures("server")
def test_says_what_is_wrong(ioc: Command, args: tuple[str, ...], code: int, said: str) -> None:
    """In a sentence, by the exit codes of the contract."""
    answer = ioc("alarms", *args)
    assert (answer.code, said in answer.err) == (code, True)


def test_without_a_server_alarms_are_read_and_nothing_is_done_to_them(site: Path, ioc: Command) -> None:
    """An act would not reach the engine that decides."""
    (site / "data").mkdir()
    alarm = Alarm(id="a1", rule="r", severity=Severity.MINOR, family="speaker", device="loa-1", unit=None, since=NOW)
    raised = Transition(
        seq=1, alarm="a1", rule="r", severity=Severity.MINOR, device="loa-1", unit=None, step=Step.RAISED, at=NOW, recorded=NOW,
        by="sample", detail="-70 below -50",
    )  # fmt: skip

    async def fill() -> None:
        async with await StateDb.open(site / "data" / "state.db") as state:
            await state.take_epoch()
            await state.commit(Decisions(transitions=(raised,), alarms=(alarm,)))

    asyncio.run(fill())
    assert listed(ioc, "--unacknowledged") == ["a1"]
    assert "-70 below -50" in ioc("alarms", "show", "a1").out
    answer = ioc("alarms", "ack", "a1")
    assert (answer.code, "start `ioc run`" in answer.err) == (3, True)
