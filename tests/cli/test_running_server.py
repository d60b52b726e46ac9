"""Commands while a server runs: they go through its socket, and it hears of every change."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ioc.adapters.quarantine import QuarantineFile
from ioc.adapters.state.store import StateDb
from ioc.api.commands import ledger_commands, rule_commands, token_commands
from ioc.api.control import SOCKET_NAME, serve_control
from ioc.api.ports import Replay
from ioc.api.quarantine_commands import quarantine_commands
from ioc.api.registry_commands import registry_commands
from ioc.app.lock import data_dir_lock
from ioc.app.rule_desk import Reload
from ioc.cli.shelf import Shelf
from ioc.domain.quarantined import QuarantineEntry
from ioc.domain.registry import Device, Unit
from ioc.domain.sample import Reason, Refusal
from servers.waiting import PATIENCE_S

NOW = 1_790_000_000_000
Ioc = Callable[..., Any]
ENTRY = QuarantineEntry(
    topic=b"ioc/v1/speaker/spk-1/telemetry",
    payload="\x1b[2J{không phải JSON".encode(),
    family="speaker",
    device="spk-1",
    at=NOW,
    refusal=Refusal(reason=Reason.NOT_JSON, detail="the text ends too early"),
    partial=False,
)


class ReplayingShelf(Shelf):
    """A quarantine whose items can be stored after all."""

    async def replay(self, item: str, *, by: str) -> Replay:
        """Always recovered."""
        return Replay(recovered=True, detail=f"stored for {by}: {item}")


class Rules:
    """Two rules in force; the files hold a third, which would raise too much."""

    async def rules(self) -> Sequence[Mapping[str, Any]]:
        """One looks back."""
        memory = {"devices": 2, "samples": 70, "most_per_device": 62}
        return [{"id": "hot", "family": "speaker", "severity": "major"}, {"id": "warming", "severity": "minor", "memory": memory}]

    async def reload(self, *, forced: bool) -> Reload:
        """Held back unless forced."""
        return Reload(rules=3, changed=["third"]) if forced else Reload(rules=2, removed=["old"], held={"third": 99})


class Running:
    """A server's socket with the real commands on real files, in a thread of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.changes = 0
        self._data_dir = data_dir
        self._up = threading.Event()
        self._stop: Callable[[], object] = lambda: None

    def run(self) -> None:
        """Until `stop`."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Ends it."""
        self._stop()

    def wait(self) -> None:
        """Until the socket is there."""
        assert self._up.wait(PATIENCE_S)

    async def _run(self) -> None:
        with data_dir_lock(self._data_dir):
            quarantine = QuarantineFile(self._data_dir / "quarantine.db", limit_bytes=10**6)
            await quarantine.open()
            await quarantine.add([ENTRY])
            async with await StateDb.open(self._data_dir / "state.db") as state:
                await state.import_units([Unit(unit="vt", code="1", valid_from="2025-07-01", name="Việt Trì")])
                await state.import_devices([Device(device="spk-9", family="speaker", approved=False, registered_at=NOW)])
                zone = ZoneInfo("Asia/Ho_Chi_Minh")
                handlers = {
                    **registry_commands(state, families=["speaker"], zone=zone, clock=lambda: NOW, changed=self._changed),
                    **token_commands(state.tokens, state, clock=lambda: NOW),
                    **ledger_commands(state),
                    **quarantine_commands(ReplayingShelf(quarantine)),
                    **rule_commands(Rules(), Rules()),
                }
                serving = asyncio.ensure_future(serve_control(self._data_dir / SOCKET_NAME, handlers))
                loop = asyncio.get_running_loop()
                self._stop = lambda: loop.call_soon_threadsafe(serving.cancel)
                while not (self._data_dir / SOCKET_NAME).exists():  # noqa: ASYNC110  nobody tells when a socket appears
                    await asyncio.sleep(0)
                self._up.set()
                await asyncio.wait([serving])
            await quarantine.close()

    async def _changed(self) -> None:
        self.changes += 1


@contextmanager
def _running(data_dir: Path) -> Iterator[Running]:
    data_dir.mkdir(exist_ok=True)
    server = Running(data_dir)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()
        thread.join(PATIENCE_S)


@pytest.fixture
def server(site: Path) -> Iterator[Running]:
    """A running server in ./data."""
    with _running(site / "data") as running:
        yield running


