"""A real InfluxDB 2 on loopback, onboarded, with a bucket of its own for each test."""

import itertools
import json
import os
import secrets
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from servers.ports import free_port
from servers.presence import program
from servers.process import ServerProcess
from servers.waiting import PATIENCE_S

_names = itertools.count(1)


class InfluxDB(ServerProcess):
    """A server in its own folder: `url`, `port`, `org`, `token` (administrator's), `bucket` (the one made at onboarding)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.org, self.bucket, self.token = "ioc", "ioc", secrets.token_urlsafe(24)
        self._org_id = ""
        super().__init__(
            name="influxd",
            command=[
                program("influxd"), "--http-bind-address", f"127.0.0.1:{self.port}", "--bolt-path", str(folder / "influxd.bolt"),
                "--sqlite-path", str(folder / "influxd.sqlite"), "--engine-path", str(folder / "engine"),
                "--log-level", "error", "--reporting-disabled",
            ],
            log=folder / "influxd.log",
            ready=self._healthy,
        )  # fmt: skip

    def start(self, deadline: float = PATIENCE_S) -> None:
        """Starts the server (about 2 s; from a coroutine use `asyncio.to_thread`) and onboards it the first time."""
        super().start(deadline)
        if self._org_id:
            return
        done = self.request(
            "POST", "/api/v2/setup",
            {"username": "admin", "password": secrets.token_urlsafe(16), "org": self.org, "bucket": self.bucket, "token": self.token},
        )  # fmt: skip
        self._org_id = done["org"]["id"]

    def new_bucket(self, *, retention_s: int = 0) -> str:
        """The name of a new, empty bucket that keeps points for `retention_s` seconds (0: for ever)."""
        name = f"test-{os.getpid()}-{next(_names)}"
        rules = [{"type": "expire", "everySeconds": retention_s}] if retention_s else []
        self.request("POST", "/api/v2/buckets", {"orgID": self._org_id, "name": name, "retentionRules": rules})
        return name

    def bucket_id(self, name: str) -> str:
        """The id of a bucket."""
        found = self.request("GET", f"/api/v2/buckets?{urllib.parse.urlencode({'name': name, 'org': self.org})}")
        return str(found["buckets"][0]["id"])

    def new_token(self, bucket: str, *, read: bool = True, write: bool = True) -> str:
        """A token that may only read or write one bucket."""
        resource = {"type": "buckets", "id": self.bucket_id(bucket), "orgID": self._org_id}
        actions = [action for action, allowed in (("read", read), ("write", write)) if allowed]
        permissions = [{"action": action, "resource": resource} for action in actions]
        return str(self.request("POST", "/api/v2/authorizations", {"orgID": self._org_id, "permissions": permissions})["token"])

    def write(self, bucket: str, lines: str) -> None:
        """Writes line protocol with times in Unix ms."""
        query = urllib.parse.urlencode({"org": self.org, "bucket": bucket, "precision": "ms"})
        self.request("POST", f"/api/v2/write?{query}", lines)

    def influxql(self, bucket: str, query: str) -> list[dict[str, Any]]:
        """Rows of an InfluxQL query over a bucket: column → value, tags of a GROUP BY included, `time` in Unix ms."""
        answer = self.request("GET", f"/query?{urllib.parse.urlencode({'db': bucket, 'epoch': 'ms', 'q': query})}")
        rows: list[dict[str, Any]] = []
        for result in answer["results"]:
            if "error" in result:
                raise RuntimeError(result["error"])
            for series in result.get("series", []):
                tags = series.get("tags", {})
                rows += [tags | dict(zip(series["columns"], values, strict=True)) for values in series["values"]]
        return rows

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The decoded JSON answer of an administrator's API call, None when empty; text goes out as it is; RuntimeError on refusal."""
        request = urllib.request.Request(  # noqa: S310 - loopback http
            self.url + path,
            method=method,
            data=None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode(),
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback http
                text = answer.read()
        except urllib.error.HTTPError as refused:
            message = f"{method} {path}: {refused.code} {refused.read().decode(errors='replace')}"
            raise RuntimeError(message) from refused
        return json.loads(text) if text else None

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=PATIENCE_S / 10) as answer:  # noqa: S310 - loopback http
                return json.load(answer)["status"] == "pass"
        except (OSError, ValueError):
            return False
