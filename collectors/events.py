"""The channels `event` and `status`."""

import json
import math
import re

import msgspec

from collectors.decode import read_seq, read_ts
from collectors.lenient import Json, RefusedError, parse_object
from ioc.domain.sample import Reason, Refusal

MAX_BODY = 4096
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class EventFields(msgspec.Struct, gc=False):
    """What an event payload says; `body` is its JSON, at most 4 KiB."""

    ts: int | None
    has_seq: bool
    name: str
    body: str
    refusals: tuple[Refusal, ...] = ()


def decode_event(payload: bytes) -> EventFields:
    """The event of a payload; RefusedError when it has no usable name."""
    document = parse_object(payload)
    name = document.get("event")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RefusedError(Reason.BAD_EVENT, "`event` must be a name like bulletin_started: [a-z][a-z0-9_]{0,63}")
    refusals: list[Refusal] = []
    ts = read_ts(document, refusals)
    has_seq = read_seq(document, refusals)
    return EventFields(ts, has_seq, name, _body(document, refusals), tuple(refusals))


def decode_status(payload: bytes) -> bool:
    """Whether a birth (True) or a Will (False); RefusedError otherwise."""
    online = parse_object(payload).get("online")
    if not isinstance(online, bool):
        raise RefusedError(Reason.BAD_STATUS, "`online` must be true or false")
    return online


def _body(document: Json, refusals: list[Refusal]) -> str:
    body = json.dumps(_finite(document, refusals), ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(body.encode())
    except UnicodeEncodeError:
        body = json.dumps(document, separators=(",", ":"))
        size = len(body)
    if size <= MAX_BODY:
        return body
    refusals.append(Refusal(Reason.TOO_LONG, f"the event's JSON has {size} bytes; at most {MAX_BODY} are stored", "body"))
    kept = {key: document[key] for key in ("ts", "seq", "event") if isinstance(document.get(key), str | int)}
    return json.dumps({**kept, "truncated": True}, separators=(",", ":"))[:MAX_BODY]


def _finite(node: object, refusals: list[Refusal]) -> object:
    if isinstance(node, float) and not math.isfinite(node):
        refusals.append(Refusal(Reason.NOT_FINITE, "a number in the event is not finite; stored as null", "body"))
        return None
    if isinstance(node, dict):
        return {key: _finite(value, refusals) for key, value in node.items()}
    if isinstance(node, list):
        return [_finite(value, refusals) for value in node]
    return node
