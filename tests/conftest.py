"""Fixtures for tests against real servers; `make servers` installs what a machine lacks."""

import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser

from servers import ports, presence, reporting, waiting, wheel
from servers.browser import browser
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto, OldMosquitto
from servers.process import ServerProcess

_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _PATIENT, derandomize=True)
settings.register_profile("explore", _PATIENT)
# A run tells of the change, not of the dice: the same examples each time. IOC_HYPOTHESIS=explore looks further.
settings.load_profile(os.environ.get("IOC_HYPOTHESIS", "same"))


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nothing listens on."""
    return ports.free_port()


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """To be awaited as `wait_until(predicate, deadline_s)`: the first truthy result of a plain or async predicate."""
    return waiting.wait_until


@pytest.fixture
def wait_until_sync() -> Callable[..., Any]:
    """The same for tests without a loop."""
    return waiting.wait_until_sync


@pytest.fixture
def mosquitto_factory(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """`mosquitto_factory(tls=, client_certificates=, users=, acl=, options=)` starts a broker (see servers.mosquitto.Mosquitto)."""
    started: list[ServerProcess] = []

    def start(**wishes: Any) -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto-{len(started)}", **wishes)
        started.append(broker)
        broker.start()
        return broker

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def mosquitto(mosquitto_factory: Callable[..., Mosquitto]) -> Mosquitto:
    """A broker of the test's own, open to anonymous clients, with persistence: `url`, `port`, `stop()`, `kill()`, `start()`."""
    return mosquitto_factory()


@pytest.fixture(scope="session")
def shared_mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the whole run; tests keep apart by client ids and topic roots of their own, and never stop it."""
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def old_mosquitto(tmp_path: Path) -> Iterator[OldMosquitto]:
    """A broker that speaks MQTT 3.1.1 only."""
    broker = OldMosquitto(tmp_path / "old-mosquitto")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """One InfluxDB for the whole run: `url`, `org`, `token`; tests keep apart by `new_bucket()`, and never stop it."""
    server = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def influxdb_factory(tmp_path: Path) -> Iterator[Callable[[], InfluxDB]]:
    """`influxdb_factory()` starts an InfluxDB of the test's own, to be stopped, killed and started again."""
    started: list[InfluxDB] = []

    def start() -> InfluxDB:
        server = InfluxDB(tmp_path / f"influxdb-{len(started)}")
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium (playwright's async API)."""
    async with browser() as launched:
        yield launched


@pytest.fixture
def promtool() -> str:
    """Path of promtool."""
    return presence.program("promtool")


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built once a run."""
    return wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def installed_wheel(built_wheel: Path, tmp_path: Path) -> dict[str, str]:
    """The environment for a subprocess `[sys.executable, "-m", "ioc", ...]` that runs the built wheel, not the working tree.

    Its PYTHONPATH is the folder that the wheel was unpacked into; run it with a `cwd` outside the working tree.
    """
    return wheel.unpack(built_wheel, tmp_path / "installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips, or fails, tests whose real server is missing."""
    reporting.check(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets no real-server test be skipped where servers are required."""
    report = yield
    reporting.refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says which servers carried tests, what was skipped and how to enable it."""
    lines = reporting.summary(terminalreporter.stats.get("passed", []), terminalreporter.stats.get("skipped", []))
    if lines:
        terminalreporter.section("real servers")
        for line in lines:
            terminalreporter.line(line)
