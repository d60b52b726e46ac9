"""Paging cursors: the sort key of the last row shown, as opaque text."""

import base64
import binascii
from typing import TypeVar

import msgspec

from ioc.domain.state import CursorError

Key = TypeVar("Key")
MAX_LENGTH = 1024


def encode_cursor(key: tuple[int | str, ...]) -> str:
    """Text that can stand in a URL as it is."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str, kind: type[Key]) -> Key:
    """The sort key; CursorError for any text that a list of this kind has not given."""
    try:
        text = base64.b64decode(cursor[:MAX_LENGTH].encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(text, type=kind)
    except (UnicodeError, binascii.Error, msgspec.MsgspecError) as error:
        msg = f"cursor {cursor[:40]!r} was not given by this list; use the `next` of its last page, or none for the first"
        raise CursorError(msg) from error
