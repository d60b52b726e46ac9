"""`ioc run`, `ioc demo`, `ioc simulate` as a person meets them: one sentence for what keeps them from starting, a clean end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ioc.adapters.embedded import EmbeddedStore
from ioc.adapters.state.store import StateDb
from ioc.domain.ledger import Booking, Expectation
from ioc.domain.point import Point
from servers.waiting import PATIENCE_S

IOC = [sys.executable, "-m", "ioc"]
HOUR = 1_790_000_000_000 // 3_600_000 * 3_600_000
Ioc = Callable[..., Any]


def test_run_names_the_port_that_is_taken(site: Path) -> None:
    """A port in use is one sentence and exit code 1, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (site / "ioc.yaml").write_text(f'broker: {{url: "mqtt://127.0.0.1:1"}}\napi: {{port: {port}}}\n')
        ended = subprocess.run([*IOC, "run"], cwd=site, check=False, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        f"can't listen on 127.0.0.1:{port}: address already in use; another program listens there; end it, or choose another port"
    )


def test_run_ends_cleanly_by_signal(site: Path, free_port: int) -> None:
    """Ctrl-C ends the server in order: exit code 0, nothing but its log lines on standard error."""
    (site / "ioc.yaml").write_text(f'broker: {{url: "mqtt://127.0.0.1:1"}}\napi: {{port: {free_port}}}\n')
    with subprocess.Popen([*IOC, "run"], cwd=site, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line == f"Listening on http://127.0.0.1:{free_port}/\n":
                process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    rest = [json.loads(line) for line in lines if not line.startswith("Listening")]
    assert rest[-1]["event"] == "stopped"


@pytest.mark.usefixtures("site")
def test_demo_names_the_port_that_is_taken(ioc: Ioc) -> None:
    """The demo says which port, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = ioc("demo", "--port", taken.getsockname()[1])
    assert ended.code == 1
    assert "choose another one with --port" in ended.err


@pytest.mark.usefixtures("site")
def test_demo_names_the_folder_that_cannot_be_made(ioc: Ioc, free_port: int) -> None:
    """Where nothing can be made, one sentence says so, and which option helps."""
    ended = ioc("demo", "--port", free_port, "--data-dir", "/proc/ioc-demo")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "Starting ioc-monitor …",
        "cannot make the folder /proc/ioc-demo: No such file or directory; choose another one with --data-dir",
    ]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, a part of util-linux")
def test_demo_names_the_folder_that_it_may_not_write(site: Path, free_port: int) -> None:
    """A folder that belongs to somebody else is named, whoever starts the demo."""
    folder = site / "of-somebody-else"
    folder.mkdir(mode=0o500)
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
    command = [*powerless, *IOC, "demo", "--port", str(free_port), "--data-dir", str(folder)]
    ended = subprocess.run(command, cwd=site, check=False, capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[1:] == [
        f"cannot write to the folder {folder}; choose another one with --data-dir, or give this user the right to write there"
    ]


REFUSED = {
    "scenario": (
        ("--broker", "mqtt://127.0.0.1:1", "--scenario", "war"),
        1,
        "there is no scenario 'war'; choose one of story, calm, plain",
    ),
    "broker": (("--broker", "localhost"), 1, "expected mqtt://host:port or mqtts://host:port"),
    "password file": (("--broker", "mqtt://127.0.0.1:1", "--password-file", "gone"), 1, "gone: can't be read"),
    "no broker": ((), 2, "Missing option '--broker'"),
    "no device": (("--broker", "mqtt://127.0.0.1:1", "--devices", "0"), 2, "Invalid value for '--devices'"),
}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("args", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_simulate_says_what_it_cannot_do(ioc: Ioc, args: tuple[str, ...], code: int, said: str) -> None:
    """What can't be simulated is a sentence."""
    ended = ioc("simulate", *args)
    assert ended.code == code
    assert said in ended.err


@pytest.mark.real("mosquitto")
def test_simulate_brings_devices_to_life(site: Path, mosquitto: Any) -> None:
    """Each simulated device publishes at the broker, its row is written for the registry, and Ctrl-C ends it without complaint."""
    args = [
        "simulate",
        "--broker",
        mosquitto.url,
        "--devices",
        "40",
        "--interval",
        "0.5",
        "--scenario",
        "plain",
        "--write-devices",
        "d.csv",
    ]
    listen = ["mosquitto_sub", "-p", str(mosquitto.port), "-t", "ioc/v1/+/+/telemetry", "-C", "60", "-W", f"{PATIENCE_S:.0f}", "-F", "%t"]
    with subprocess.Popen([*IOC, *args], cwd=site, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        heard = subprocess.run(listen, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert len(heard) == 60
    rows = (site / "d.csv").read_text().splitlines()
    assert rows[0] == "device,family,unit,name,lat,lon,labels,valid_from"
    assert {topic.split("/")[3] for topic in heard} <= {row.split(",")[0] for row in rows[1:]}
    assert len(rows) == 41
    assert process.returncode == 130
    assert "Traceback" not in said


async def test_audit_says_whether_the_store_holds_what_the_ledger_tells(site: Path) -> None:
    """1 where it does not, with what that means; the numbers as JSON too."""
    (site / "data").mkdir()
    async with await StateDb.open(site / "data" / "state.db") as state:
        await state.take_epoch()
        expected = (Expectation("speaker", HOUR, 2, 1), Expectation("event", HOUR, 1), Expectation("network_site", HOUR, 5))
        await state.book(Booking(source="ioc-1", expected=expected))
    store = EmbeddedStore(site / "data" / "series.db", clock=lambda: HOUR)
    await store.prepare(0)
    await store.write([Point.of("speaker", (("device", "d"),), {"lag_ms": 0}, HOUR + number) for number in (1, 2, 3_600_000)])
    await store.write([Point.of("network_site", (("device", "d"),), {"lag_ms": 0}, HOUR + number) for number in range(4)])
    await store.write([Point.of("event", (("device", "d"), ("event", "e")), {"body": "{}"}, HOUR + number) for number in range(2)])
    await store.close()
    command = [*IOC, "ledger", "audit", "--hour", "2026-09-21T14:00:00Z"]
    ended = subprocess.run(command, cwd=site, check=False, capture_output=True, text=True)  # noqa: S603, ASYNC221
    assert ended.returncode == 1
    assert "network_site: 1 points that were stored are missing" in ended.stdout
    assert "event: 1 points that no booking tells of" in ended.stdout
    assert "speaker: ledger and store agree." in ended.stdout
    document = json.loads(subprocess.run([*command, "--json"], cwd=site, check=False, capture_output=True).stdout)  # noqa: S603, ASYNC221
    assert (document["agrees"], document["from"]) == (False, "2026-09-21T14:00:00.000Z")
    assert {one["measurement"]: (one["counted"], one["verdict"]) for one in document["measurements"]} == {
        "event": (2, "more"),
        "network_site": (4, "missing"),
        "speaker": (2, "agrees"),
    }
    quiet = [*IOC, "ledger", "audit", "--hour", "2026-09-21T12:00:00Z"]
    assert subprocess.run(quiet, cwd=site, check=False, capture_output=True).returncode == 0  # noqa: S603, ASYNC221
