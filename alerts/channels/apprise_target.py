"""Apprise: one target, which may be mail, SMS, a chat or any other of its services."""

from typing import TYPE_CHECKING

import msgspec

from alerts.channel import Link, SendError
from alerts.cutting import fit
from alerts.one_call import OneCall
from ioc.domain.alarm import OutboxMessage

if TYPE_CHECKING:
    import apprise

MAX_TITLE = 200
_BREAK = 2


class _Text(msgspec.Struct):
    text: str


class AppriseTarget:
    """One Apprise URL. Its calls block, so they run in a thread of their own, one at a time."""

    def __init__(self, url: str, *, link: Link, timeout_s: float = 10.0) -> None:
        self._url = url
        self._link = link
        self._timeout_s = timeout_s
        self._kind = url.partition("://")[0]
        self._calls = OneCall(self._kind, timeout_s=timeout_s)
        self._target: apprise.Apprise | None = None

    async def send(self, message: OutboxMessage) -> str:
        """The service's kind; SendError if it refuses or takes longer than the timeout."""
        title, body = split(msgspec.json.decode(message.body, type=_Text).text)
        try:
            taken = await self._calls.run(self._notify, title, body, self._link(message))
        except ValueError as error:
            raise SendError(str(error)) from None
        if not taken:
            detail = f"{self._kind} refused the message or can't be reached"
            raise SendError(detail)
        return f"{self._kind} took it"

    def close(self) -> None:
        """Waits for nothing: a call that hangs ends with its own timeout."""
        self._calls.close()

    def _notify(self, title: str, body: str, link: str) -> bool:
        if self._target is None:
            self._target = load(self._url, timeout_s=self._timeout_s)
        # What a service can't carry it would cut itself, the link first. Without titles of its own it gets ours before the body.
        most = max(len(link), self._target[0].body_maxlen - len(title) - _BREAK)
        return bool(self._target.notify(body=fit(body, link, most), title=title, body_format="text"))


def load(url: str, *, timeout_s: float = 10.0) -> "apprise.Apprise":
    """The target behind an Apprise URL, which never follows redirects; ValueError if Apprise doesn't know such a URL."""
    import apprise  # noqa: PLC0415  costs most of a second, and most sites need it only when an alarm comes

    asset = apprise.AppriseAsset(http_redirects=False, service_timeout=timeout_s, app_id="ioc-monitor")
    target = apprise.Apprise(asset=asset)
    if not target.add(url) or len(target) != 1:
        msg = f"{url.partition('://')[0]}:// … is not a URL of one Apprise service"
        raise ValueError(msg)
    return target


def split(text: str) -> tuple[str, str]:
    """Title and body: the first sentence of the first line and the rest, so that services without titles repeat nothing."""
    head, _, rest = text.partition("\n")
    first, stop, more = head.partition(". ")
    title = first + stop.strip()
    body = "\n".join(part for part in (more, rest) if part)
    return (title, body) if body and len(title) <= MAX_TITLE else ("", text)
