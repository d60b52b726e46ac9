"""What goes on for ever, and who is told that we work."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ioc.app.supervision import forever, notify_systemd, ping_outward
from ioc.domain.state import FencedError, StateUnavailableError
from servers.waiting import PATIENCE_S

Wait = Callable[..., Awaitable[Any]]


async def test_turn_that_fails_costs_only_itself() -> None:
    """Neither a disk that is full nor an error of our own ends what has to go on."""
    faults: list[Exception] = [StateUnavailableError("disk is full"), ZeroDivisionError("unforeseen")]
    turns = 0
    enough = asyncio.Event()

    async def turn() -> None:
        nonlocal turns
        turns += 1
        if faults:
            raise faults.pop(0)
        enough.set()

    task = asyncio.create_task(forever("test", turn, lambda: 0.0))
    async with asyncio.timeout(PATIENCE_S):
        await enough.wait()
    task.cancel()
    assert turns >= 3


async def test_engine_that_was_taken_over_ends_at_once() -> None:
    """Whoever else runs now must not be disturbed."""

    async def turn() -> None:
        raise FencedError

    with pytest.raises(FencedError):
        await forever("test", turn, lambda: 0.0)


def test_systemd_is_told_where_it_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One datagram; nothing at all where nobody listens, and no failure when the listener has gone."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify_systemd("READY=1")
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    notify_systemd("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        notify_systemd("WATCHDOG=1")
        assert listener.recv(100) == b"WATCHDOG=1"


async def test_outward_watchdog_is_pinged_only_while_we_work(wait_until: Wait) -> None:
    """A refusal, or nobody there, is no reason to stop trying."""
    pings = 0
    works = False

    async def answer(_request: web.Request) -> web.Response:
        nonlocal pings
        pings += 1
        return web.Response(status=503 if pings == 1 else 200)

    app = web.Application()
    app.router.add_get("/ping", answer)
    async with TestServer(app) as server:
        asked = 0

        def look() -> bool:
            nonlocal asked
            asked += 1
            return works

        task = asyncio.create_task(ping_outward(str(server.make_url("/ping")), 10, look))
        await wait_until(lambda: asked > 3)
        assert pings == 0
        works = True
        await wait_until(lambda: pings > 2)
        await server.close()
        before = asked
        await wait_until(lambda: asked > before + 2)
        assert not task.done()
        task.cancel()