def test_approves_a_held_device_in_the_running_server(ioc: Ioc, server: Running) -> None:
    """The server takes part in the change at once."""
    assert [device["device"] for device in json.loads(ioc("devices", "list", "--held", "--json").out)["items"]] == ["spk-9"]
    ended = ioc("devices", "approve", "spk-9", "--unit", "vt", "--name", "Cụm loa 9")
    assert (ended.code, ended.out, server.changes) == (0, "Approved 1 device.\n", 1)
    assert ioc("devices", "list", "--held").out == "No devices.\n"
    assert ioc("devices", "approve", "spk-9").out == "Approved 0 devices; 1 had been approved before.\n"


@pytest.mark.usefixtures("server")
def test_suggests_the_device_that_was_meant(ioc: Ioc) -> None:
    """A misspelt device is told with the nearest one that waits."""
    ended = ioc("devices", "approve", "spk-8")
    assert ended.code == 1
    assert "there is no device 'spk-8'; did you mean 'spk-9'?" in ended.err


def test_imports_through_the_running_server(ioc: Ioc, site: Path, server: Running) -> None:
    """A dry run changes nothing; an import tells the server once."""
    (site / "d.csv").write_text("device,family,unit\nspk-1,speaker,vt\n")
    ioc("devices", "import", "d.csv")
    assert server.changes == 0
    assert ioc("devices", "import", "d.csv", "--yes").out.endswith("Imported.\n")
    assert server.changes == 1


def test_reaches_the_server_by_its_data_folder(ioc: Ioc, site: Path, server: Running) -> None:
    """A demo's folder is enough: no configuration is needed."""
    (site / "ioc.yaml").unlink()
    assert ioc("token", "create", "--role", "admin", "--data-dir", "data").code == 0
    assert server.changes == 0
    assert ioc("ledger", "--data-dir", "data").code == 0


@pytest.mark.usefixtures("server")
def test_shows_and_replays_the_quarantine(ioc: Ioc) -> None:
    """An item is listed with its reason, shown with its payload, and stored again."""
    [item] = json.loads(ioc("quarantine", "list", "--json").out)["items"]
    assert (item["reason"], item["device"], item["count"]) == ("not_json", "spk-1", 1)
    assert "the text ends too early" in ioc("quarantine", "list").out
    assert ioc("quarantine", "show", item["id"]).out.endswith("\n\ufffd[2J{không phải JSON\n")
    assert ioc("quarantine", "replay", item["id"]).out == f"Recovered: stored for person:console: {item['id']}\n"
    assert ioc("quarantine", "list", "--reason", "too_deep").out == "Nothing in quarantine is like that.\n"
    refused = ioc("quarantine", "list", "--by", "device", "--reason", "too_deep")
    assert (refused.code, refused.err) == (2, "--by sums all that waits; leave out --reason, or --by\n")


def test_shows_the_quarantine_once_the_server_has_ended(ioc: Ioc, site: Path) -> None:
    """What was kept can be looked at without a server."""
    with _running(site / "data"):
        pass
    [item] = json.loads(ioc("quarantine", "list", "--json").out)["items"]
    assert "{không phải JSON" in ioc("quarantine", "show", item["id"]).out


@pytest.mark.usefixtures("server")
def test_reloads_rules_and_tells_what_was_held_back(ioc: Ioc) -> None:
    """Scripts see that not all is at work; force puts it to work."""
    ended = ioc("rules", "reload")
    assert (ended.code, ended.out) == (1, "2 rules in force, 1 removed.\n")
    assert "third: held back, it would raise 99 alarms at once" in ended.err
    ended = ioc("rules", "reload", "--force")
    assert (ended.code, ended.out) == (0, "3 rules in force, 1 changed.\n")


@pytest.mark.usefixtures("server")
def test_lists_what_rules_hold_in_memory(ioc: Ioc) -> None:
    """Beside the bound, where a rule looks back."""
    lines = ioc("rules", "list").out.splitlines()
    assert [line.split() for line in lines[1:]] == [["hot", "speaker", "major", "-", "-"], ["warming", "-", "minor", "70", "124"]]


@pytest.mark.usefixtures("site")
def test_rules_are_reloaded_in_a_running_server_only(ioc: Ioc) -> None:
    """Without one nothing is to be done, and it is said."""
    ended = ioc("rules", "reload")
    assert ended.code == 3
    assert "`ioc rules reload` needs one; start `ioc run`" in ended.err
