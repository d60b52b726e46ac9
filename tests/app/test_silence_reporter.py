"""What is told of silences that end, with a real state database and a clock of our own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from alerts.message_fields import read_document
from alerts.readers import Readers
from alerts.silence_notes import SilenceNotes
from alerts.silences_plan import SilencesPlan
from ioc.adapters.state.store import StateDb
from ioc.app.clock import now_ms
from ioc.app.server import open_server
from ioc.app.silence_reporter import SilenceReporter
from ioc.config.load import load_config
from ioc.domain.alarm import Alarm, Decisions, Severity, Unsent
from ioc.domain.silence import Silence, Weekly, ended
from notifying.stage import ZONE, wording
from servers.waiting import wait_until

HOUR = 3_600_000
DAY = 24 * HOUR
EVERY_NIGHT = Weekly(days=(1, 2, 3, 4, 5, 6, 7), start=22 * 60, end=5 * 60)


def at(day: int, hour: int = 0, minute: int = 0) -> int:
    """Unix ms of a time in July 2026 at the site."""
    return round(datetime(2026, 7, day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


NIGHTLY = Silence(
    id="s", rule="hot", since=at(1), until=at(20), reason="bảo trì", by="an", created_at=at(1), weekly=EVERY_NIGHT
)  # fmt: skip


class Site:
    """A state database, and whoever reads it; `now` is the clock."""

    def __init__(self, state: StateDb) -> None:
        self.state = state
        self.now = at(1)
        self.start()

    def start(self) -> None:
        """A reporter that has seen nothing yet."""
        readers = Readers(people={"sms": "an"}, routed=())
        notes = SilenceNotes(plan=SilencesPlan(), readers=readers, wording=wording())
        self.reporter = SilenceReporter(notes, self.state.silences, clock=lambda: self.now, queued=lambda: None)

    async def hide(self, name: str, when: int) -> None:
        """The silence holds an alarm back."""
        alarm = Alarm(id=name, rule="hot", severity=Severity.MAJOR, device=name, since=when)
        await self.state.commit(Decisions(alarms=(alarm,), unsent=(Unsent(alarm=name, at=when, reason="silenced", by="s"),)))

    async def told(self, *moments: int) -> list[tuple[int, list[str]]]:
        """Looks twice at each moment, starting anew each time; when what was told so far was written, and of which alarms."""
        for self.now in moments:
            self.start()
            await self.reporter.turn()
            await self.reporter.turn()
        entries = [one.message for one in (await self.state.outbox(1000))[0]]
        return [(one.at, sorted(alarm.id for alarm in read_document(one.body).alarms)) for one in reversed(entries)]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Without any silence yet."""
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        yield Site(state)


async def test_each_night_of_a_weekly_silence_has_its_digest(site: Site) -> None:
    """When its hours end; a night that hid nothing has none, and nights that we were away for share one."""
    await site.state.silences.put(NIGHTLY)
    await site.hide("a", at(1, 23))
    await site.hide("b", at(2, 3))
    assert await site.told(at(2, 4), at(2, 4, 59)) == []
    first = (at(2, 5), ["a", "b"])
    assert await site.told(at(2, 5), at(2, 12), at(3, 6)) == [first]
    await site.hide("c", at(3, 23))
    await site.hide("d", at(4, 23))
    assert await site.told(at(5, 12), at(6, 12)) == [first, (at(5, 12), ["c", "d"])]


async def test_alarm_held_back_night_after_night_is_in_each_digest(site: Site) -> None:
    """It is told by day, raised again, and held back again."""
    await site.state.silences.put(NIGHTLY)
    await site.hide("a", at(1, 23))
    await site.told(at(2, 6))
    await site.hide("a", at(2, 23))
    assert await site.told(at(3, 6)) == [(at(2, 6), ["a"]), (at(3, 6), ["a"])]


async def test_last_end_is_reminded_of_and_then_closed(site: Site) -> None:
    """After it nothing is looked at any more, until the silence is extended."""
    await site.state.silences.put(NIGHTLY)
    reminder = (at(19, 23, 50), [])
    assert await site.told(at(19, 23, 50), at(20), at(21)) == [reminder]
    assert await site.state.silences.untold(at(21)) == []
    await site.state.silences.put(msgspec.structs.replace(NIGHTLY, until=at(25)))
    assert await site.told(at(24, 23, 45), at(25)) == [reminder, (at(24, 23, 45), [])]


async def test_silence_that_is_ended_early_tells_at_once(site: Site) -> None:
    """The rest of its time is gone, and so is its reminder."""
    one = msgspec.structs.replace(NIGHTLY, weekly=None)
    await site.state.silences.put(one)
    await site.hide("a", at(1, 1))
    await site.state.silences.put(ended(one, at(1, 2)))
    assert await site.told(at(1, 2), at(19, 23, 50), at(20)) == [(at(1, 2), ["a"])]


async def test_what_is_removed_tells_once_and_is_gone(site: Site) -> None:
    """Together with what was known of its digests."""
    await site.state.silences.put(NIGHTLY)
    await site.hide("a", at(1, 23))
    site.now = at(1, 23, 30)
    await site.reporter.close(NIGHTLY)
    await site.state.silences.remove("s")
    await site.reporter.close(NIGHTLY)
    assert await site.told(at(2, 6)) == [(at(1, 23, 30), ["a"])]
    assert len(await site.state.silences.hidden("s")) == 1


async def test_server_tells_of_what_ended_while_it_was_away(tmp_path: Path, free_port: int) -> None:
    """Once, through the channels of the notify file."""
    (tmp_path / "ioc.yaml").write_text(
        f'broker: {{url: "mqtt://127.0.0.1:{free_port}"}}\ndata_dir: ./data\napi: {{port: 0}}\nnotify: {{file: notify.yaml}}\n'
    )
    (tmp_path / "notify.yaml").write_text("channels: {out: {kind: file, path: out.jsonl}}\nsilences: {channels: [out]}\n")
    (tmp_path / "data").mkdir()
    now = now_ms()
    async with await StateDb.open(tmp_path / "data" / "state.db") as state:
        site = Site(state)
        await state.take_epoch()
        await state.silences.put(msgspec.structs.replace(NIGHTLY, weekly=None, since=now - 2 * HOUR, until=now - HOUR))
        await site.hide("a", now - 90 * 60_000)
    sent = tmp_path / "out.jsonl"
    for _ in range(2):
        async with open_server(load_config(tmp_path / "ioc.yaml", {})) as server:
            task = asyncio.create_task(server.serve())
            await wait_until(lambda: sent.exists() and sent.read_text().endswith("\n"))
            await server.silences.turn()
            server.stop()
            await task
    told = [read_document(line.encode()).text.splitlines()[0] for line in sent.read_text().splitlines()]
    assert told == ["[HẾT TẠM HOÃN] quy tắc hot: bảo trì. Đã giữ lại 1 cảnh báo kỹ thuật (CAO: 1). Tất cả đã hết."]
