"""Somebody's ticket system: takes our webhook, notes the moment, checks the signature."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from servers.ports import free_port

SECRET = "a secret of the test"  # noqa: S105 - not one of anybody's


@dataclass(frozen=True, slots=True)
class Call:
    """One POST: `at` = Unix ms by the receiver's clock."""

    at: float
    body: dict[str, Any]
    signed: bool

    @property
    def key(self) -> str:
        """The message's idempotency key."""
        return str(self.body["key"])

    @property
    def told(self) -> set[tuple[str, str | None]]:
        """(rule, device) of the alarms it tells of."""
        return {(alarm["rule"], alarm["device"]) for alarm in self.body["alarms"]}


class WebhookReceiver:
    """Listens on loopback; `calls` in order of arrival. `answer` is the status it gives."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.calls: list[Call] = []
        self.answer = 200
        self.came = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def of(self, event: str, rule: str | None = None) -> list[Call]:
        """The calls of an event, about a rule."""
        return [call for call in self.calls if call.body["event"] == event and (rule is None or any(rule == told for told, _ in call.told))]

    async def _take(self, request: web.Request) -> web.Response:
        at = time.time() * 1000
        raw = await request.read()
        expected = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        signed = hmac.compare_digest(expected, request.headers.get("X-IOC-Signature", ""))
        if self.answer < 300:
            self.calls.append(Call(at, json.loads(raw), signed))
            self.came.set()
        return web.Response(status=self.answer)
