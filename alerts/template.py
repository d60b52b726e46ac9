"""Texts with named fields of a message, as channels declare them: `{headline}`, or `{headline:100}` cut to 100 characters. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from alerts.cutting import boundary

FIELDS = {
    "key": "the idempotency key",
    "event": "raised, updated or cleared",
    "at": "when the message was written, RFC 3339 UTC",
    "text": "the whole text with the link, in the channel's form",
    "tag": "what stands in brackets at the text's beginning: CAO, ĐÃ KHẮC PHỤC …",
    "headline": "the text without the brackets, up to what is to be done: where, what, since when",
    "link": "the link that acknowledges, empty where there is none",
    "to": "the channel's `to`",
    "severity": "of the most severe alarm: critical, major, minor, info",
    "count": "how many alarms the message names",
    "rule": "of the most severe alarm, as the next five",
    "device": "",
    "unit": "",
    "summary": "",
    "action": "",
    "alarm": "its id",
}
"""Every field that a message has, and what it holds."""
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)(?::([0-9]{1,4}))?\}")


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text with its fields replaced; a value is never read as a template. KeyError for a field that `check` would have refused."""

    def replaced(match: re.Match[str]) -> str:
        value = values[match[1]]
        return value if match[2] is None else value[: boundary(value, int(match[2]))]

    return _FIELD.sub(replaced, template)


def fill_all(node: object, values: Mapping[str, str]) -> object:
    """A JSON document with every text in it filled; keys stay as they are."""
    if isinstance(node, str):
        return fill(node, values)
    if isinstance(node, dict):
        return {key: fill_all(below, values) for key, below in node.items()}
    if isinstance(node, list):
        return [fill_all(below, values) for below in node]
    return node


def texts_in(node: object) -> Iterator[str]:
    """Every text in a JSON document, keys left out."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for below in node.values():
            yield from texts_in(below)
    elif isinstance(node, list):
        for below in node:
            yield from texts_in(below)


def check(node: object, known: Iterable[str]) -> None:
    """ValueError names a field in braces that nobody fills."""
    names = list(known)
    for text in texts_in(node):
        for name in (match[1] for match in _FIELD.finditer(text)):
            if name not in names:
                near = difflib.get_close_matches(name, names, 1, 0.6)
                msg = f"there is no field `{{{name}}}`; " + (
                    f"did you mean `{{{near[0]}}}`?" if near else f"known fields: {', '.join(names)}"
                )
                raise ValueError(msg)
