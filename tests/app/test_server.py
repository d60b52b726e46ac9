"""One server, whole: its metrics, and how it ends."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.state.store import StateDb
from ioc.app.clock import now_ms
from ioc.app.front import Front
from ioc.app.metric_types import ChangedTypesError
from ioc.app.server import open_server
from ioc.config.load import Config, load_config
from ioc.domain.point import Point
from ioc.domain.state import FencedError
from servers.waiting import PATIENCE_S

Wait = Callable[..., Awaitable[Any]]


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """A site whose broker is not there: nothing here needs one."""
    file = tmp_path / "ioc.yaml"
    file.write_text(
        f"site: {{id: s, name: S, language: vi, timezone: Asia/Ho_Chi_Minh}}\n"
        f'broker: {{url: "mqtt://127.0.0.1:{free_port}", client_id: ioc-1}}\n'
        "store: {kind: embedded}\ndata_dir: ./data\napi: {port: 0}\n"
    )
    (tmp_path / "data").mkdir()
    return load_config(file, {})


@pytest.mark.real("promtool")
async def test_metrics_are_as_prometheus_wants_them(config: Config, promtool: str) -> None:
    """Names, units, types and a help text each."""
    async with open_server(config) as server:
        server.unmapped.counts["speaker", 'odd "key"\n'] = 2
        exposition = generate_latest(Front(server).metrics_registry())
    checked = await asyncio.to_thread(subprocess.run, [promtool, "check", "metrics"], input=exposition, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert b'ioc_unmapped_keys_total{family="speaker",key="odd \\"key\\"\\n"} 2.0' in exposition


async def test_what_nobody_answers_for_is_a_metric_where_people_are_declared(tmp_path: Path, config: Config) -> None:
    """Half a day of the week to come has nobody; where nobody is declared, nothing is missing."""
    async with open_server(config) as server:
        assert b"ioc_duty" not in generate_latest(Front(server).metrics_registry())
    # Not tomorrow: that would be today, and half of it over, where midnight comes in between.
    day = datetime.now(config.settings.site.zone).date() + timedelta(days=3)
    (tmp_path / "notify.yaml").write_text(
        "channels: {out: {kind: file, path: ./out.jsonl}}\npeople: {an: {channels: out}}\n"
        f'teams: {{t: {{members: an, overrides: [{{from: "{day} 00:00", to: "{day} 12:00", people: []}}]}}}}\n'
        "routes: [{teams: t}]\n"
    )
    file = tmp_path / "ioc.yaml"
    file.write_text(file.read_text() + "notify: {file: notify.yaml}\n")
    async with open_server(load_config(file, {})) as server:
        exposition = generate_latest(Front(server).metrics_registry())
    assert b"ioc_duty_uncovered_units 0.0" in exposition
    assert b'ioc_duty_gap_seconds{team="t"} 43200.0' in exposition


async def test_every_part_has_its_metric(config: Config) -> None:
    """What a runbook asks for is there, also before anything has happened."""
    async with open_server(config) as server:
        exposition = generate_latest(Front(server).metrics_registry()).decode()
    names = {line.split()[2] for line in exposition.splitlines() if line.startswith("# HELP ioc_")}
    assert names >= {
        "ioc_connected",
        "ioc_blind",
        "ioc_store_up",
        "ioc_spool_bytes",
        "ioc_spool_limit_bytes",
        "ioc_spool_age_seconds",
        "ioc_spool_full",
        "ioc_spool_drained_points_total",
        "ioc_spool_drain_rate",
        "ioc_spool_lost_deliveries_total",
        "ioc_ledger_deliveries_total",
        "ioc_ledger_spooled_deliveries",
        "ioc_ledger_difference",
        "ioc_ledger_mismatches",
        "ioc_ledger_audits_total",
        "ioc_oldest_unacknowledged_seconds",
        "ioc_in_flight_deliveries",
        "ioc_unacknowledged_deliveries",
        "ioc_decision_faults_total",
        "ioc_quarantine_evicted_total",
        "ioc_held_devices",
        "ioc_quarantine_bytes",
        "ioc_quarantine_limit_bytes",
        "ioc_quarantine_entries",
        "ioc_quarantine_messages",
    }


async def test_server_ends_in_order_when_it_is_stopped(config: Config) -> None:
    """Without a broker, too: within seconds, leaving nothing running."""
    listening = asyncio.Event()
    async with open_server(config) as server, asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(server.serve(lambda _: listening.set()))
        await listening.wait()
        server.stop()
        await task
        assert [one.get_name() for one in asyncio.all_tasks() if one is not asyncio.current_task()] == []


async def test_start_refuses_a_metric_that_the_store_has_with_another_type(config: Config) -> None:
    """Before anything is stored: each such metric is named, with what to do."""
    store = EmbeddedStore(config.settings.data_dir / "series.db", clock=now_ms)
    await store.prepare(0)
    await store.write([Point.of("speaker", (("device", "d1"),), {"audio_dbfs": "loud", "volume": 5}, now_ms())])
    await store.close()
    with pytest.raises(ChangedTypesError) as refused:
        async with open_server(config):
            pass
    assert "metric speaker.audio_dbfs is declared float, but the store has it as string" in str(refused.value)
    assert "volume" not in str(refused.value)


async def test_server_that_was_taken_over_ends_by_itself(config: Config) -> None:
    """Its next write finds the newer epoch: nothing is written, and the sentence says why."""
    listening = asyncio.Event()
    async with open_server(config) as server, asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(server.serve(lambda _: listening.set()))
        await listening.wait()
        async with await StateDb.open(config.settings.data_dir / "state.db") as other:
            await other.take_epoch()
        server.writer.down_since = 1  # something to be written about
        with pytest.raises(ExceptionGroup) as ended:
            await task
    fences = ended.value.subgroup(FencedError)
    assert fences is not None


async def test_end_does_not_wait_for_files_that_cannot_be_written(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when we are told to stop: what is not written comes again."""
    monkeypatch.setattr("ioc.app.server.STOP_WITHIN_S", 0.1)
    monkeypatch.setattr("ioc.app.server.SETTLE_WITHIN_S", 0.1)
    listening = asyncio.Event()

    async def never(*_arguments: object) -> None:
        await asyncio.Event().wait()

    async with open_server(config) as server, asyncio.timeout(PATIENCE_S):
        (source,) = server.sources.values()
        monkeypatch.setattr(source.pipeline, "book_returned", never)
        task = asyncio.create_task(server.serve(lambda _: listening.set()))
        await listening.wait()
        server.stop()
        await task
