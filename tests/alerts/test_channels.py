"""Channels against real receivers: a local HTTP server, a file, an Apprise service."""

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.channel import Fault, SendError
from alerts.channel_set import check_channels, no_link, open_channels
from alerts.channels.apprise_target import AppriseTarget, load, split
from alerts.channels.file import FileOutbox
from alerts.channels.webhook import Webhook
from alerts.notify_file import NotifyFile
from alerts.secret_files import ChannelSetupError
from ioc.domain.alarm import OutboxMessage
from notifying.surroundings import around
from servers.waiting import PATIENCE_S

BODY = json.dumps({"key": "k1", "event": "raised", "at": "", "text": "[CAO] Cụm loa. Việc cần làm: gọi.", "alarms": []}).encode()
MESSAGE = OutboxMessage(key="k1", channel="ops", event="raised", at=0, body=BODY)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """A webhook's other end: keeps what it got, answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.held = threading.Event()

    async def post(self, request: web.Request) -> web.Response:
        """Takes one request."""
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def url(receiver: Receiver) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", receiver.post)
    app.router.add_post("/elsewhere", receiver.post)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook?token=t0ken"))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_webhook_posts_the_signed_document(receiver: Receiver, url: str, session: aiohttp.ClientSession) -> None:
    """Body byte for byte, its HMAC, and the idempotency key."""
    receipt = await Webhook(session, url=url, secret=b"key").send(MESSAGE)
    headers, body = receiver.got[0]
    assert body == BODY
    assert headers["X-IOC-Signature"] == "sha256=" + hmac.new(b"key", BODY, hashlib.sha256).hexdigest()
    assert headers["Idempotency-Key"] == "k1"
    assert headers["Content-Type"] == "application/json"
    assert receipt == "127.0.0.1 answered 200"


async def test_webhook_without_secret_is_unsigned(receiver: Receiver, url: str, session: aiohttp.ClientSession) -> None:
    """No header rather than an empty signature."""
    await Webhook(session, url=url, secret=None).send(MESSAGE)
    assert "X-IOC-Signature" not in receiver.got[0][0]


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        (302, Fault.CHANNEL, "redirects are not followed"),
        (400, Fault.MESSAGE, "refuses this message"),
        (401, Fault.CHANNEL, "signature or credentials"),
        (404, Fault.CHANNEL, "answered 404"),
        (413, Fault.MESSAGE, "refuses this message"),
        (429, Fault.CHANNEL, "answered 429"),
        (500, Fault.CHANNEL, "answered 500"),
    ],
)
async def test_webhook_counts_only_2xx_as_taken(
    receiver: Receiver, url: str, session: aiohttp.ClientSession, *, status: int, fault: Fault, words: str
) -> None:
    """Anything else is a failure with a sentence that names the host and no token; redirects go nowhere."""
    receiver.status, receiver.headers = status, {"Location": "/elsewhere"} if status == 302 else {}
    with pytest.raises(SendError) as caught:
        await Webhook(session, url=url, secret=None).send(MESSAGE)
    assert caught.value.fault is fault
    assert words in caught.value.detail
    assert "t0ken" not in caught.value.detail
    assert len(receiver.got) == 1


async def test_webhook_hears_retry_after(receiver: Receiver, url: str, session: aiohttp.ClientSession) -> None:
    """In seconds, or as a date; nonsense is no wish."""
    receiver.status = 503
    wishes = []
    for text in ("7", "Thu, 05 Mar 2026 16:14:30 GMT", "soon", "99999999999999"):
        receiver.headers = {"Retry-After": text, "Date": "Thu, 05 Mar 2026 16:14:00 GMT"}
        with pytest.raises(SendError) as caught:
            await Webhook(session, url=url, secret=None).send(MESSAGE)
        wishes.append(caught.value.retry_after_ms)
    assert wishes == [7_000, 30_000, None, None]


async def test_webhook_says_who_can_not_be_reached(session: aiohttp.ClientSession, free_port: int) -> None:
    """A refused connection is a sentence without the URL."""
    with pytest.raises(SendError, match=r"^127\.0\.0\.1 can't be reached \(Connection refused\)$") as caught:
        await Webhook(session, url=f"http://127.0.0.1:{free_port}/t0ken", secret=None).send(MESSAGE)
    assert "t0ken" not in caught.value.detail


async def test_webhook_waits_no_longer_than_its_timeout(session: aiohttp.ClientSession) -> None:
    """A receiver that takes the request and says nothing is a failure."""
    app = web.Application()

    async def never(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.Event().wait()
        return web.Response()

    app.router.add_post("/", never)
    async with TestServer(app) as server:
        with pytest.raises(SendError, match=r"gave no answer within 0\.05 s"):
            await Webhook(session, url=str(server.make_url("/")), secret=None, timeout_s=0.05).send(MESSAGE)


async def test_file_gets_one_line_for_each_message(tmp_path: Path) -> None:
    """Each line is the document; the folder is made."""
    file = FileOutbox(tmp_path / "new" / "outbox.jsonl")
    await file.send(MESSAGE)
    receipt = await file.send(MESSAGE)
    assert (tmp_path / "new" / "outbox.jsonl").read_bytes() == (BODY + b"\n") * 2
    assert receipt == "appended to outbox.jsonl"


async def test_file_heals_a_torn_line(tmp_path: Path) -> None:
    """What a crash left half-written spoils no later line."""
    path = tmp_path / "outbox.jsonl"
    path.write_bytes(b'{"key": "k0", "ev')
    await FileOutbox(path).send(MESSAGE)
    assert path.read_bytes().splitlines()[1] == BODY


async def test_file_is_bounded(tmp_path: Path) -> None:
    """A full file makes room, and the one before it goes."""
    path = tmp_path / "outbox.jsonl"
    file = FileOutbox(path, max_bytes=len(BODY))
    for _ in range(5):
        await file.send(MESSAGE)
    assert sorted(tmp_path.glob("*")) == [path, tmp_path / "outbox.jsonl.1"]  # noqa: ASYNC240  a test may block
    assert path.stat().st_size <= 2 * (len(BODY) + 1)


async def test_file_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A folder in the way is named."""
    (tmp_path / "outbox.jsonl").mkdir()
    with pytest.raises(SendError, match=r"outbox\.jsonl can't be written: "):
        await FileOutbox(tmp_path / "outbox.jsonl").send(MESSAGE)


