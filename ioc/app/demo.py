"""`ioc demo`: a whole province on this machine, with nothing installed but this program."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ioc.adapters.state.store import StateDb
from ioc.app.clock import now_ms
from ioc.app.lock import DataDirError
from ioc.app.registry import shipped_units
from ioc.app.run import run
from ioc.config.load import Config, load_config
from ioc.domain.registry import Device
from ioc.domain.registry_import import parse_units
from ioc.simulator.broker import Endpoints, demo_broker
from ioc.simulator.province import lay_out
from ioc.simulator.simulate import simulate
from ioc.simulator.story import Turn

HOST = "127.0.0.1"
MAIN = """\
# Written by `ioc demo` at every start: the configuration that it runs on.
site: {{id: phu-tho, name: Phú Thọ, language: vi, timezone: Asia/Ho_Chi_Minh}}
data_dir: .
broker: {{url: "{broker}", client_id: ioc-demo}}
store: {{kind: embedded, retention: 7d}}
cadence: {{speaker: 10s, network_site: 10s, factory_line: 5s}}
notify: {{file: ./notify.yaml}}
api: {{host: {host}, port: {port}}}
"""
NOTIFY = """\
channels:
  outbox: {kind: file, path: outbox.jsonl}
routes:
  - {match: {rule: [speaker_offline, line_offline, site_offline]}, group_by: [unit], group_wait: 15s, channels: [outbox]}
  - {match: {severity: critical}, group_by: [rule, unit], group_wait: 5s, group_interval: 30s, repeat_interval: 4h, channels: [outbox]}
  - {group_by: [rule, unit], group_wait: 15s, group_interval: 1m, repeat_interval: 4h, channels: [outbox]}
"""
PORT_FILE = "broker.port"
"""Where the tour finds the broker's port for devices."""


class DemoError(Exception):
    """The demo can't start; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a person may choose."""

    port: int = 8080
    speed: float = 1.0
    data_dir: Path = Path("ioc-demo")
    devices: int = 600
    """Loudspeaker clusters; 20 production lines and 60 network sites come with them."""


async def demo(options: DemoOptions, *, say: Callable[[str], None]) -> None:
    """Runs until SIGINT or SIGTERM. DemoError, DataDirError and BrokerStartError are sentences for people."""
    folder = options.data_dir.absolute()
    _check_port(options.port)
    _make_folder(folder)
    say("Starting the broker …")
    async with demo_broker() as endpoints:
        config = _configure(folder, options, endpoints)
        devices = _devices(options.devices)
        await _register(folder, devices)
        say(f"Bringing {len(devices)} devices in 148 communes to life …")
        await _run(config, options, endpoints, devices, say)
    say("The demo has ended; its history is kept in " + str(options.data_dir))


async def _run(config: Config, options: DemoOptions, endpoints: Endpoints, devices: Sequence[Device], say: Callable[[str], None]) -> None:
    def told(turn: Turn, concerned: Sequence[str]) -> None:
        who = concerned[0] if len(concerned) == 1 else f"{len(concerned)} devices"
        say(f"  + {turn.beat.vi} ({turn.beat.en}): {who}" if turn.begins else f"  - over: {turn.beat.en}")

    async def province() -> None:
        await simulate(
            endpoints.device_url,
            families=config.families.values(),
            devices=devices,
            clock=now_ms,
            scenario="story",
            speed=options.speed,
            on_turn=told,
        )

    def listening(url: str) -> None:
        say(f"\nThe wall:  {url}\n\nCtrl-C ends the demo. Messages to technicians go to {options.data_dir / 'outbox.jsonl'}.")

    async with asyncio.TaskGroup() as group:
        simulation = group.create_task(province(), name="province")
        await run(config, open_access=True, listening=listening)
        simulation.cancel()


def _devices(speakers: int) -> list[Device]:
    units = [row.value for row in parse_units(shipped_units()).rows]
    return [msgspec.structs.replace(device, registered_at=now_ms()) for device in lay_out(units, speakers=speakers)]


async def _register(folder: Path, devices: Sequence[Device]) -> None:
    """Registers the province's devices; those of an earlier start keep what is known of them."""
    async with await StateDb.open(folder / "state.db") as state:
        known = {device.device for device in await state.devices()}
        await state.import_devices([device for device in devices if device.device not in known])


def _configure(folder: Path, options: DemoOptions, endpoints: Endpoints) -> Config:
    main = folder / "ioc.yaml"
    main.write_text(MAIN.format(broker=endpoints.collector_url, host=HOST, port=options.port))
    (folder / "notify.yaml").write_text(NOTIFY)
    (folder / PORT_FILE).write_text(endpoints.device_url.rpartition(":")[2].rstrip("/") + "\n")
    return load_config(main, {})


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        msg = f"cannot make the folder {folder}: {error.strerror}; choose another one with --data-dir"
        raise DataDirError(msg) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        msg = f"cannot write to the folder {folder}; choose another one with --data-dir, or give this user the right to write there"
        raise DataDirError(msg)


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            msg = f"port {port} on {HOST} can't be used: {error.strerror}; end what listens there, or choose another one with --port"
            raise DemoError(msg) from None
