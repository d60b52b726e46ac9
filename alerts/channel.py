"""What a channel is to the outbox: it sends one message, or says why not."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from ioc.domain.alarm import OutboxMessage

Link = Callable[[OutboxMessage], str]
"""The link in a message by which its reader acknowledges; empty where there is none."""


class Fault(StrEnum):
    """Whose fault a failed attempt is."""

    CHANNEL = "channel"
    """Others would fail too: unreachable, overloaded, wrong credentials."""
    MESSAGE = "message"
    """The receiver refuses this message for good; others may pass."""
    LATER = "later"
    """Not now, but others may pass: a full mailbox, a quota of this recipient."""


class SendError(Exception):
    """A message was not taken; `detail` is a sentence without secrets, `retry_after_ms` the receiver's own wish."""

    def __init__(self, detail: str, *, fault: Fault = Fault.CHANNEL, retry_after_ms: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fault = fault
        self.retry_after_ms = retry_after_ms


class Channel(Protocol):
    """A way to people or programs."""

    async def send(self, message: OutboxMessage) -> str:
        """Delivers the message and answers with the receipt in a few words; SendError if it was not taken."""
        ...
