"""A broker on loopback for the demo: iotcore from the wheel, or Mosquitto where asked for. Ends with the process that started it."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ioc.simulator.files import allow_files

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = "127.0.0.1"
_SEGMENT_BYTES = 8 * 2**20
_SEGMENTS = 4
_PAYLOAD_BYTES = 128 * 2**10
"""Twice the contract's limit, so that too large a message reaches us and is named."""
_START_TIMEOUT_S = 15.0


class BrokerStartError(Exception):
    """The broker could not be started; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the collector and the devices connect; iotcore keeps the MQTT versions apart by port."""

    collector_url: str
    device_url: str


@asynccontextmanager
async def demo_broker(
    *, kind: str = "iotcore", folder: Path | None = None, collector_port: int = 0, device_port: int = 0, connections: int = 10_000
) -> AsyncIterator[Endpoints]:
    """Runs a broker (`iotcore` or `mosquitto`) while the block runs; port 0 = a free one, `folder` takes its files."""
    allow_files(connections)
    first = collector_port or _free_port()
    second = device_port or _free_port()
    with _folder(folder) as place:
        if kind == "mosquitto":
            start = _mosquitto(place, first)
            endpoints = Endpoints(_url(first), _url(first))
        else:
            start = _iotcore(place, first, second, connections)
            endpoints = Endpoints(_url(first), _url(second))
        stop = await asyncio.to_thread(_without_interrupts, start)
        try:
            yield endpoints
        finally:
            await asyncio.to_thread(stop)


def _without_interrupts(start: Callable[[], Callable[[], None]]) -> Callable[[], None]:
    """Ctrl-C reaches every process of the terminal: the broker must not die before those who still talk to it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _iotcore(folder: Path, collector_port: int, device_port: int, connections: int) -> Callable[[], Callable[[], None]]:
    try:
        from iotcore import Broker  # noqa: PLC0415  an extra: only the demo needs it
    except ImportError as error:
        message = "the demo's broker is missing: install ioc-monitor[demo], or Mosquitto"
        raise BrokerStartError(message) from error
    settings = folder / "broker.toml"
    settings.write_text(_iotcore_settings(collector_port, device_port, connections))

    def start() -> Callable[[], None]:
        broker = Broker(config_path=str(settings))
        try:
            broker.start(_START_TIMEOUT_S)
        except (OSError, RuntimeError) as error:
            message = f"the demo's broker does not start on ports {collector_port} and {device_port}: {error}"
            raise BrokerStartError(message) from error
        stop: Callable[[], None] = broker.stop
        return stop

    return start


def _iotcore_settings(collector_port: int, device_port: int, connections: int) -> str:
    """By itself iotcore listens on all addresses, caps payloads at 20 KiB and lets its logs grow without bound."""
    listeners = "".join(
        f"""
[{version}.1]
name = "{version}"
listen = "{_HOST}:{port}"
next_connection_delay_ms = 0
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {_PAYLOAD_BYTES}
max_inflight_count = 1000
dynamic_filters = true
"""
        for version, port in (("v5", collector_port), ("v4", device_port))
    )
    return f"""id = 0
[router]
id = 0
max_connections = {connections + 10}
max_outgoing_packet_count = 500
max_segment_size = {_SEGMENT_BYTES}
max_segment_count = {_SEGMENTS}
{listeners}"""


def _mosquitto(folder: Path, port: int) -> Callable[[], Callable[[], None]]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")
    if program is None:
        message = "Mosquitto is not installed: apt-get install mosquitto, or leave it to the built-in broker"
        raise BrokerStartError(message)
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} {_HOST}\nallow_anonymous true\nmax_queued_messages 0\nmax_queued_bytes 268435456\nlog_type error\n"
    )

    def start() -> Callable[[], None]:
        # The guard ends Mosquitto when our end of its input closes, however we end.
        guard = subprocess.Popen(  # noqa: S603 - our own argv
            [sys.executable, "-m", "ioc.simulator.guard", program, "-c", str(settings)], stdin=subprocess.PIPE
        )

        def stop() -> None:
            if guard.stdin is not None:
                guard.stdin.close()
            try:
                guard.wait(10)
            except subprocess.TimeoutExpired:
                guard.kill()

        if not _answers(port, guard):
            stop()
            message = f"Mosquitto does not start on port {port}; its own words are above"
            raise BrokerStartError(message)
        return stop

    return start


def _answers(port: int, child: subprocess.Popen[bytes]) -> bool:
    for _ in range(int(_START_TIMEOUT_S / 0.05)):
        if child.poll() is not None:
            return False
        try:
            socket.create_connection((_HOST, port), timeout=0.2).close()
        except OSError:
            try:
                child.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return True
    return False


@contextmanager
def _folder(given: Path | None) -> "Iterator[Path]":
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="ioc-broker-") as made:
        yield Path(made)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _url(port: int) -> str:
    return f"mqtt://{_HOST}:{port}"
