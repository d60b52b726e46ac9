"""The daily report reaches the outbox once, whenever we run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from alerts.load_message import load_text
from alerts.load_plan import LoadReportPlan
from alerts.message_fields import read_document
from ioc.adapters.state.store import StateDb
from ioc.app.clock import now_ms
from ioc.app.load_desk import LoadDesk
from ioc.app.load_reporter import LoadReporter
from ioc.app.server import open_server
from ioc.config.load import load_config
from ioc.domain.alarm import Decisions, Severity, Step, Transition
from ioc.domain.ledger import Booking, LedgerRow, LedgerTerms
from notifying.stage import ZONE, wording
from servers.waiting import wait_until

PLAN = LoadReportPlan.model_validate({"at": "06:30", "channels": ["sms"]})
HOUR = 3_600_000
DAY = 24 * HOUR


def at(text: str) -> int:
    """Unix ms of a time of the site."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


FIRST = at("2026-07-01T00:00")


class Site:
    """A reporter that can be stopped and started; `now` is its clock."""

    def __init__(self, folder: Path) -> None:
        self.now = FIRST
        self._file = folder / "state.db"
        self.queued = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[LoadReporter, StateDb]]:
        """A run of ours."""
        async with await StateDb.open(self._file) as state:
            await state.take_epoch()
            yield LoadReporter(PLAN, state, site="s", wording=wording(), clock=lambda: self.now, queued=self._woken), state

    async def turn(self) -> list[int]:
        """Starts, looks twice, stops; when the messages so far were written."""
        async with self.running() as (reporter, state):
            await reporter.turn()
            await reporter.turn()
            return [one.message.at for one in (await state.outbox())[0]][::-1]

    def _woken(self) -> None:
        self.queued += 1


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """It has heard devices since FIRST, and one alarm came at 02:00."""
    site = Site(tmp_path)
    raised = Transition(
        seq=1, alarm="a", rule="hot", severity=Severity.MAJOR, device="d", unit="u1", step=Step.RAISED, at=FIRST, recorded=FIRST + 2 * HOUR,
        by="sample",
    )  # fmt: skip
    async with site.running() as (_, state):
        await state.book(Booking(source="ioc-1", rows=(LedgerRow("speaker", FIRST, LedgerTerms(received=1, stored=1)),)))
        await state.commit(Decisions(transitions=(raised,)))
    return site


async def test_report_is_told_once_a_day_however_often_we_start(site: Site) -> None:
    """At its time, or late where we were away, and never a second time."""
    due = at("2026-07-01T06:30")
    story: list[tuple[int, list[int]]] = [
        (due, [due]),
        (due + HOUR, [due]),
        (due + DAY - 1, [due]),
        (due + DAY + 5 * HOUR, [due, due + DAY + 5 * HOUR]),
        (due + DAY + 6 * HOUR, [due, due + DAY + 5 * HOUR]),
        (due + 4 * DAY + HOUR, [due, due + DAY + 5 * HOUR, due + 4 * DAY + HOUR]),
    ]
    for site.now, told in story:
        assert await site.turn() == told
    assert site.queued == 3


async def test_nothing_is_told_of_days_before_our_first(site: Site) -> None:
    """A site that was set up after the time starts with the next one."""
    site.now = at("2026-06-30T23:00")
    assert await site.turn() == []


async def test_message_has_the_numbers_of_the_api(site: Site) -> None:
    """The text is that of the report which the API gives for the same span."""
    site.now = due = at("2026-07-01T06:30")
    async with site.running() as (reporter, state):
        await reporter.turn()
        (message,) = (await state.outbox())[0]
        load = await LoadDesk(state).load(due - DAY, due, 1)
    assert load.raised == 1
    assert read_document(message.message.body).text == load_text(load, now=due, wording=wording())


async def test_day_is_told_while_we_run_although_nothing_was_ever_heard(tmp_path: Path) -> None:
    """Being there when it falls due is enough."""
    site = Site(tmp_path)
    site.now = due = at("2026-07-01T06:30")
    async with site.running() as (reporter, state):
        site.now = due + 10_000
        await reporter.turn()
        assert len((await state.outbox())[0]) == 1


async def test_server_tells_the_channels_of_the_notify_file(tmp_path: Path, free_port: int) -> None:
    """A site that was there yesterday, and is started a minute after the time."""
    yesterday, time = now_ms() - DAY, datetime.fromtimestamp(now_ms() / 1000 - 60, ZONE)
    (tmp_path / "ioc.yaml").write_text(
        f'site: {{id: s, name: S, language: vi, timezone: Asia/Ho_Chi_Minh}}\nbroker: {{url: "mqtt://127.0.0.1:{free_port}"}}\n'
        "data_dir: ./data\napi: {port: 0}\nnotify: {file: notify.yaml}\n"
    )
    (tmp_path / "notify.yaml").write_text(
        f'channels: {{sms: {{kind: file, path: out.jsonl}}}}\nload_report: {{at: "{time:%H:%M}", channels: [sms]}}\n'
    )
    (tmp_path / "data").mkdir()
    async with await StateDb.open(tmp_path / "data" / "state.db") as state:
        await state.take_epoch()
        await state.book(Booking(source="ioc-1", rows=(LedgerRow("speaker", yesterday, LedgerTerms(received=1, stored=1)),)))
    sent = tmp_path / "out.jsonl"
    async with open_server(load_config(tmp_path / "ioc.yaml", {})) as server:
        task = asyncio.create_task(server.serve())
        await wait_until(lambda: sent.exists() and sent.read_text().endswith("\n"))
        server.stop()
        await task
    (line,) = sent.read_text().splitlines()
    assert read_document(line.encode()).text.startswith("[BÁO CÁO] 24 giờ đến ")
