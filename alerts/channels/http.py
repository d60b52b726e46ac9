"""HTTP: one request as the notify file declares it, judged by status and by a code in the JSON answer."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp

from alerts.channel import Fault, Link, SendError
from alerts.channel_models import HttpChannel, TextForm
from alerts.cutting import fit
from alerts.http_answer import json_of, read_answer, retry_after_ms, unreachable
from alerts.message import plain
from alerts.message_fields import fields_of, read_document
from alerts.sms import parts, unaccented
from alerts.template import fill, fill_all
from ioc.domain.alarm import OutboxMessage
from ioc.domain.payload_path import look_up, parse_path

MAX_WORDS = 160
_SHORTEST_SECRET = 4
_OK = range(200, 300)
_REDIRECT = range(300, 400)
_DENIED = frozenset({401, 403})
_REFUSED = frozenset({400, 413, 415, 422})
"""Answers that are about this message, not about the receiver's state or our access to it."""


class Token(Protocol):
    """An access token that others renew."""

    async def access(self, stale: str | None = None) -> str:
        """A token that is not `stale`; SendError where none can be had."""
        ...


class StaleTokenError(Exception):
    """The receiver no longer takes our access token."""


class Http:
    """One declared interface; `secrets` by name. The session decides which addresses may be reached."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        declared: HttpChannel,
        *,
        secrets: Mapping[str, str],
        token: Token | None,
        link: Link,
        timeout_s: float = 10.0,
    ) -> None:
        self._session = session
        self._declared = declared
        self._secrets = {f"secret.{name}": value for name, value in secrets.items()}
        self._token = token
        self._link = link
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._host = urlsplit(declared.url).hostname or "?"

    async def send(self, message: OutboxMessage) -> str:
        """What the receiver answered, in a few words; SendError says whose fault a refusal is."""
        values = self._values(message)
        if self._token is None:
            return await self._post(values)
        access = await self._token.access()
        try:
            return await self._post(values | {"access_token": access})
        except StaleTokenError:
            access = await self._token.access(stale=access)
        try:
            return await self._post(values | {"access_token": access})
        except StaleTokenError as error:
            detail = f"{error}, though it was renewed just now"
            raise SendError(detail) from None

    def _values(self, message: OutboxMessage) -> dict[str, str]:
        document, link = read_document(message.body), self._link(message)
        form = text_form(self._declared.text)
        text = written(document.text, link, self._declared.text)
        fields = fields_of(document, text=text, link=link, to=self._declared.to)
        return {name: form(value) for name, value in fields.items()} | self._secrets

    async def _post(self, values: Mapping[str, str]) -> str:
        declared = self._declared
        try:
            async with self._session.request(
                declared.method,
                declared.url,
                params={name: fill(text, values) for name, text in declared.query.items()},
                headers=self._headers(values),
                json=None if declared.json_ is None else fill_all(declared.json_, values),
                data=None if declared.form is None else {name: fill(text, values) for name, text in declared.form.items()},
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                return self._judge(answer, await read_answer(answer), values)
        except TimeoutError:
            detail = f"{self._host} gave no answer within {self._timeout.total:g} s"
            raise SendError(detail) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SendError(unreachable(self._host, error)) from None

    def _headers(self, values: Mapping[str, str]) -> dict[str, str]:
        own = {"User-Agent": "ioc-monitor", "Idempotency-Key": values["key"]}
        return own | {name: _one_line(fill(text, values)) for name, text in self._declared.headers.items()}

    def _judge(self, answer: aiohttp.ClientResponse, body: bytes, values: Mapping[str, str]) -> str:
        """The receipt; SendError or StaleTokenError say why there is none."""
        status, success = answer.status, self._declared.success
        document = json_of(body)
        code = None if success.field is None else _scalar(look_up(document, parse_path(success.field)))
        taken = status in (success.status or _OK)
        if taken and (success.field is None or code in success.is_):
            number = _masked(_words_at(document, success.receipt), _hidden_in(values))
            return f"{self._host} answered {status}" + (f", {number}" if number else "")
        told = _masked(f"{self._host} answered {status}{self._told(document, code)}", _hidden_in(values))
        fault = self._fault(status, code)
        if fault is None:
            raise StaleTokenError(told)
        raise SendError(told, fault=fault, retry_after_ms=retry_after_ms(answer))

    def _told(self, document: object, code: str | None) -> str:
        success = self._declared.success
        reason = _words_at(document, success.reason)
        named = "" if success.field is None else f", {success.field} = {code}" if code is not None else f" without {success.field}"
        return named + (f" ({reason})" if reason else "")

    def _fault(self, status: int, code: str | None) -> Fault | None:
        """Whose fault it is; None = the access token's. A declared code says more than the status."""
        errors = self._declared.errors
        if self._token is not None and (code in errors.token or (status in _DENIED and code not in (*errors.message, *errors.later))):
            return None
        if code in errors.message:
            return Fault.MESSAGE
        if code in errors.later:
            return Fault.LATER
        return Fault.MESSAGE if status in _REFUSED and code is None else Fault.CHANNEL


def written(text: str, link: str, form: TextForm) -> str:
    """The text in the channel's form: without accents where asked, cut to its length and parts, the link kept."""
    bare = text_form(form)(text)
    if form.parts is not None:
        most = form.parts
        return fit(bare, link, most, measure=lambda one: parts(one) if len(one) <= form.length else most + 1, more="...")
    return fit(bare, link, form.length, more="..." if form.unaccented else "…")


def text_form(form: TextForm) -> Callable[[str], str]:
    """How the channel writes any field."""
    return unaccented if form.unaccented else str


def _scalar(value: object) -> str | None:
    """A code as the notify file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _words_at(document: object, path: str | None) -> str:
    value = None if path is None else _scalar(look_up(document, parse_path(path)))
    return "" if value is None else fit(plain(value), "", MAX_WORDS)


def _hidden_in(values: Mapping[str, str]) -> list[str]:
    """Secrets, and the receiver's address, which may be a person's."""
    return [value for name, value in values.items() if name in {"access_token", "to"} or name.startswith("secret.")]


def _masked(text: str, secrets: Iterable[str]) -> str:
    """The text without what is hidden, if a receiver repeats it in its answer."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())
