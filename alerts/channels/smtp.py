"""SMTP: one mail for each message, over TLS, to a few people."""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Literal

from alerts.channel import Fault, Link, SendError
from alerts.cutting import fit
from alerts.message import plain
from alerts.message_fields import fields_of, read_document
from alerts.one_call import OneCall
from ioc.domain.alarm import OutboxMessage

MAX_SUBJECT = 160
MAX_TEXT = 4_000
MAX_WORDS = 120
_BUSY = 421
_REFUSED_FOR_GOOD = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where and how mails are handed in; `ca_file` None = the system's authorities."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None


class Smtp:
    """Mails from `sender` to `to`; the Message-ID follows from the message's key, so a mail sent twice is recognised."""

    def __init__(
        self, server: MailServer, *, sender: str, to: tuple[str, ...], link: Link, ask: str = "{link}", timeout_s: float = 10.0
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = to
        self._link = link
        self._ask = ask
        self._timeout_s = timeout_s
        self._session: smtplib.SMTP | None = None
        self._calls = OneCall(server.host, timeout_s=timeout_s)

    async def send(self, message: OutboxMessage) -> str:
        """The server's name and how many recipients it took; SendError where it took the mail for nobody."""
        return await self._calls.run(self._deliver, self.mail(message))

    async def probe(self) -> str:
        """Connects, logs in and leaves, without a mail; SendError says what stands in the way."""
        return await self._calls.run(self._look)

    def mail(self, message: OutboxMessage) -> EmailMessage:
        """The mail: subject from the text's first sentence, the whole text, the link in the sentence `ask`."""
        document, link = read_document(message.body), self._link(message)
        fields = fields_of(document, text=document.text, link=link, to="")
        tag = f"[{fields['tag']}] " if fields["tag"] else ""
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = fit(plain(tag + fields["headline"]), "", MAX_SUBJECT)
        mail["Date"] = format_datetime(datetime.fromtimestamp(message.at / 1000, UTC))
        mail["Message-ID"] = f"<{message.key}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        paragraphs = [fit(document.text, "", MAX_TEXT), *([self._ask.format(link=link)] if link else [])]
        mail.set_content("\n\n".join(paragraphs) + "\n", charset="utf-8")
        return mail

    def close(self) -> None:
        """Waits for no mail: a conversation that goes on is broken off."""
        self._calls.close()
        sock = None if self._session is None else self._session.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _look(self) -> str:
        try:
            self._connect().quit()
        except OSError as error:
            raise self._judged(error) from None
        return f"{self._server.host} lets us in"

    def _deliver(self, mail: EmailMessage) -> str:
        try:
            session = self._connect()
            try:
                refused = session.send_message(mail, from_addr=self._sender, to_addrs=self._to)
            finally:
                with suppress(smtplib.SMTPException, OSError):
                    session.quit()
        except OSError as error:  # smtplib's errors are some, too
            raise self._judged(error) from None
        names = f", refused {', '.join(map(masked, sorted(refused)))}" if refused else ""
        return f"{self._server.host} took it for {len(self._to) - len(refused)} of {len(self._to)}{names}"

    def _connect(self) -> smtplib.SMTP:
        server, timeout = self._server, self._timeout_s
        context = ssl.create_default_context(cafile=server.ca_file)
        if server.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=context)
        else:
            session = smtplib.SMTP(server.host, server.port, timeout=timeout)
        self._session = session
        try:
            if server.security == "starttls":
                session.starttls(context=context)
            if server.username is not None and server.password is not None:
                session.login(server.username, server.password)
        except BaseException:
            session.close()
            raise
        return session

    def _judged(self, error: OSError) -> SendError:
        """The sentence for the journal: what failed, with the server's words where they can hold no secret."""
        code, words = _reply(error)
        fault = Fault.CHANNEL
        match error:
            case smtplib.SMTPAuthenticationError():
                what, words = "does not accept our login", ""
            case smtplib.SMTPRecipientsRefused():
                what, fault = "refuses every recipient", _fault(code)
            case smtplib.SMTPSenderRefused():
                what = "refuses our sender address"
            case smtplib.SMTPDataError():
                what, fault = "refuses this mail", _fault(code)
            case smtplib.SMTPNotSupportedError():
                what = "offers no STARTTLS or no login that we know"
            case smtplib.SMTPServerDisconnected():
                what = "broke the connection off"
            case smtplib.SMTPException():
                what = "does not answer as a mail server does"
            case ssl.SSLCertVerificationError():
                what, words = "its certificate is not trusted", error.verify_message
            case _:
                what, words = "can't be reached", error.strerror or type(error).__name__
        why = f"{code} {words}".strip() if code else words
        for address in self._to:
            why = why.replace(address, masked(address))
        return SendError(f"{self._server.host}: {what}" + (f" ({why})" if why else ""), fault=fault)


def masked(address: str) -> str:
    """An address as the journal may show it: `a…@example.gov.vn`."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…{at}{domain}"


def _reply(error: OSError) -> tuple[int, str]:
    """The server's code and words, 0 where it said nothing."""
    words: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, words = error.smtp_code, error.smtp_error
    else:
        return 0, ""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return code, fit(plain(text), "", MAX_WORDS)


def _fault(code: int) -> Fault:
    """Whose fault a refusal of recipients or content is: 5xx is final, 421 about the server; other 4xx (greylisting, full box) pass."""
    if code >= _REFUSED_FOR_GOOD:
        return Fault.MESSAGE
    return Fault.CHANNEL if code == _BUSY else Fault.LATER
