"""A start after an end that was no orderly one says from when to when nobody watched."""

import asyncio
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ioc.app.clock import now_ms
from ioc.app.server import open_server
from ioc.app.vigil import RULE, TOLD_FOR_MS, Vigil
from ioc.config.load import Config, load_config
from ioc.domain.alarm import Step
from ruling.stage import HOUR, MINUTE, NOON, SECOND

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def seen(folder: Path, at: int) -> None:
    """Somebody served here until then, and did not end in order."""
    (folder / "alive").touch()
    os.utime(folder / "alive", ns=(at * 1_000_000, at * 1_000_000))


def vigil(folder: Path, back: int = NOON) -> Vigil:
    """One that starts at that moment."""
    return Vigil(folder, zone=ZONE, clock=lambda: back)


def test_says_for_ten_minutes_from_when_to_when_nobody_watched(tmp_path: Path) -> None:
    """The alarm begins when we were seen last, and ends when we were back."""
    seen(tmp_path, NOON - 28 * MINUTE - 5 * SECOND)
    one = vigil(tmp_path)
    for now in (NOON, NOON + TOLD_FOR_MS - 1):
        told = one.condition(now)
        assert (told.rule, told.since, told.at) == (RULE, NOON - 28 * MINUTE - 5 * SECOND, NOON)
        assert told.detail == "01/01/2025 11:31:55 – 12:00:00"
    over = one.condition(NOON + TOLD_FOR_MS)
    assert (over.since, over.at) == (None, NOON)


def test_names_the_day_where_it_is_another_one(tmp_path: Path) -> None:
    """A power cut over night; a clock that was set back in between says no nonsense."""
    seen(tmp_path, NOON - 13 * HOUR)
    assert vigil(tmp_path).condition(NOON).detail == "31/12/2024 23:00:00 – 01/01/2025 12:00:00"
    assert vigil(tmp_path, NOON - 20 * HOUR).condition(NOON - 20 * HOUR).since == NOON - 20 * HOUR


def test_first_start_says_nothing(tmp_path: Path) -> None:
    """Nobody was here before."""
    assert vigil(tmp_path).condition(NOON).since is None


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """A site whose broker is not there."""
    file = tmp_path / "ioc.yaml"
    file.write_text(
        f'site: {{id: s, name: S, language: vi, timezone: Asia/Ho_Chi_Minh}}\nbroker: {{url: "mqtt://127.0.0.1:{free_port}"}}\n'
        "store: {kind: embedded}\ndata_dir: ./data\napi: {port: 0}\n"
    )
    (tmp_path / "data").mkdir()
    return load_config(file, {})


async def test_start_after_a_crash_is_one_alarm_about_ourselves(config: Config) -> None:
    """And the next start before it is over makes no second one."""
    gone = now_ms() - 20 * MINUTE
    seen(config.settings.data_dir, gone)
    async with open_server(config) as server:
        await server.house._beat()
        await server.house._beat()
        [alarm] = server.engine.active()
        assert (alarm.rule, alarm.device, alarm.since) == (RULE, None, gone)
        assert "đã ngừng đột ngột" in alarm.summary["vi"]
    async with open_server(config) as server:
        await server.house._beat()
        assert [one.id for one in server.engine.active()] == [alarm.id]
        assert [entry.step for entry in await server.files.state.journal(alarm.id)] == [Step.RAISED]


async def test_orderly_end_leaves_nothing_to_be_told(config: Config) -> None:
    """While we serve the file stands; after `stop` it is gone."""
    file, listening = config.settings.data_dir / "alive", asyncio.Event()
    async with open_server(config) as server, asyncio.timeout(30):
        assert not file.exists()
        task = asyncio.create_task(server.serve(lambda _: listening.set()))
        await listening.wait()
        assert file.exists()
        server.stop()
        await task
    assert not file.exists()
