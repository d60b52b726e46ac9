"""A mail server that keeps what it took and refuses as told; STARTTLS and AUTH PLAIN where a certificate is given."""

import asyncio
import base64
import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Self


class MailServer:
    """`refuse` maps a command (MAIL, RCPT <address>, DATA, end, AUTH, EHLO) to the reply it gets; `hang` never answers it."""

    def __init__(
        self, context: ssl.SSLContext | None = None, login: tuple[str, str] | None = None, *, implicit: ssl.SSLContext | None = None
    ) -> None:
        self.implicit = implicit
        self.context = context
        self.login = login
        self.refuse: dict[str, str] = {}
        self.hang = ""
        self.hanging = False
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.encrypted: list[bool] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.implicit)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_failure: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        try:
            writer.write(b"220 mail.test ESMTP\r\n")
            while line := (await reader.readline()).decode().rstrip():
                if not await self._answer(line, recipients, reader, writer):
                    return
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: str, recipients: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the conversation goes on."""
        verb = line.split(maxsplit=1)[0].upper()
        if self.hang == verb:
            self.hanging = True
            await asyncio.Event().wait()
        what = line.upper() if verb == "RCPT" else verb
        reply = next((text for key, text in self.refuse.items() if key.upper() in what), None)
        if reply is None and verb == "STARTTLS" and self.context is not None:
            writer.write(b"220 go ahead\r\n")
            await writer.start_tls(self.context)
            return True
        if reply is None and verb == "DATA":
            writer.write(b"354 go on\r\n")
            reply = self._take(await reader.readuntil(b"\r\n.\r\n"), recipients, _is_encrypted(writer))
        reply = reply or self._fine(verb, line, recipients, encrypted=_is_encrypted(writer))
        if reply != "drop":
            writer.write(f"{reply}\r\n".encode())
        return reply != "drop" and verb != "QUIT"

    def _take(self, content: bytes, recipients: list[str], encrypted: bool) -> str:  # noqa: FBT001
        if "end" not in self.refuse:
            self.taken.append((list(recipients), message_from_bytes(content[:-5], policy=default)))
            self.encrypted.append(encrypted)
        return self.refuse.get("end", "250 queued as 42")

    def _fine(self, verb: str, line: str, recipients: list[str], *, encrypted: bool) -> str:
        if verb == "EHLO":
            more = [*(["STARTTLS"] if self.context and not encrypted else []), *(["AUTH PLAIN"] if self.login else [])]
            lines = ["mail.test", *more]
            return "\r\n".join(f"250{' ' if one is lines[-1] else '-'}{one}" for one in lines)
        if verb == "AUTH":
            given = base64.b64decode(line.split()[2]).decode().split("\0")[1:]
            return "235 fine" if tuple(given) == self.login else "535 wrong login"
        if verb == "RCPT":
            recipients.append(line.partition("<")[2].partition(">")[0])
        return "221 bye" if verb == "QUIT" else "250 fine"


def _is_encrypted(writer: asyncio.StreamWriter) -> bool:
    return writer.get_extra_info("ssl_object") is not None
