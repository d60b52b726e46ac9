"""A proxy in front of a real InfluxDB that answers writes as a test tells it to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp import web

_BODY_MOST = 256 * 2**20
_HOP = {"host", "content-length", "connection", "transfer-encoding", "content-encoding", "keep-alive"}


@dataclass(slots=True)
class Write:
    """One write request: `at` by the monotonic clock, the answer it got (0 = none)."""

    at: float
    size: int
    status: int = 0


class StoreProxy:
    """Listens on a loopback port. `fault` sees each write and its body before the server: an answer of its own, or None to pass it on."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.fault: Callable[[Write, bytes], Awaitable[web.Response | None]] = _none
        self.delay_s = 0.0
        """What each write takes longer."""
        self.writes: list[Write] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=_BODY_MOST)
        app.router.add_route("*", "/{path:.*}", self._pass)
        # A body that we would unpack could not be handed on as it came.
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path != "/api/v2/write":
            return await self._ask(request, body)
        write = Write(time.monotonic(), len(body))
        self.writes.append(write)
        answer = await self.fault(write, body)
        if answer is None:
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            answer = await self._ask(request, body)
        write.status = answer.status
        return answer

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP - {"content-encoding"}}
        try:
            async with self._session.request(request.method, self._upstream + request.raw_path, data=body, headers=headers) as answer:
                raw = await answer.read()
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP - {"content-encoding"}}
                return web.Response(status=answer.status, body=raw, headers=kept)
        except aiohttp.ClientError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)


async def _none(_write: Write, _body: bytes) -> None:
    return None
