"""`ioc run` as a process of its own: configured, started, asked, killed, started again."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from e2e.webhook import SECRET
from servers.influxdb import InfluxDB
from servers.ports import free_port
from servers.process import ServerProcess
from servers.waiting import PATIENCE_S
from servers.wheel import python

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ANSWER_WITHIN = aiohttp.ClientTimeout(total=PATIENCE_S)


class ServerUnderTest(ServerProcess):
    """A configuration in `folder`, and the process that runs it. Sync `start`, `stop`, `kill` block: from a loop use the async twins."""

    def __init__(
        self,
        folder: Path,
        *,
        broker: Mapping[str, object],
        store: Mapping[str, object] | None = None,
        rules: Sequence[Mapping[str, object]] = (),
        shipped_rules: bool = False,
        devices: Iterable[Sequence[str]] = (),
        webhook: str | None = None,
        routes: Sequence[Mapping[str, object]] = (),
        guards: Mapping[str, object] | None = None,
        installed: Mapping[str, str] | None = None,
        **sections: object,
    ) -> None:
        """Writes the configuration.

        `devices` are rows (device, family, unit, name, …); `webhook` is the URL of a signed channel `hook`; without `routes` every
        alarm goes there by itself at once, and nothing is held back. `guards` are further keys of the notify file. `installed` is the
        environment of an unpacked wheel that runs it in place of the working tree. `sections` are further keys of the main file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config: dict[str, object] = {
            "data_dir": "./data",
            "broker": dict(broker),
            "store": dict(store or {"kind": "embedded"}),
            "shipped_rules": shipped_rules,
            "api": {"host": "127.0.0.1", "port": self.port},
            **sections,
        }
        if rules:
            _write(folder / "rules.yaml", {"rules": list(rules)})
            config["rules"] = ["./rules.yaml"]
        rows = list(devices)
        if rows:
            _write_devices(folder / "devices.csv", rows)
            registry = config.get("registry") or {}
            assert isinstance(registry, Mapping)
            config["registry"] = {**registry, "devices": "./devices.csv"}
        if webhook is not None:
            self._write_notify(webhook, routes, guards or {})
            config["notify"] = {"file": "./notify.yaml"}
        self.config_file = folder / "ioc.yaml"
        _write(self.config_file, config)
        self._until = "/readyz"
        command = ("-m", "ioc", "run", "--config", str(self.config_file))
        super().__init__(
            name="ioc run",
            command=python(installed, *command) if installed else [sys.executable, *command],
            log=folder / "ioc.log",
            ready=self._answers,
        )

    # --- its life -------------------------------------------------------------------------------------------------

    async def begin(self, *, until: str = "/readyz", deadline: float = PATIENCE_S) -> None:
        """Starts it and returns once `until` (a path) answers 200."""
        self._until = until
        await asyncio.to_thread(self.start, deadline)

    async def end(self) -> int | None:
        """SIGTERM; its exit code."""
        await asyncio.to_thread(self.stop)
        return self.exit_code

    def launch(self) -> None:
        """Starts the process and waits for nothing."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own argv

    def answers(self) -> bool:
        """Whether /readyz (or what `begin` named) says 200."""
        return self._answers()

    def kill_now(self) -> None:
        """kill -9, and nothing else."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._child is not None
        self._child.wait(PATIENCE_S)

    @property
    def exit_code(self) -> int | None:
        """Of the process that ended."""
        return None if self._child is None else self._child.poll()

    # --- asking it ------------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The administrator's, from the first start."""
        return (self.data_dir / "admin.token").read_text().strip()

    async def get(self, path: str, **query: object) -> Any:
        """The JSON answer; AssertionError with the problem document when it is no 2xx."""
        status, body = await self.request("GET", path, query=query)
        assert status < 300, f"GET {path}: {status} {body}"
        return body

    async def post(self, path: str, body: object = None) -> Any:
        """The JSON answer; AssertionError with the problem document when it is no 2xx."""
        status, answer = await self.request("POST", path, body=body)
        assert status < 300, f"POST {path}: {status} {answer}"
        return answer

    async def request(self, method: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None) -> tuple[int, Any]:
        """(status, JSON body)."""
        headers = {"Authorization": f"Bearer {self.token}"} if (self.data_dir / "admin.token").exists() else {}
        given = {key: str(value) for key, value in (query or {}).items()}
        async with (
            aiohttp.ClientSession(timeout=_ANSWER_WITHIN) as session,
            session.request(method, self.url + path, params=given, json=body, headers=headers) as answer,
        ):
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None

    async def everything(self, path: str, **query: object) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            answer = await self.get(path, limit=1000, **query, **({} if cursor is None else {"cursor": cursor}))
            items += answer["items"]
            cursor = answer["next"]
            if cursor is None:
                return items

    async def alarms(self, **query: object) -> list[dict[str, Any]]:
        """Alarms of the API."""
        return await self.everything("/api/v1/alarms", **query)

    async def ledger(self) -> dict[str, Any]:
        """The ledger since the beginning."""
        answer: dict[str, Any] = await self.get("/api/v1/ledger")
        return answer

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """(ready, checks) of /readyz."""
        status, body = await self.request("GET", "/readyz")
        return status == 200, body["checks"]

    def logged(self) -> list[dict[str, Any]]:
        """The log's lines that are JSON."""
        lines = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                lines.append(said)
        return lines

    # --- what it costs --------------------------------------------------------------------------------------------

    def rss_bytes(self) -> int:
        """Resident memory of the process."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE

    def cpu_s(self) -> float:
        """CPU seconds, user and system, of the process."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    # --- inside ---------------------------------------------------------------------------------------------------

    def _write_notify(self, url: str, routes: Sequence[Mapping[str, object]], guards: Mapping[str, object]) -> None:
        secret = self.folder / "hook.key"
        secret.write_text(SECRET + "\n")
        alone = {"group_by": ["rule", "device"], "group_wait": "0s", "group_interval": "0s", "repeat_interval": "4h", "channels": ["hook"]}
        channel = {"kind": "webhook", "url": url, "secret_file": "./hook.key"}
        none = {} if routes else {key: {"enabled": "false"} for key in ("incidents", "flapping")}
        _write(self.folder / "notify.yaml", {"channels": {"hook": channel}, "routes": list(routes) or [alone], **none, **guards})

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self._until, timeout=PATIENCE_S / 10) as answer:  # noqa: S310 - loopback http
                return bool(answer.status == 200)
        except OSError:
            return False


def influx_store(server: InfluxDB, bucket: str, *, token: str | None = None) -> dict[str, object]:
    """The `store` section for a bucket; by default with a token that may read and write it, and nothing else."""
    given = server.token if token is None else token
    return {"kind": "influxdb", "url": server.url, "org": server.org, "bucket": bucket, "token": given}


def rule(
    name: str, when: Mapping[str, object], *, family: str = "speaker", severity: str = "critical", **more: object
) -> dict[str, object]:
    """A rule with the texts that it must have."""
    text = {"vi": name, "en": name}
    said = dict.fromkeys(("summary", "cause", "consequence", "action"), text)
    return {"id": name, "family": family, "when": dict(when), "severity": severity, **more, **said}


def _write(path: Path, document: object) -> None:
    path.write_text(yaml.dump(document, allow_unicode=True, sort_keys=False, Dumper=_Plain))


def _write_devices(path: Path, rows: Sequence[Sequence[str]]) -> None:
    columns = ("device", "family", "unit", "name", "lat", "lon", "labels", "valid_from")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns[: len(rows[0])])
        writer.writerows(rows)


class _Plain(yaml.SafeDumper):
    """Without anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True
