"""From journal entries to a webhook over HTTP: committed rows, a receiver that is away at first, restarts of sender and grouping."""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.channel_set import open_channels
from alerts.notify_file import NotifyFile
from alerts.outbox import Outbox, Retry
from ioc.adapters.state.store import StateDb
from ioc.domain.alarm import Decisions
from notifying.stage import START, S, Stage
from notifying.surroundings import around

AT_ONCE = {"group_by": "device", "group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s"}


class Hook:
    """A receiver that loses the answer to every third request, and remembers keys as a good one does."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.seen: dict[str, dict[str, Any]] = {}

    async def post(self, request: web.Request) -> web.Response:
        """One message."""
        body = await request.read()
        self.requests.append((request.headers["Idempotency-Key"], request.headers["X-IOC-Signature"], body))
        document = json.loads(body)
        self.seen.setdefault(document["key"], document)
        return web.Response(status=503 if len(self.requests) % 3 == 0 else 200)


async def commit(state: StateDb, stage: Stage) -> None:
    """What the stage's last batches have decided."""
    while stage.notices:
        notice = stage.notices.pop(0)
        await state.commit(Decisions(groups=notice.groups, outbox=notice.outbox, position=notice.position))


@pytest.fixture
def notify(tmp_path: Path, free_port: int) -> NotifyFile:
    (tmp_path / "hook.key").write_text("s3cret\n")
    channel = {"kind": "webhook", "url": f"http://127.0.0.1:{free_port}/hook", "secret_file": "./hook.key"}
    return NotifyFile.model_validate({"channels": {"ops": channel}, "routes": [{**AT_ONCE, "channels": "ops"}]})


async def send(state: StateDb, notify: NotifyFile, folder: Path, until: Callable[[Outbox], Any]) -> None:
    """Runs the sender until the condition holds, then cuts it off."""
    clock = itertools.count(START + 60 * S).__next__
    async with open_channels(notify, around(folder)) as channels:
        outbox = Outbox(state, channels, clock=clock, jitter=lambda: 0.5, retry=Retry(first=1, longest=1))
        running = asyncio.create_task(outbox.run())
        await until(outbox)
        running.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup):
            await running


async def test_receiver_that_is_away_misses_nothing(
    tmp_path: Path, free_port: int, notify: NotifyFile, wait_until: Callable[..., Any]
) -> None:
    """Every message arrives, once by its key, signed and in order, after an outage of the receiver and a restart of ours."""
    stage, hook, names = Stage(AT_ONCE), Hook(), [f"c{n}" for n in range(5)]
    async with await StateDb.open(tmp_path / "state.db") as state:
        await state.take_epoch()
        for name in names:
            stage.raise_(name)
            stage.wait(S)
        await commit(state, stage)
        await send(state, notify, tmp_path, lambda outbox: wait_until(lambda: outbox.states["ops"].failures > 3))
        restored = await state.load()
        stage.restart()
        assert {group.key: group for group in restored.groups} == stage.groups
        assert restored.position == stage.position
        for name in names:
            stage.clear(name)
            stage.wait(S)
        await commit(state, stage)
        app = web.Application()
        app.router.add_post("/hook", hook.post)
        async with TestServer(app, port=free_port):
            await send(state, notify, tmp_path, lambda outbox: wait_until(lambda: outbox.states["ops"].delivered == 10))
        assert await state.pending() == []
    assert list(hook.seen) == [row.key for row in stage.outbox]
    assert [document["event"] for document in hook.seen.values()] == ["raised"] * 5 + ["cleared"] * 5
    for key, signature, body in hook.requests:
        assert key == json.loads(body)["key"]
        assert signature == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
