"""A message that is about no change of an alarm: a report, a reminder. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from alerts.message import MAX_TEXT, MessageDocument, cut
from ioc.domain.alarm import OutboxMessage
from ioc.domain.alarm_document import AlarmDocument
from ioc.domain.rfc3339 import to_rfc3339


def note(channels: Iterable[str], text: str, *, key: str, at: int, alarms: Sequence[AlarmDocument] = ()) -> tuple[OutboxMessage, ...]:
    """The text to each of the channels, as event `updated`; `alarms`: those that it is about, `at` in Unix ms."""
    document = MessageDocument(key=key, event="updated", at=to_rfc3339(at), text=cut(text, MAX_TEXT), alarms=list(alarms))
    body = msgspec.json.encode(document)
    return tuple(OutboxMessage(key=key, channel=channel, event="updated", at=at, body=body) for channel in channels)
