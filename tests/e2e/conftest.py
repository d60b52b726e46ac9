"""Servers under test, started as processes and ended with the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.server import ServerUnderTest
from e2e.webhook import WebhookReceiver


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Callable[..., ServerUnderTest]]:
    """`launch(broker=, store=, rules=, …)` configures a server (see ServerUnderTest); `await server.begin()` starts it."""
    made: list[ServerUnderTest] = []

    def configure(**wishes: Any) -> ServerUnderTest:
        server = ServerUnderTest(tmp_path / f"ioc-{len(made)}", **wishes)
        made.append(server)
        return server

    yield configure
    for server in made:
        await asyncio.to_thread(server.stop)


@pytest.fixture
async def hook() -> AsyncIterator[WebhookReceiver]:
    """Somebody who is told of alarms."""
    async with WebhookReceiver() as receiver:
        yield receiver
