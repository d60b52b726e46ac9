"""When a message goes to the fallback of its channel. Pure; times are Unix ms."""

from dataclasses import dataclass

import msgspec

from alerts.channel import Fault, SendError
from ioc.domain.alarm import OutboxMessage
from ioc.domain.state import PendingMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """The channel that gets what another does not take within `after` ms."""

    channel: str
    after: int


def handed(row: PendingMessage, fallback: Fallback) -> OutboxMessage:
    """The message for the fallback: the same key, so that all attempts on all channels are one message's."""
    return msgspec.structs.replace(row.message, channel=fallback.channel)


def deadline(row: PendingMessage, failing_since: int | None, after: int) -> int | None:
    """When a waiting message goes to the fallback; None = open.

    When its channel has failed for `after`, or fails and the message is so old, or when it was tried and is so old. Its age counts, since
    a restart forgets how long the channel has failed.
    """
    old = row.message.at + after
    if row.attempts:
        return old if failing_since is None else min(old, failing_since + after)
    return None if failing_since is None else min(max(old, failing_since), failing_since + after)


def is_for_fallback(row: PendingMessage, error: SendError, now: int, *, failing_since: int | None, after: int) -> bool:
    """Whether a message goes to the fallback right after this failure; one that the receiver refuses for good does not wait."""
    if error.fault is Fault.MESSAGE:
        return True
    since = now if failing_since is None and error.fault is Fault.CHANNEL else failing_since
    at = deadline(msgspec.structs.replace(row, attempts=row.attempts + 1), since, after)
    return at is not None and at <= now
