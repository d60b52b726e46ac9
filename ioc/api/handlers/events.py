"""GET /api/v1/events: the stream of what happens."""

import asyncio
import contextlib

import msgspec
from aiohttp import web

from ioc.api.auth import authenticate
from ioc.api.handlers.common import Name
from ioc.api.keys import HUB, METRICS, SETTING
from ioc.api.problem import ProblemError
from ioc.api.route import Call
from ioc.api.stream import frame, visible, wanted
from ioc.domain.alarm_document import Instant
from ioc.domain.rfc3339 import to_rfc3339

HEARTBEAT_SECONDS = 10.0
WRITE_SECONDS = 30.0
"""A client that takes nothing for so long is hung up on."""
RECHECK_MS = 60_000
"""How often an open stream's token is verified again."""
BATCH_SECONDS = 0.05
MAX_CLIENTS = 1000
MAX_CHUNK = 1000
"""Events in one write."""


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`kinds`: comma-separated, by default all; `last_event_id`: for clients that can't send the header."""

    kinds: Name | msgspec.UnsetType = msgspec.UNSET
    last_event_id: Name | msgspec.UnsetType = msgspec.UNSET


class Hello(msgspec.Struct, frozen=True):
    """First event of a stream, and the `reset`: fetch a snapshot, then apply what follows."""

    boot: str
    assets: str
    at: Instant
    """Our clock."""


async def events(call: Call[EventsQuery, None]) -> web.StreamResponse:
    """Answers until the client goes, the token ends or the server stops."""
    hub = call.request.app[HUB]
    kinds = _kinds(call.query)
    if hub.readers >= MAX_CLIENTS:
        raise ProblemError(503, f"{MAX_CLIENTS} streams are open already.", headers={"Retry-After": "10"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    with hub.reader():
        await response.prepare(call.request)
        with contextlib.suppress(ConnectionError, TimeoutError):
            await _Listener(call, response, kinds).run()
    return response


def _kinds(query: EventsQuery) -> frozenset[str]:
    try:
        return wanted(None if query.kinds is msgspec.UNSET else query.kinds)
    except ValueError as error:
        raise ProblemError(400, f"Query 'kinds': {error}.") from error


class _Listener:
    """One client, reading the hub's ring at its own pace."""

    def __init__(self, call: Call[EventsQuery, None], response: web.StreamResponse, kinds: frozenset[str]) -> None:
        app = call.request.app
        self._call = call
        self._hub = app[HUB]
        self._setting = app[SETTING]
        self._metrics = app[METRICS]
        self._response = response
        self._kinds = kinds
        self._verified = self._setting.clock()
        self._loop = asyncio.get_running_loop()
        self._sent = self._loop.time()

    async def run(self) -> None:
        """Sends what is news, a heartbeat when nothing is, until the hub closes or the token ends."""
        position = await self._greet()
        while not self._hub.closed and await self._still_allowed():
            await self._hub.wait(position, self._until_heartbeat())
            # What happens within a moment travels together, however many readers there are to wake.
            await asyncio.sleep(BATCH_SECONDS)
            reading = self._hub.read(position, MAX_CHUNK)
            position = reading.position
            if reading.reset:
                self._metrics.stream_resets.inc()
                await self._send(self._frame("reset", position))
            else:
                await self._send(b"".join(visible(event, self._call.units) for event in reading.events if event.kind in self._kinds))
            if self._until_heartbeat() <= 0:
                await self._send(b": heartbeat\n\n")

    async def _greet(self) -> int:
        given = self._call.query.last_event_id
        asked = self._call.request.headers.get("Last-Event-ID") or (None if given is msgspec.UNSET else given)
        position = self._hub.find(asked)
        if position is not None:
            await self._send(b"retry: 2000\n: resumed\n\n")
            return position
        position = self._hub.position
        await self._send(b"retry: 2000\n" + self._frame("hello" if asked is None else "reset", position))
        return position

    def _frame(self, kind: str, position: int) -> bytes:
        hello = Hello(self._hub.boot, self._setting.assets, to_rfc3339(self._setting.clock()))
        return frame(kind, self._hub.event_id(position), msgspec.json.encode(hello))

    def _until_heartbeat(self) -> float:
        return max(0.0, HEARTBEAT_SECONDS - (self._loop.time() - self._sent))

    async def _send(self, lines: bytes) -> None:
        if lines:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._response.write(lines)
            self._sent = self._loop.time()

    async def _still_allowed(self) -> bool:
        now = self._setting.clock()
        if now - self._verified < RECHECK_MS:
            return True
        self._verified = now
        tokens = self._call.backend.tokens
        return await authenticate(self._call.request, tokens, now, open_access=self._setting.open_access) is not None
