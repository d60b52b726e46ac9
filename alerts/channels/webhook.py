"""Webhook: POST of the message's document, signed, without redirects."""

import hashlib
import hmac
from urllib.parse import urlsplit

import aiohttp

from alerts.channel import Fault, SendError
from alerts.http_answer import retry_after_ms, unreachable
from ioc.domain.alarm import OutboxMessage

_OK = range(200, 300)
_REDIRECT = range(300, 400)
_REFUSED = frozenset({400, 413, 415, 422})
"""Answers that are about this message, not about the receiver's state or our access to it."""


class Webhook:
    """One URL; `secret` None = unsigned. The session belongs to the caller and decides which addresses may be reached."""

    def __init__(self, session: aiohttp.ClientSession, *, url: str, secret: bytes | None, timeout_s: float = 10.0) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._host = urlsplit(url).hostname or "?"

    async def send(self, message: OutboxMessage) -> str:
        """The answer's status; SendError for anything but 2xx within the timeout."""
        try:
            async with self._session.post(
                self._url, data=message.body, headers=self._headers(message), timeout=self._timeout, allow_redirects=False
            ) as answer:
                return self._judge(answer)
        except TimeoutError:
            detail = f"{self._host} gave no answer within {self._timeout.total:g} s"
            raise SendError(detail) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SendError(unreachable(self._host, error)) from None

    def _headers(self, message: OutboxMessage) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key, "User-Agent": "ioc-monitor"}
        if self._secret is not None:
            headers["X-IOC-Signature"] = signature(self._secret, message.body)
        return headers

    def _judge(self, answer: aiohttp.ClientResponse) -> str:
        status = answer.status
        if status in _OK:
            return f"{self._host} answered {status}"
        if status in _REDIRECT:
            detail = f"{self._host} answered {status} and points elsewhere; redirects are not followed, write the final URL"
        elif status in {401, 403}:
            detail = f"{self._host} answered {status}: it does not accept our signature or credentials"
        elif status in _REFUSED:
            detail = f"{self._host} answered {status}: it refuses this message"
        else:
            detail = f"{self._host} answered {status}"
        fault = Fault.MESSAGE if status in _REFUSED else Fault.CHANNEL
        raise SendError(detail, fault=fault, retry_after_ms=retry_after_ms(answer))


def signature(secret: bytes, body: bytes) -> str:
    """The value of `X-IOC-Signature`: `sha256=` and the hex HMAC-SHA256 of the body."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
