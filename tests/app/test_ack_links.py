"""Acknowledging by the link in a message: from the outbox through the page to the journal."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from ioc.api.ack_page import AckPage
from ioc.api.app import build_app
from ioc.app.ack_links import AckKey, LinkSigner
from ioc.app.clock import now_ms
from ioc.app.front import Front
from ioc.app.server import Server, open_server
from ioc.config.load import Config, load_config
from ioc.domain.alarm import Decisions, OutboxMessage
from ioc.domain.state import AlarmFilter
from notifying.stage import Stage

HOUR = 3_600_000
SITE = "https://ioc.example.gov.vn"


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """A site with links, whose broker is not there."""
    (tmp_path / "ioc.yaml").write_text(
        f'broker: {{url: "mqtt://127.0.0.1:{free_port}"}}\ndata_dir: ./data\napi: {{port: 0}}\nnotify: {{file: notify.yaml}}\n'
    )
    (tmp_path / "notify.yaml").write_text(
        f'acknowledge: {{url: "{SITE}/", valid: 24h}}\nchannels:\n  sms: {{kind: file, path: out.jsonl, person: Nguyễn Văn An}}\n'
    )
    (tmp_path / "data").mkdir()
    return load_config(tmp_path / "ioc.yaml", {})


class Site:
    """A server with two alarms that one message has told of, and its page."""

    def __init__(self, server: Server, message: OutboxMessage, client: TestClient[Any, Any]) -> None:
        self.server = server
        self.message = message
        self.client = client

    @property
    def signer(self) -> LinkSigner:
        return LinkSigner(self.server.ack_key, self.server.config.notify.acknowledge)

    @property
    def path(self) -> str:
        """The link in the message, below the site's address."""
        return self.signer.link(self.message).removeprefix(SITE)

    async def acknowledged(self) -> list[str | None]:
        """By whom each alarm is acknowledged."""
        alarms, _ = await self.server.files.state.alarms()
        return [alarm.acknowledged_by for alarm in alarms]

    async def reasons(self) -> list[tuple[str, str]]:
        """Who and why, of every acknowledgement in the journal."""
        entries = await self.server.files.state.journal_since(0)
        return [(entry.by, entry.detail) for entry in entries if entry.step == "acknowledged"]


@asynccontextmanager
async def running(config: Config, message: OutboxMessage | None = None) -> AsyncIterator[Site]:
    async with open_server(config) as server:
        if message is None:
            message = await told(server)
        front = Front(server)
        app = build_app(front._backend(), server.hub, registry=CollectorRegistry(), clock=now_ms)
        AckPage(front._links(), language="vi", clock=now_ms).add_to(app.router)
        async with TestClient(TestServer(app)) as client:
            yield Site(server, message, client)


async def told(server: Server) -> OutboxMessage:
    """Two alarms and the message about them, committed as the desk does it; the message was written just now."""
    stage = Stage({"group_by": "unit", "group_wait": "0s"}, channels=("sms",))
    stage.now = now_ms()
    stage.raise_("tt-1", "tt-2")
    message = stage.outbox[-1]
    await server.files.state.commit(Decisions(alarms=tuple(stage.alarms.values()), outbox=(message,)))
    return message


@pytest.fixture
async def site(config: Config) -> AsyncIterator[Site]:
    async with running(config) as opened:
        yield opened


async def test_looking_acknowledges_nothing(site: Site) -> None:
    """GET and HEAD, as previews of mail and chat programs do, show the message and a button only."""
    answer = await site.client.get(site.path)
    page = await answer.text()
    await site.client.head(site.path)
    assert answer.status == 200
    assert "2 cảnh báo kỹ thuật chưa được xác nhận" in page
    assert '<form method="post">' in page
    assert await site.acknowledged() == [None, None]


async def test_button_acknowledges_all_alarms_of_the_message(site: Site) -> None:
    """Under the name of the channel's person; the journal says who, when, by which link and why."""
    answer = await site.client.post(site.path, data={"comment": "đang tới\nhiện trường"})
    assert "Đã ghi nhận: Nguyễn Văn An xác nhận 2 cảnh báo kỹ thuật." in await answer.text()
    assert await site.acknowledged() == ["Nguyễn Văn An", "Nguyễn Văn An"]
    why = "xác nhận qua liên kết gửi tới kênh sms: đang tới hiện trường"
    assert await site.reasons() == [("person:Nguyễn Văn An", why)] * 2


async def test_second_press_changes_nothing(site: Site) -> None:
    """The page says that it is done; the journal has one entry for each alarm."""
    await site.client.post(site.path, data={})
    again = await site.client.post(site.path, data={})
    shown = await site.client.get(site.path)
    for answer in (again, shown):
        page = await answer.text()
        assert "Cảnh báo kỹ thuật đã được xác nhận." in page
        assert "<form" not in page
    assert len(await site.reasons()) == 2


