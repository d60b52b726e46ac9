"""What a publisher sends: one message with the class it belongs to."""

import json
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Message:
    """One PUBLISH; `n` numbers it within its run, `kind` says what should become of it."""

    n: int
    topic: str
    payload: bytes
    kind: str = "good"
    device: str = ""
    ts: int | None = None
    """The time it carries, Unix ms."""
    retain: bool = False
    sent_at: float = field(default=0.0, compare=False)
    """When it was written to the socket first, Unix ms."""


def telemetry(
    n: int, device: str, ts: int | None, *, family: str = "speaker", kind: str = "good", root: str = "ioc/v1", **values: object
) -> Message:
    """Telemetry that carries its number: `uptime_s` of loudspeakers, `good_count` of lines."""
    number = {"speaker": "uptime_s", "factory_line": "good_count"}.get(family)
    body = ({} if ts is None else {"ts": ts}) | ({} if number is None else {number: n}) | values
    return Message(n, f"{root}/{family}/{device}/telemetry", json.dumps(body).encode(), kind, device, ts)


def event(n: int, device: str, ts: int, name: str, *, family: str = "speaker", kind: str = "event", root: str = "ioc/v1") -> Message:
    """An event that carries its number as `n`."""
    body = {"ts": ts, "event": name, "n": n}
    return Message(n, f"{root}/{family}/{device}/event", json.dumps(body).encode(), kind, device, ts)


def status(
    device: str, *, online: bool, ts: int | None = None, family: str = "speaker", retain: bool = True, root: str = "ioc/v1"
) -> Message:
    """A birth or a Will."""
    body = {"online": online} | ({} if ts is None else {"ts": ts})
    return Message(0, f"{root}/{family}/{device}/status", json.dumps(body).encode(), "status", device, ts, retain)
