"""InfluxDB 2 over HTTP: requests out, plain answers back."""

import asyncio
import email.utils
import gzip
import ssl
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from ioc.domain.point import StoreDeniedError, StoreUnavailableError

_GZIP_FROM = 1_024
_GZIP_LEVEL = 1
_ANSWER_MOST = 64 * 1024 * 1024
_DETAIL_MOST = 4_096
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_OK, _REDIRECTS, _REFUSALS = range(200, 300), range(300, 400), range(400, 500)
_PASSING = frozenset({408, 429})


class Answer(msgspec.Struct, frozen=True):
    """Status, body and the server's wish to be left alone for a while (ms)."""

    status: int
    body: bytes
    retry_after_ms: int | None = None
    location: str = ""

    @property
    def message(self) -> str:
        """The server's own words, from its JSON or as they are."""
        try:
            told = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = None
        if isinstance(told, dict):
            words = told.get("message") or told.get("error")
            if isinstance(words, str):
                return words
        return self.body[:_DETAIL_MOST].decode(errors="replace").strip()


class InfluxHttp:
    """One server, one token. Every request is bounded by `timeout_ms`; StoreUnavailableError when no answer comes."""

    def __init__(self, url: str, *, token: str, timeout_ms: int, ca_file: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._timeout_ms = timeout_ms
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, query: Mapping[str, str], *, patience: int = 1) -> Answer:
        """GET; waits `patience` times as long as for other requests."""
        return await self._call("GET", path, query, None, {}, patience)

    async def send_json(self, method: str, path: str, body: object) -> Answer:
        """POST or PATCH of a JSON document."""
        return await self._call(method, path, {}, msgspec.json.encode(body), {"Content-Type": "application/json"})

    async def post_lines(self, path: str, query: Mapping[str, str], lines: bytes) -> Answer:
        """POST of line protocol, compressed where that pays (in a thread: a full batch costs some 15 ms)."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if len(lines) >= _GZIP_FROM:
            lines = await asyncio.to_thread(gzip.compress, lines, _GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        return await self._call("POST", path, query, lines, headers)

    async def close(self) -> None:
        """Closes the connections; the next request opens them again."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _call(  # noqa: PLR0917 - one request's parts
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, headers: Mapping[str, str], patience: int = 1
    ) -> Answer:
        timeout_s = self._timeout_ms * patience / 1000
        try:
            async with asyncio.timeout(timeout_s):
                request = self._opened().request(method, self.url + path, params=query, data=body, headers=headers, allow_redirects=False)
                async with request as response:
                    text = await _read(response)
        except TimeoutError:
            detail = f"{self.url} gave no answer within {timeout_s:g} s"
            raise StoreUnavailableError(detail) from None
        except (aiohttp.ClientError, OSError) as error:
            detail = f"{self.url} can't be reached: {error or type(error).__name__}"
            raise StoreUnavailableError(detail) from None
        return Answer(response.status, text, _retry_after_ms(response.headers), response.headers.get("Location", ""))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trusted = True if self._ca_file is None else ssl.create_default_context(cafile=self._ca_file)
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Token {self._token}"},
                connector=aiohttp.TCPConnector(ssl=trusted),
                timeout=aiohttp.ClientTimeout(total=None),  # each request has its own
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    text = bytearray()
    async for chunk in response.content.iter_chunked(1 << 18):
        text += chunk
        if len(text) > _ANSWER_MOST:
            detail = f"{response.url.path} answered with more than {_ANSWER_MOST >> 20} MiB: ask for less at once"
            raise StoreUnavailableError(detail)
    return bytes(text)


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Retry-After in seconds or as a date; the date is compared with the server's own, so no clock of ours is needed."""
    wish = headers.get("Retry-After", "").strip()
    if wish.isdigit():
        return int(wish[:9]) * 1000
    try:
        until = email.utils.parsedate_to_datetime(wish)
        now = email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return max(0, round((until - now).total_seconds() * 1000))
    except (TypeError, ValueError):
        return None


def raise_unless_ok(answer: Answer, url: str, doing: str) -> None:
    """StoreDeniedError, StoreUnavailableError for any answer outside 200–299, with a sentence that says what to do."""
    status, words = answer.status, answer.message
    if status in _OK:
        return
    if status == _UNAUTHORIZED:
        detail = f"{url} does not know this token ({doing}: 401 {words}); check store.token_file"
        raise StoreDeniedError(detail)
    if status == _FORBIDDEN:
        detail = f"the token may not do this at {url} ({doing}: 403 {words}); give it read and write access to the bucket"
        raise StoreDeniedError(detail)
    if status == _NOT_FOUND:
        detail = f"{url} does not find what we name ({doing}: 404 {words}); check store.url, store.org and store.bucket"
        raise StoreDeniedError(detail)
    if status in _REDIRECTS:
        detail = f"{url} redirects to {answer.location or 'another address'}; set store.url to the server itself"
        raise StoreDeniedError(detail)
    detail = f"{url} answered {status} ({doing}): {words or 'no words'}"
    if status in _REFUSALS and status not in _PASSING:
        raise StoreDeniedError(detail)
    raise StoreUnavailableError(detail, retry_after_ms=answer.retry_after_ms)
