"""Rules reloaded in a whole server: from the file to alarms, commands, metrics and the alarm about ourselves."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from ioc.api.commands import rule_commands
from ioc.app.clock import now_ms
from ioc.app.front import Front
from ioc.app.rule_desk import Reload
from ioc.app.server import Server, open_server
from ioc.config.load import Config, load_config
from ioc.domain.held import Hold
from ioc.domain.registry import Device
from ruling.stage import NOON, offline, sample

Wait = Callable[..., Awaitable[Any]]
RULE = """
  - id: {id}
    family: speaker
    when: {{kind: threshold, metric: amp_temp_c, above: {above}}}
    severity: major
    summary: {{vi: chữ, en: text}}
    action: {{vi: chữ, en: text}}
"""
DEVICES = [Device(device=f"d{number}", family="speaker", unit="u1") for number in range(3)]


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """A site with one rule of its own, of which two alarms at once are enough."""
    write(tmp_path, RULE.format(id="hot", above=80))
    file = tmp_path / "ioc.yaml"
    file.write_text(
        "site: {id: s, name: S, language: vi, timezone: Asia/Ho_Chi_Minh}\n"
        f'broker: {{url: "mqtt://127.0.0.1:{free_port}", client_id: ioc-1}}\n'
        "store: {kind: embedded}\ndata_dir: ./data\napi: {port: 0}\n"
        "shipped_rules: false\nrules: [./rules.yaml]\nlimits: {alarms_at_reload: 2}\nnotify: {file: ./notify.yaml}\n"
    )
    (tmp_path / "notify.yaml").write_text("channels: {out: {kind: file, path: out.jsonl}}\nroutes: [{channels: out}]\n")
    (tmp_path / "data").mkdir()
    return load_config(file, {})


def write(folder: Path, *rules: str) -> None:
    """The rule file, anew."""
    (folder / "rules.yaml").write_text("rules:" + ("".join(rules) or " []\n"))


async def heat(server: Server) -> None:
    """Three devices are heard, at 70 °C, 70 °C and 90 °C."""
    await server.desk.register(DEVICES)
    temperatures = zip(DEVICES, (70.0, 70.0, 90.0), strict=True)
    await server.desk.decide("ioc-1", [sample(NOON, device.device, amp_temp_c=at) for device, at in temperatures])


def active(server: Server) -> set[tuple[str, str | None]]:
    """Rule and device of what stands."""
    return {(alarm.rule, alarm.device) for alarm in server.engine.active()}


async def reload(server: Server, **args: Any) -> Reload:
    """As the command does it."""
    front = Front(server)
    done = await rule_commands(front._rules(), server.rule_desk)["rules.reload"](args)
    assert isinstance(done, Reload)
    return done


async def test_puts_a_changed_file_to_work(config: Config, tmp_path: Path) -> None:
    """Alarms of what is gone are withdrawn and committed, the list says what is in force."""
    async with open_server(config) as server:
        await heat(server)
        assert active(server) == {("hot", "d2")}
        write(tmp_path, RULE.format(id="hotter", above=85))
        assert await reload(server) == Reload(rules=1, changed=["hotter"], removed=["hot"])
        assert active(server) == set()
        await server.desk.decide("ioc-1", [sample(NOON + 60_000, "d2", amp_temp_c=90.0)])
        assert active(server) == {("hotter", "d2")}
        assert [rule["id"] for rule in await Front(server)._rules().rules()] == ["hotter"]
        assert [alarm.rule for alarm in (await server.files.state.load()).alarms if alarm.active] == ["hotter"]


async def test_a_rule_of_absence_that_comes_later_makes_incidents_too(config: Config, tmp_path: Path) -> None:
    """Without a restart; one that goes does so no longer."""
    absence = RULE.format(id="away", above=0).replace("{kind: threshold, metric: amp_temp_c, above: 0}", "{kind: absence}")
    async with open_server(config) as server:
        await heat(server)
        write(tmp_path, RULE.format(id="hot", above=80), absence)
        assert (await reload(server)).changed == ["away"]
        assert (server.engine.is_absence("away"), server.engine.is_absence("hot")) == (True, False)
        gone = [offline(now_ms(), device.device) for device in DEVICES]
        await server.desk.change(lambda engine, now: engine.step(gone, now))
        held = {(one.alarm.rule, one.hold) for one in server.notifier.held()}
        assert ("away", Hold.WAITING) in held
        write(tmp_path, RULE.format(id="hot", above=80))
        await reload(server)
        assert not server.engine.is_absence("away")


async def test_a_bad_file_keeps_the_old_rules_and_says_so(config: Config, tmp_path: Path) -> None:
    """With file and line, as an alarm and a metric, until a good one is loaded."""
    async with open_server(config) as server:
        await heat(server)
        write(tmp_path, RULE.format(id="hot", above=80).replace("amp_temp_c", "amp_temp"))
        done = await reload(server)
        assert done.rules == 1
        assert f"{tmp_path / 'rules.yaml'}:4: " in done.problems[0]
        await server.desk.pulse([server.rule_desk.condition(NOON + 1)])
        assert active(server) >= {("hot", "d2"), ("ioc_rules_not_loaded", None)}
        assert b"ioc_rule_reload_failures_total 1.0" in generate_latest(Front(server).metrics_registry())
        write(tmp_path, RULE.format(id="hot", above=80))
        assert await reload(server) == Reload(rules=1)
        await server.desk.pulse([server.rule_desk.condition(NOON + 2**40)])
        assert active(server) == {("hot", "d2")}


async def test_a_missing_file_keeps_the_old_rules(config: Config, tmp_path: Path) -> None:
    """An editor that replaces files must not withdraw every alarm."""
    async with open_server(config) as server:
        (tmp_path / "rules.yaml").unlink()
        assert "does not exist" in (await reload(server)).problems[0]
        assert [rule.id for rule in server.rule_desk.rules] == ["hot"]


async def test_a_rule_that_would_raise_too_much_is_held_back_unless_forced(config: Config, tmp_path: Path) -> None:
    """Its former self stays at work, the others are loaded."""
    async with open_server(config) as server:
        await heat(server)
        write(tmp_path, RULE.format(id="hot", above=8), RULE.format(id="new", above=85).replace("major", "critical"))
        assert await reload(server) == Reload(rules=2, changed=["new"], held={"hot": 3})
        assert active(server) == {("hot", "d2")}
        assert "hot: 3" in server.rule_desk.condition(NOON).detail
        assert server.rule_desk.condition(NOON).since is not None
        assert await reload(server, force=True) == Reload(rules=2, changed=["hot"])
        assert server.rule_desk.condition(NOON).since is None
        assert active(server) == set()


async def test_reads_the_files_when_a_signal_wants_it(config: Config, tmp_path: Path, wait_until: Wait) -> None:
    """As often as it is wanted."""
    async with open_server(config) as server:
        watch = asyncio.create_task(server.rule_desk.watch())
        for name in ("one", "two"):
            write(tmp_path, RULE.format(id=name, above=85))
            server.rule_desk.want()
            await wait_until(lambda name=name: [rule.id for rule in server.rule_desk.rules] == [name])
        watch.cancel()
