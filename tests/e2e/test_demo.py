"""`ioc demo` as its own process: ended, and started again on the same folder."""

import json
import os
import signal
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.process import ServerProcess
from servers.waiting import PATIENCE_S, wait_until_sync

FEW = ("--devices", "10")
"""90 devices: 10 clusters, and the lines and sites that come with them."""
Alarms = dict[str, dict[str, Any]]


class Demo(ServerProcess):
    """One folder; `begin` again after `interrupt` is the second start."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data_dir = folder / "ioc-demo"
        self.url = f"http://127.0.0.1:{port}"
        self._always = [sys.executable, "-m", "ioc", "demo", "--port", str(port), "--data-dir", str(self.data_dir), *FEW]
        super().__init__(name="ioc demo", command=self._always, log=folder / "demo.log", ready=self._ready_to_use)

    def begin(self, *, speed: float) -> None:
        """Starts it, and waits until it is ready."""
        self._command = [*self._always, "--speed", str(speed)]
        self.start()

    def interrupt(self) -> int | None:
        """Ctrl-C; its exit code."""
        os.kill(self.pid, signal.SIGINT)
        wait_until_sync(lambda: not self.running, what="the demo ends")
        assert self._child is not None
        return self._child.poll()

    def get(self, path: str) -> Any:
        """The API's answer; the demo wants no token."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback http
            return json.load(answer)

    def alarms(self, state: str | None = None) -> Alarms:
        """Alarms by id."""
        listed = self.get("/api/v1/alarms?limit=1000")["items"]
        return {alarm["id"]: alarm for alarm in listed if state in {None, alarm["state"]}}

    def told(self) -> Counter[str]:
        """How often each alarm was told as new."""
        outbox = self.data_dir / "outbox.jsonl"
        whole, _, _ = outbox.read_text().rpartition("\n") if outbox.exists() else ("", "", "")  # the last line may be in the making
        messages = [json.loads(line) for line in whole.splitlines()]
        return Counter(alarm["id"] for said in messages if said["event"] == "raised" for alarm in said["alarms"])

    def _ready_to_use(self) -> bool:
        try:
            return bool(self.get("/readyz")["ready"])
        except OSError:
            return False


@pytest.fixture
def demo(tmp_path: Path, free_port: int) -> Iterator[Demo]:
    """Not started yet; ended with the test."""
    demo = Demo(tmp_path, free_port)
    yield demo
    demo.stop()


def test_second_start_keeps_history_and_raises_nothing_twice(demo: Demo) -> None:
    """What the storm's alarms were is still listed, under the same ids, told once; devices that are back clear them."""
    demo.begin(speed=4)

    def storm() -> Alarms:
        offline = {key: alarm for key, alarm in demo.alarms("active").items() if alarm["rule"].endswith("_offline")}
        return offline if len(offline) >= 2 and set(offline) <= set(demo.told()) else {}

    # It begins after 5 s and lasts for 120; silence, hold and grouping take most of a minute of that.
    before = wait_until_sync(storm, what="a commune is offline, and somebody was told")
    assert len({alarm["unit"] for alarm in before.values()}) == 1
    stored = demo.get("/api/v1/ledger")["stored"]
    assert demo.interrupt() == 0
    demo.begin(speed=0.1)
    wait_until_sync(lambda: not set(before) & set(demo.alarms("active")), what="the storm is over")
    after = demo.alarms()
    assert set(before) <= set(after)
    assert {key: after[key]["since"] for key in before} == {key: alarm["since"] for key, alarm in before.items()}
    assert Counter((alarm["rule"], alarm["device"]) for alarm in after.values()).most_common(1)[0][1] == 1
    assert demo.told().most_common(1)[0][1] == 1
    assert demo.get("/api/v1/ledger")["stored"] > stored
    assert demo.interrupt() == 0
    said = demo.log.read_text()
    assert not [word for word in ("Traceback", "error", "warning") if word in said]
    assert said.count(f"The wall:  {demo.url}/") == 2
