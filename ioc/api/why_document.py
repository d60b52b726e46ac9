"""Sentences about why somebody was told, as the API and the command line show them."""

from typing import Protocol

import msgspec

from ioc.domain.alarm_document import Instant
from ioc.domain.rfc3339 import to_rfc3339


class Sentence(Protocol):
    """A sentence and the moment (Unix ms) that it tells of."""

    @property
    def at(self) -> int:
        """Unix ms."""

    @property
    def text(self) -> str:
        """In the site's language."""


class WhyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of a trace."""

    at: Instant
    text: str


def why_document(line: Sentence) -> WhyDocument:
    """The document of a sentence."""
    return WhyDocument(at=to_rfc3339(line.at), text=line.text)
