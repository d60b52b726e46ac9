"""What several handlers share: paging and instants."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

from ioc.api.documents import Page
from ioc.api.problem import ProblemError
from ioc.domain.alarm_document import Instant
from ioc.domain.rfc3339 import can_be_told, to_unix_ms

MAX_LIMIT = 1000
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
"""An id or a person's name."""
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
"""A reason or a comment."""
YesNo = Literal["true", "false"]
Source = TypeVar("Source")
Document = TypeVar("Document")


class Paged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Query of a list: at most `limit` items after `cursor`, the `next` of the page before."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = 100
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | msgspec.UnsetType = msgspec.UNSET


def given(value: Source | msgspec.UnsetType) -> Source | None:
    """A parameter's value, None where it was left out."""
    return None if value is msgspec.UNSET else value


def yes(value: YesNo | msgspec.UnsetType) -> bool | None:
    """A yes-or-no parameter; None where it was left out."""
    return None if value is msgspec.UNSET else value == "true"


def page(found: Sequence[Source], limit: int, document: Callable[[Source], Document], key: Callable[[Source], str]) -> Page[Document]:
    """The page of what was found when one more than `limit` was asked for."""
    items = found[:limit]
    return Page(items=[document(item) for item in items], next=key(items[-1]) if len(found) > limit else None)


def parse_instant(text: Instant | msgspec.UnsetType, name: str) -> int | None:
    """Unix ms of an RFC 3339 text; None where it was left out, 400 where it can't be read."""
    if text is msgspec.UNSET:
        return None
    # An offset's `+` that was not percent-encoded arrives as a blank.
    head, blank, offset = text.rpartition(" ")
    readable = f"{head}+{offset}" if blank and "T" in head else text
    try:
        ms = to_unix_ms(msgspec.convert(readable, Annotated[datetime, msgspec.Meta(tz=True)]))
    except msgspec.ValidationError as error:
        detail = f"{name!r}: {text[:60]!r} is no instant; write RFC 3339 with an offset, for example 2025-07-01T08:00:00+07:00."
        raise ProblemError(400, detail) from error
    if not can_be_told(ms):
        raise ProblemError(400, f"{name!r}: {text[:60]!r} lies outside 1970 to 2262, which is all that a store can hold.")
    return ms