async def test_mass_outage_is_acknowledged_at_once(config: Config) -> None:
    """A message may name thousands of alarms: one press, one transaction."""
    async with open_server(config) as server:
        stage = Stage({"group_by": "unit", "group_wait": "1s"}, channels=("sms",))
        stage.now = now_ms()
        stage.raise_(*(f"d{n}" for n in range(1_200)))
        stage.wait(60_000)
        message = stage.outbox[-1]
        await server.files.state.commit(Decisions(alarms=tuple(stage.alarms.values()), outbox=(message,)))
    async with running(config, message) as site:
        answer = await site.client.post(site.path, data={})
        assert "xác nhận 1200 cảnh báo kỹ thuật" in await answer.text()
        left = await site.server.files.state.alarms(AlarmFilter(acknowledged=False))
    assert left == ([], None)


async def test_link_works_without_login_and_opens_nothing_else(site: Site) -> None:
    """The API behind it still asks for a token."""
    assert (await site.client.get(site.path)).status == 200
    assert (await site.client.get("/api/v1/alarms")).status == 401


@pytest.mark.parametrize("change", [lambda path: path[:-1], lambda path: path.replace("sms.", "mail."), lambda _path: "/a/x"])
async def test_forged_link_shows_and_does_nothing(site: Site, change: Any) -> None:
    """A page in words, without the message."""
    for answer in (await site.client.get(change(site.path)), await site.client.post(change(site.path), data={})):
        assert answer.status == 404
        assert "Liên kết không hợp lệ" in await answer.text()
    assert await site.acknowledged() == [None, None]


async def test_expired_link_does_nothing(config: Config) -> None:
    """After 24 hours from the message."""
    async with running(config) as site:
        old = OutboxMessage(key=site.message.key, channel="sms", event="raised", at=now_ms() - 25 * HOUR, body=site.message.body)
        path = site.signer.link(old).removeprefix(SITE)
        assert (await site.client.get(path)).status == 410
        answer = await site.client.post(path, data={})
        assert answer.status == 410
        assert "Liên kết đã hết hạn" in await answer.text()
        assert await site.acknowledged() == [None, None]


async def test_revoked_links_are_void_and_new_ones_work(site: Site) -> None:
    """`ioc links revoke` needs no restart."""
    old = site.path
    await Front(site.server)._commands()["links.revoke"]({})
    assert (await site.client.post(old, data={})).status == 404
    assert (await site.client.get(site.path)).status == 200
    assert await site.acknowledged() == [None, None]


async def test_links_outlive_a_restart(config: Config) -> None:
    """The key lies in the data folder, for its owner only."""
    async with running(config) as site:
        path, message = site.path, site.message
    async with running(config, message) as site:
        assert (await site.client.get(path)).status == 200
    assert (config.settings.data_dir / "ack.key").stat().st_mode & 0o777 == 0o600


async def test_page_takes_a_form_only(site: Site) -> None:
    """A program that posts something else by the way acknowledges nothing."""
    assert (await site.client.post(site.path, json={})).status == 415
    assert (await site.client.post(site.path)).status == 415
    assert await site.acknowledged() == [None, None]


async def test_page_runs_no_script_and_stands_in_no_frame(site: Site) -> None:
    """Its policy allows its own style and form, nothing else; no search engine keeps it, no other site hears its address."""
    answer = await site.client.get(site.path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]


async def test_text_of_a_device_is_no_markup(config: Config) -> None:
    """A device can't put a script or a second form on the page."""
    async with open_server(config) as server:
        stage = Stage({"group_wait": "0s"}, channels=("sms",))
        stage.now = now_ms()
        stage.raise_("tt-1", summary={"vi": "<script>alert(1)</script><form action=//evil>"})
        message = stage.outbox[-1]
        await server.files.state.commit(Decisions(alarms=tuple(stage.alarms.values()), outbox=(message,)))
    async with running(config, message) as site:
        page = await (await site.client.get(site.path)).text()
    assert "<script" not in page
    assert len(re.findall("<form", page)) == 1
    assert "&lt;script&gt;" in page


def test_message_that_says_it_is_over_has_no_link(config: Config) -> None:
    """Nothing is left to take care of, as in a report that names no alarm; without `acknowledge` no message has one."""
    message = OutboxMessage(key="0" * 24, channel="sms", event="cleared", at=0, body=b'{"alarms": [{"id": "a"}]}')
    raised = OutboxMessage(key="0" * 24, channel="sms", event="raised", at=0, body=b'{"alarms": [{"id": "a"}]}')
    report = OutboxMessage(key="0" * 24, channel="sms", event="updated", at=0, body=b'{"alarms": []}')
    key = AckKey(config.settings.data_dir)
    signer = LinkSigner(key, config.notify.acknowledge)
    assert signer.link(message) == signer.link(report) == ""
    assert signer.link(raised) == signer.link(raised) != ""
    assert LinkSigner(key, None).link(raised) == ""
