"""A message's document as channels read it, and the fields that their templates name. Pure."""

import re

import msgspec

from alerts.message import MessageDocument
from alerts.wording import WORDS
from ioc.domain.alarm import SEVERITY_RANK

_TAG = re.compile(r"\[([^\]]*)\] ?")
_TO_DO = re.compile(r"\. (?:" + "|".join(re.escape(words.action.partition(":")[0]) for words in WORDS.values()) + ")")
"""Where the text begins to say what to do. A full stop alone ends nothing: names have them, too (Tp. Việt Trì)."""


def read_document(body: bytes) -> MessageDocument:
    """A message's document; msgspec.DecodeError where the bytes are none."""
    return msgspec.json.decode(body, type=MessageDocument)


class _Named(msgspec.Struct):
    alarms: list[msgspec.Raw] = []


def names_alarms(body: bytes) -> bool:
    """Whether a message's document is about any alarm; msgspec.DecodeError where the bytes are none."""
    return bool(msgspec.json.decode(body, type=_Named).alarms)


def fields_of(document: MessageDocument, *, text: str, link: str, to: str) -> dict[str, str]:
    """The fields' values for one message; `text` is already in the channel's form."""
    alarm = min(document.alarms, key=lambda one: SEVERITY_RANK[one.severity], default=None)
    tag = _TAG.match(document.text)
    first = document.text[tag.end() if tag else 0 :].partition("\n")[0]
    headline = _TO_DO.split(first, maxsplit=1)[0].rstrip(".")
    return {
        "key": document.key,
        "event": document.event,
        "at": document.at,
        "text": text,
        "tag": tag[1] if tag else "",
        "headline": headline,
        "link": link,
        "to": to,
        "count": str(len(document.alarms)),
        "severity": "" if alarm is None else alarm.severity.value,
        "rule": "" if alarm is None else alarm.rule,
        "device": (alarm.device if alarm else None) or "",
        "unit": (alarm.unit if alarm else None) or "",
        "summary": alarm.summary if alarm else "",
        "action": alarm.action if alarm else "",
        "alarm": alarm.id if alarm else "",
    }
