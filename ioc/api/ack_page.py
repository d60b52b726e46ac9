"""The page behind a link that acknowledges: looking changes nothing, its button does. For people without a login, on any telephone."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from html import escape
from typing import Literal, Protocol

import msgspec
from aiohttp import web

from alerts.ack_link import PATH
from ioc.api.ack_words import ACK_WORDS, AckWords
from ioc.api.binding import BODY_SECONDS
from ioc.api.problem import ProblemError
from ioc.domain.alarm import Alarm

MAX_COMMENT = 500
_FORM_FIELDS = 4
_SECONDS = 15
_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:40rem;margin:0 auto;padding:1rem;background:#fff;color:#111}"
    "p.text{white-space:pre-wrap;border-left:4px solid #b00;padding-left:.75rem}small{color:#555;display:block}"
    "button{font:inherit;font-weight:600;padding:.75rem 1.25rem;width:100%;border:0;border-radius:.4rem;background:#076b3c;color:#fff}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.25rem 0 1rem}"
)
_CSP = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {"Content-Security-Policy": _CSP, "X-Robots-Tag": "noindex, nofollow", "X-Frame-Options": "DENY"}
_STATUS = {"forged": 404, "expired": 410}


class LinkedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a link stands for, as it is now."""

    text: str
    """The message's own text."""
    by: str
    """Under whose name the link acknowledges."""
    alarms: Sequence[Alarm]
    """Those that the message named, as they stand now."""

    @property
    def open(self) -> list[Alarm]:
        """Those that nobody has acknowledged."""
        return [alarm for alarm in self.alarms if not alarm.acknowledged]


Void = Literal["forged", "expired"]


class Links(Protocol):
    """Links that acknowledge."""

    async def look(self, token: str, now: int) -> LinkedMessage | Void:
        """What the link stands for; changes nothing."""

    async def acknowledge(self, token: str, now: int, *, comment: str) -> LinkedMessage | Void:
        """Acknowledges what is open, and answers with how it was before."""


class AckPage:
    """The link's address; `clock` gives Unix ms."""

    def __init__(self, links: Links, *, language: str, clock: Callable[[], int]) -> None:
        self._links = links
        self._words = ACK_WORDS["en" if language == "en" else "vi"]
        self._language = language
        self._clock = clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Registers the address: GET shows, POST acknowledges."""
        router.add_get(PATH + "{token}", self._show)
        router.add_post(PATH + "{token}", self._acknowledge)

    async def _show(self, request: web.Request) -> web.Response:
        found = await _in_time(self._links.look(request.match_info["token"], self._clock()))
        if isinstance(found, str):
            return self._void(found)
        body = self._text(found) + (self._form(len(found.open)) if found.open else self._sentence("done"))
        return self._page(body, 200)

    async def _acknowledge(self, request: web.Request) -> web.Response:
        comment = await _comment(request)
        before = await _in_time(self._links.acknowledge(request.match_info["token"], self._clock(), comment=comment))
        if isinstance(before, str):
            return self._void(before)
        said = self._sentence("done_now", by=before.by, n=len(before.open)) if before.open else self._sentence("done")
        return self._page(self._text(before) + said, 200)

    def _void(self, why: Void) -> web.Response:
        return self._page(self._sentence(why), _STATUS[why])

    def _text(self, message: LinkedMessage) -> str:
        over = sum(not alarm.active for alarm in message.alarms)
        more = f" ({over}/{len(message.alarms)} {self._words.cleared})" if over else ""
        return f'<p class="text">{escape(message.text)}{escape(more)}</p>'

    def _form(self, number: int) -> str:
        words = self._words
        return (
            f'{self._sentence("waiting", n=number)}<form method="post"><label>{escape(words.comment)}'
            f'<input name="comment" maxlength="{MAX_COMMENT}"></label><button>{escape(words.button)}</button></form>'
        )

    def _sentence(self, name: str, **values: object) -> str:
        """In the site's language; below Vietnamese also small in English."""
        own = escape(_said(self._words, name, values))
        english = "" if self._language == "en" else f"<small lang=en>{escape(_said(ACK_WORDS['en'], name, values))}</small>"
        return f"<p>{own}{english}</p>"

    def _page(self, body: str, status: int) -> web.Response:
        title = escape(self._words.title)
        head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        page = f"<head>{head}<style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body>"
        html = f'<!doctype html><html lang="{self._language}">{page}</html>'
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8", headers=_HEADERS)


async def _in_time(looking: Awaitable[LinkedMessage | Void]) -> LinkedMessage | Void:
    try:
        async with asyncio.timeout(_SECONDS):
            return await looking
    except TimeoutError:
        raise ProblemError(503, f"No answer within {_SECONDS} seconds; try again.") from None


def _said(words: AckWords, name: str, values: dict[str, object]) -> str:
    pattern: str = getattr(words, name)
    return pattern.format(**values)


async def _comment(request: web.Request) -> str:
    """The form's remark on one line; 415 for anything but a form, so that nothing acknowledges by the way."""
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise ProblemError(415, "Press the button on the page, or send a form.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            form = await request.post()
    except TimeoutError:
        raise ProblemError(408, f"The form did not arrive within {BODY_SECONDS} seconds.") from None
    value = form.get("comment", "") if len(form) <= _FORM_FIELDS else ""
    return " ".join(value.split())[:MAX_COMMENT] if isinstance(value, str) else ""
