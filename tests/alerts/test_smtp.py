"""Mail: what stands in it, and whose fault a refusal is, against a mail server of the test's own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channel import Fault, SendError
from alerts.channel_set import no_link, open_channels
from alerts.channels.smtp import MailServer as Server
from alerts.channels.smtp import Smtp
from alerts.notify_file import NotifyFile
from ioc.domain.alarm import OutboxMessage
from notifying.mail_server import MailServer
from notifying.stage import Stage
from notifying.surroundings import around
from servers.certificates import Authority

AT_ONCE = {"group_wait": "0s", "group_interval": "0s"}


def message(**alarm: Any) -> OutboxMessage:
    """A message about one alarm."""
    stage = Stage(AT_ONCE)
    stage.raise_("tt-1", **alarm)
    return stage.outbox[0]


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as running:
        yield running


def channel(server: MailServer, **more: Any) -> Smtp:
    """A channel to the server, in the clear."""
    settings = {"sender": "ioc@example.gov.vn", "to": ("an@example.gov.vn", "binh@example.gov.vn"), "link": no_link, **more}
    return Smtp(Server(host="127.0.0.1", port=server.port, security="none"), **settings)


async def test_mail_says_it_in_vietnamese(server: MailServer) -> None:
    """Subject, text and recipients arrive as they were written; the Message-ID follows from the idempotency key."""
    sent = message()
    receipt = await channel(server).send(sent)
    recipients, mail = server.taken[0]
    assert recipients == ["an@example.gov.vn", "binh@example.gov.vn"]
    assert mail["Subject"] == "[CAO] Cụm loa Xóm Tháp, Phường Việt Trì: mất kết nối từ 23:14"
    assert mail.get_content().strip().endswith("Việc cần làm: kiểm tra nguồn điện.")
    assert mail["Message-ID"] == f"<{sent.key}@example.gov.vn>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Thu, 05 Mar 2026 16:14:00 +0000"
    assert receipt == "127.0.0.1 took it for 2 of 2"


async def test_mail_sent_twice_is_the_same_mail(server: MailServer) -> None:
    """After an answer that was lost, mail programs recognise the second one."""
    mails = [channel(server).mail(message()) for _ in range(2)]
    assert mails[0].as_bytes() == mails[1].as_bytes()


async def test_mail_carries_the_link_that_acknowledges(server: MailServer) -> None:
    """On a line of its own, so that mail programs make it one."""
    link = "https://ioc.example.gov.vn/a/mail.x"
    await channel(server, link=lambda _message: link, ask="Xác nhận đã tiếp nhận: {link}").send(message())
    assert server.taken[0][1].get_content().splitlines()[-1] == f"Xác nhận đã tiếp nhận: {link}"


async def test_device_text_makes_no_header(server: MailServer) -> None:
    """A line break in a device's text can't add a recipient; a long one is cut."""
    await channel(server).send(message(summary={"vi": "mất điện\r\nBcc: x@evil.example\r\n\r\n" + "x" * 500}))
    recipients, mail = server.taken[0]
    assert "Bcc" not in mail
    assert len(recipients) == 2
    assert len(mail["Subject"]) <= 160


@pytest.mark.parametrize(
    ("refuse", "fault", "words"),
    [
        ({"RCPT": "550 no such user"}, Fault.MESSAGE, "refuses every recipient (550 no such user)"),
        ({"RCPT": "450 greylisted"}, Fault.LATER, "refuses every recipient (450 greylisted)"),
        ({"RCPT": "421 too busy"}, Fault.CHANNEL, "(421 too busy)"),
        ({"end": "554 looks like spam"}, Fault.MESSAGE, "refuses this mail (554 looks like spam)"),
        ({"end": "452 disk full"}, Fault.LATER, "refuses this mail (452 disk full)"),
        ({"end": "drop"}, Fault.CHANNEL, "broke the connection off"),
        ({"MAIL": "553 not your address"}, Fault.CHANNEL, "refuses our sender address (553 not your address)"),
        ({"EHLO": "drop"}, Fault.CHANNEL, "broke the connection off"),
    ],
)
async def test_refusal_names_its_fault(server: MailServer, refuse: dict[str, str], fault: Fault, words: str) -> None:
    """5xx is about the mail, 4xx passes, 421 and everything before the recipients is about the server."""
    server.refuse = refuse
    with pytest.raises(SendError) as caught:
        await channel(server).send(message())
    assert caught.value.fault is fault
    assert words in caught.value.detail
    assert server.taken == []


async def test_recipient_that_is_refused_does_not_keep_the_mail_from_others(server: MailServer) -> None:
    """Who did not get it stands in the receipt."""
    server.refuse = {"an@example.gov.vn": "550 no such user"}
    assert await channel(server).send(message()) == "127.0.0.1 took it for 1 of 2, refused a…@example.gov.vn"


async def test_server_that_says_nothing_is_given_up(server: MailServer) -> None:
    """Within the timeout."""
    server.hang = "EHLO"
    with pytest.raises(SendError, match=r"127\.0\.0\.1 gave no answer within 0\.2 s|can't be reached|broke the connection off"):
        await channel(server, timeout_s=0.2).send(message())


async def test_server_that_is_not_there_is_named(free_port: int) -> None:
    """A sentence for the journal."""
    gone = Smtp(Server(host="127.0.0.1", port=free_port, security="none"), sender="a@b.vn", to=("c@d.vn",), link=no_link)
    with pytest.raises(SendError, match=r"^127\.0\.0\.1: can't be reached \(Connection refused\)$"):
        await gone.send(message())


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[tuple[MailServer, Path]]:
    """A server with STARTTLS and a login, and the file of its authority."""
    authority = await asyncio.to_thread(Authority, tmp_path / "ca")
    certificate, key = await asyncio.to_thread(authority.issue, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with MailServer(context, ("ioc", "s3cret")) as running:
        yield running, authority.ca_file


def declared(server: MailServer, **more: Any) -> NotifyFile:
    mail = {"kind": "smtp", "host": "localhost", "port": str(server.port), "from": "ioc@example.gov.vn", "to": "an@example.gov.vn"}
    return NotifyFile.model_validate({"channels": {"mail": mail | more}})


async def test_mail_goes_over_tls_with_a_login_from_a_file(tmp_path: Path, secure: tuple[MailServer, Path]) -> None:
    """STARTTLS by default, checked against the authority that is named."""
    server, ca_file = secure
    (tmp_path / "mail.password").write_text("s3cret\n")
    notify = declared(server, ca_file=str(ca_file), username="ioc", password_file="mail.password")  # noqa: S106  a file
    async with open_channels(notify, around(tmp_path)) as channels:
        await channels["mail"].send(message())
    assert server.encrypted == [True]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "its certificate is not trusted"),
        ({"ca": True, "username": "ioc", "password": "wrong"}, "does not accept our login (535)"),
    ],
)
async def test_wrong_certificate_or_login_is_the_channels_fault(
    tmp_path: Path, secure: tuple[MailServer, Path], more: dict[str, Any], words: str
) -> None:
    """Nothing is sent, and no secret stands in the sentence."""
    server, ca_file = secure
    ca = {"ca_file": str(ca_file)} if more.pop("ca", False) else {}
    async with open_channels(declared(server, **ca, **more), around(tmp_path)) as channels:
        with pytest.raises(SendError) as caught:
            await channels["mail"].send(message())
    assert caught.value.fault is Fault.CHANNEL
    assert words in caught.value.detail
    assert server.taken == []


async def test_mail_goes_over_tls_from_the_start(tmp_path: Path) -> None:
    """`security: tls`, as on port 465."""
    authority = await asyncio.to_thread(Authority, tmp_path / "ca")
    certificate, key = await asyncio.to_thread(authority.issue, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with MailServer(implicit=context) as server:
        async with open_channels(declared(server, security="tls", ca_file=str(authority.ca_file)), around(tmp_path)) as channels:
            await channels["mail"].send(message())
        assert server.encrypted == [True]


async def test_closing_breaks_a_conversation_off(server: MailServer, wait_until: Callable[..., Any]) -> None:
    """The end of the server waits for no mail server that says nothing."""
    server.hang = "MAIL"
    mail = channel(server, timeout_s=60.0)
    sending = asyncio.create_task(mail.send(message()))
    await wait_until(lambda: server.hanging)
    mail.close()
    with pytest.raises(SendError, match=r"broke the connection off|can't be reached"):
        await sending


async def test_server_without_starttls_gets_no_mail(tmp_path: Path, server: MailServer) -> None:
    """Nobody can talk us out of encryption."""
    async with open_channels(declared(server), around(tmp_path)) as channels:
        with pytest.raises(SendError, match="offers no STARTTLS"):
            await channels["mail"].send(message())
    assert server.taken == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"security": "none", "host": "mail.example.gov.vn"}, "everybody on the way reads"),
        ({"to": "truc ca"}, "is no mail address"),
        ({"to": "a@b.vn\r\nBcc: c@d.vn"}, "is no mail address"),
        ({"to": []}, "at least 1 item"),
        ({"username": "ioc"}, "belong together"),
        ({"port": "0"}, "greater than or equal to 1"),
    ],
)
def test_mail_that_can_not_be_right_is_a_mistake(wrong: dict[str, Any], words: str) -> None:
    """Found when the file is read."""
    mail = {"kind": "smtp", "host": "mail.example.gov.vn", "from": "ioc@example.gov.vn", "to": "an@example.gov.vn"}
    with pytest.raises(ValidationError, match=words):
        NotifyFile.model_validate({"channels": {"mail": mail | wrong}})


def test_long_text_is_cut(server: MailServer) -> None:
    """Whatever the rules say, a mail stays readable."""
    mail: EmailMessage = channel(server).mail(message(summary={"vi": "đ" * 240}))
    assert mail["Subject"].endswith("…")
