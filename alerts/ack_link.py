"""Links in messages that acknowledge: signed, expiring, each for one message on one channel. Pure; times are Unix ms."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Literal

PATH = "/a/"
"""Where links lead, below the address of the site."""
_SECOND_MS = 1000
_KEY_BYTES, _EXPIRY_BYTES, _MAC_BYTES = 12, 4, 16
_TOKEN = re.compile(r"(?P<channel>[a-z][a-z0-9_-]{0,31}(?:\.[a-z][a-z0-9_-]{0,31})?)\.(?P<rest>[A-Za-z0-9_-]{43})")
_MESSAGE_KEY = re.compile(r"[0-9a-f]{24}")
_PURPOSE = b"ioc-acknowledge-1"


@dataclass(frozen=True, slots=True)
class Target:
    """What a link names: the message, which lists its alarms, and the channel that carried it."""

    message: str
    channel: str


def sign(secret: bytes, target: Target, expires_at: int) -> str:
    """The token of a link; ValueError for a message key that is not one of ours."""
    if not _MESSAGE_KEY.fullmatch(target.message):
        msg = f"{target.message[:40]!r} is no message's key"
        raise ValueError(msg)
    content = bytes.fromhex(target.message) + (expires_at // _SECOND_MS).to_bytes(_EXPIRY_BYTES, "big")
    whole = content + _mac(secret, target.channel, content)
    return f"{target.channel}.{_text(whole)}"


def read(secret: bytes, token: str, now: int) -> Target | Literal["forged", "expired"]:
    """What the token names; `forged` for whatever this secret has not signed, also what an earlier one had."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return "forged"
    whole = base64.urlsafe_b64decode(match["rest"] + "=")
    content, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
    if _text(whole) != match["rest"] or not hmac.compare_digest(mac, _mac(secret, match["channel"], content)):
        return "forged"
    if now >= int.from_bytes(content[_KEY_BYTES:], "big") * _SECOND_MS:
        return "expired"
    return Target(content[:_KEY_BYTES].hex(), match["channel"])


def _text(whole: bytes) -> str:
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def _mac(secret: bytes, channel: str, content: bytes) -> bytes:
    return hmac.new(secret, b"\0".join((_PURPOSE, channel.encode(), content)), hashlib.sha256).digest()[:_MAC_BYTES]
