"""What an HTTP receiver's answer, or its silence, says about an attempt."""

import os
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec

from alerts.pinned import RefusedAddressError

MAX_ANSWER = 64 * 1024
"""Most bytes of an answer that are looked at."""


async def read_answer(answer: aiohttp.ClientResponse) -> bytes:
    """The body, cut to MAX_ANSWER."""
    body = b""
    while len(body) < MAX_ANSWER and (chunk := await answer.content.read(MAX_ANSWER - len(body))):
        body += chunk
    return body


def json_of(body: bytes) -> object:
    """The JSON document of an answer, None where it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def retry_after_ms(answer: aiohttp.ClientResponse) -> int | None:
    """The header Retry-After in seconds, or as a date relative to the answer's own Date."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 8:  # noqa: PLR2004  beyond that it is no waiting time
        return int(text) * 1000
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(answer.headers.get("Date", ""))
        return max(0, round(wait.total_seconds() * 1000))
    except (TypeError, ValueError):
        return None


def unreachable(host: str, error: Exception) -> str:
    """A sentence about a connection that failed, without the URL, which may carry a token."""
    refused = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(refused, RefusedAddressError):
        return str(refused)
    return f"{host} can't be reached ({_words(error)})"


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return type(error).__name__