async def test_apprise_sends_title_and_text(receiver: Receiver, url: str) -> None:
    """Through Apprise's own JSON service, to a real server."""
    target = AppriseTarget(url.replace("http://", "json://").partition("?")[0], link=no_link)
    assert await target.send(MESSAGE) == "json took it"
    sent = json.loads(receiver.got[0][1])
    assert (sent["title"], sent["message"]) == ("[CAO] Cụm loa.", "Việc cần làm: gọi.")
    target.close()


async def test_apprise_carries_the_link_that_acknowledges(receiver: Receiver, url: str) -> None:
    """After the text."""
    target = AppriseTarget(url.replace("http://", "json://").partition("?")[0], link=lambda message: f"https://ioc.vn/a/{message.channel}")
    await target.send(MESSAGE)
    assert json.loads(receiver.got[0][1])["message"] == "Việc cần làm: gọi. https://ioc.vn/a/ops"
    target.close()


async def test_apprise_cuts_the_text_before_the_link(receiver: Receiver, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To what the service carries: its own cut would take the link."""
    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.body_maxlen", 100)
    target = AppriseTarget(url.replace("http://", "json://").partition("?")[0], link=lambda _message: "https://ioc.vn/a/ops.x")
    text = "[CAO] A. " + "mất kết nối " * 40
    await target.send(msgspec.structs.replace(MESSAGE, body=json.dumps({"text": text}).encode()))
    sent = json.loads(receiver.got[0][1])
    assert sent["message"].endswith("… https://ioc.vn/a/ops.x")
    assert len(sent["title"]) + 2 + len(sent["message"]) <= 100
    target.close()


async def test_apprise_follows_no_redirect(receiver: Receiver, url: str) -> None:
    """A receiver can't send our message elsewhere."""
    receiver.status, receiver.headers = 307, {"Location": url.replace("hook", "elsewhere")}
    target = AppriseTarget(url.replace("http://", "json://").partition("?")[0], link=no_link)
    with pytest.raises(SendError, match="json refused the message or can't be reached"):
        await target.send(MESSAGE)
    assert len(receiver.got) == 1
    target.close()


async def test_apprise_call_that_hangs_does_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call hangs no second one starts."""
    release = threading.Event()
    target = AppriseTarget("json://user:s3cret@127.0.0.1/", link=no_link, timeout_s=0.05)
    monkeypatch.setattr(target, "_notify", lambda *_text: release.wait(PATIENCE_S))
    with pytest.raises(SendError, match=r"json gave no answer within 0\.05 s"):
        await target.send(MESSAGE)
    with pytest.raises(SendError, match="has not come back yet"):
        await target.send(MESSAGE)
    release.set()
    target.close()


async def test_apprise_url_of_no_service_is_a_failed_attempt() -> None:
    """The worker gets a sentence, not a crash, and the sentence holds no credentials."""
    target = AppriseTarget("nonsense://user:s3cret@x", link=no_link)
    with pytest.raises(SendError, match="nonsense:// … is not a URL") as caught:
        await target.send(MESSAGE)
    assert "s3cret" not in caught.value.detail
    target.close()


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("[CAO] A: x từ 23:14. Việc cần làm: y.", "[CAO] A: x từ 23:14.", "Việc cần làm: y."),
        ("[CAO] 2 cảnh báo: x. Việc.\n- a\n- b", "[CAO] 2 cảnh báo: x.", "Việc.\n- a\n- b"),
        ("[ĐÃ KHẮC PHỤC] A.", "", "[ĐÃ KHẮC PHỤC] A."),
        ("x" * 300 + ". y", "", "x" * 300 + ". y"),
    ],
)
def test_text_splits_into_title_and_body(text: str, title: str, body: str) -> None:
    """No word is said twice; a service without titles joins them again."""
    assert split(text) == (title, body)


async def test_channels_of_a_file_are_opened(tmp_path: Path, receiver: Receiver, url: str) -> None:
    """Paths start at the notify file's folder; a secret's file loses its line end."""
    (tmp_path / "hook.key").write_text("key\n")
    declared = {"ops": {"kind": "webhook", "url": url, "secret_file": "./hook.key"}, "demo": {"kind": "file", "path": "out.jsonl"}}
    async with open_channels(NotifyFile.model_validate({"channels": declared}), around(tmp_path)) as channels:
        await channels["ops"].send(MESSAGE)
        await channels["demo"].send(MESSAGE)
    assert receiver.got[0][0]["X-IOC-Signature"] == "sha256=" + hmac.new(b"key", BODY, hashlib.sha256).hexdigest()
    assert (tmp_path / "out.jsonl").read_bytes() == BODY + b"\n"


async def test_channels_that_can_not_be_opened_are_named(tmp_path: Path) -> None:
    """Key, file and reason, for `ioc check` and for the start."""
    (tmp_path / "empty").write_text("\n")
    notify = NotifyFile.model_validate(
        {
            "channels": {
                "a": {"kind": "webhook", "url": "http://x/", "secret_file": "gone"},
                "b": {"kind": "apprise", "url_file": "empty"},
                "c": {"kind": "apprise", "url": "nonsense://s3cret"},
                "d": {"kind": "apprise", "url": "json://localhost"},
            }
        }
    )
    wrong = check_channels(notify, tmp_path)
    assert [one.path for one in wrong] == [("channels", "a", "secret_file"), ("channels", "b", "url_file"), ("channels", "c", "url")]
    assert "s3cret" not in "".join(map(str, wrong))
    with pytest.raises(ChannelSetupError, match="gone can't be read: No such file"):
        async with open_channels(notify, around(tmp_path)):
            pass


def test_apprise_knows_its_services() -> None:
    """A valid URL loads without sending anything."""
    assert len(load("mailto://user:pass@example.com")) == 1
