"""Whatever bytes come: targets that must answer and never raise, and a mutator that feeds them.

With atheris on the path, `python bench/faults/coverage.py TARGET SECONDS` feeds the same targets by coverage.
"""

import random
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from alerts.rule import RuleFile
from alerts.rule_check import rule_faults
from collectors.decode import compile_decoder
from collectors.delivery import Delivery
from collectors.events import decode_event, decode_status
from collectors.ingest import Ingest
from collectors.lenient import RefusedError
from collectors.points import PointEncoder
from collectors.redelivery import RedeliveryMemory
from harm.line_reader import Reader
from harm.poison import KINDS
from ioc.adapters.line_protocol import LineEncoder
from ioc.config.document import parse_document
from ioc.config.problem import ConfigError
from ioc.config.validation import validate
from ioc.domain.point import Point
from ioc.domain.topic import TopicParts, parse_topic
from ruling.stage import FAMILIES, NOON

Target = Callable[[bytes], None]
_DECODERS: list[Callable[[bytes], object]] = [*map(compile_decoder, FAMILIES.values()), decode_event, decode_status]
_TOPICS = (b"ioc/v1/speaker/d1/telemetry", b"ioc/v1/speaker/d1/event", b"ioc/v1/factory_line/l1/telemetry", b"ioc/v1/speaker/d1/status")
_ENCODER = LineEncoder()
_POINTS = PointEncoder(FAMILIES)
_ingest: list[Ingest] = []


def decoders(data: bytes) -> None:
    """One of the families' decoders, the events' or the births'."""
    with suppress(RefusedError):
        _DECODERS[zlib.crc32(data) % len(_DECODERS)](data)


def topics(data: bytes) -> None:
    """Parts that are what the contract allows, or a sentence."""
    text = data.decode(errors="surrogateescape")
    for topic in (text, f"ioc/v1/{text}"):
        parts = parse_topic(topic, "ioc/v1")
        if isinstance(parts, TopicParts):
            assert topic == f"ioc/v1/{parts.family}/{parts.device}/{parts.channel}"
            assert parts.device not in {".", ".."}
            assert not set(parts.device) & set("+#/\0\n ,=")


def ingest(data: bytes) -> None:
    """The whole way from a delivery to a point in line protocol; the first byte chooses the topic, the next what came with it."""
    if not _ingest or _ingest[0].devices > 1_000:
        _ingest[:] = [Ingest(FAMILIES, topic_root="ioc/v1", history_limit=90 * 86_400_000, redelivery=RedeliveryMemory())]
    choice, flags = (*data[:2], 0, 0)[:2]
    topic = _TOPICS[choice] if choice < len(_TOPICS) else data[2:40]
    delivery = Delivery(topic, data[2:], NOON + len(data), 1, 1, dup=bool(flags & 1), retain=bool(flags & 2), backlog=bool(flags & 4))
    (taken,) = _ingest[0].read([delivery])
    assert not any(refusal.reason == "fault" for refusal in taken.refusals), taken.refusals
    point = _POINTS.point(taken)
    if point is not None:
        assert point.ts <= delivery.arrival
        _check(point)


def rules(data: bytes) -> None:
    """A rule file: rules, or problems with their places."""
    text = data.decode(errors="replace")
    with suppress(ConfigError):
        for rule in validate(RuleFile, parse_document(text, "rules.yaml")).rules:
            list(rule_faults(rule, FAMILIES))


def lines(data: bytes) -> None:
    """A point of any text is one line that reads back as that point, or is refused."""
    measurement, tag, name, text = [*data.decode(errors="surrogateescape").split("\x1f"), "m", "v", "x"][:4]
    _check(Point.of(measurement, (("device", tag),), {name: text, "n": len(data)}, NOON))


def _check(point: Point) -> None:
    try:
        line = _ENCODER.line(point)
    except ValueError:
        return
    tags = tuple((name, value) for name, value in point.tags if value)
    assert Reader(line.decode()).points() == [Point.of(point.measurement, tags, point.fields, point.ts)]


TARGETS: dict[str, Target] = {"decoders": decoders, "topics": topics, "ingest": ingest, "rules": rules, "lines": lines}
_RULE = (
    b"rules:\n  - id: hot\n    family: speaker\n    when: {kind: threshold, metric: amp_temp_c, above: 80, clear_below: 70}\n"
    b"    for: 60s\n"
    b"    severity: major\n    summary: {vi: a, en: a}\n    cause: {vi: a, en: a}\n"
    b"    consequence: {vi: a, en: a}\n    action: {vi: a, en: a}\n"
)
_GOOD = (
    b'{"ts":1735707600000,"seq":5,"state":"playing","volume":70,"amp_temp_c":40.5,"bulletin":"b\\u1ea3n","door_open":true,"event":"tamper"}'
)


def seeds(name: str, dice: random.Random) -> list[bytes]:
    """Where the mutator begins."""
    match name:
        case "topics":
            return [b"ioc/v1/speaker/SPK-1/telemetry", b"speaker/../telemetry", "loa/phường/ổ".encode()]
        case "rules":
            return [_RULE]
        case "lines":
            return [b"speaker\x1fSPK-1\x1fstate\x1fidle", 'm m,=\x1fx, y\\\x1ff\x1f"hai\ndòng\\"'.encode()]
    payloads = [_GOOD, b'{"online":true}', *(make(dice) for make in KINDS.values())]
    return payloads if name == "decoders" else [bytes((n % 5, n % 8)) + payload for n, payload in enumerate(payloads)]


_BITS = (
    b"\0",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b",",
    b":",
    b"\n",
    b"\xff",
    b"\xed\xa0\x80",
    b"NaN",
    b"1e400",
    b"-",
    b"9" * 25,
    b"null",
    "ộ".encode(),
    b"*a",
    b"&a",
)


def mutated(seed: bytes, other: bytes, dice: random.Random) -> bytes:
    """A few changes: bytes flipped, cut, doubled, spliced, or telling tokens put in."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        at = dice.randint(0, len(data))
        match dice.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << dice.randrange(8)
            case 1:
                data[at:at] = dice.choice(_BITS)
            case 2:
                del data[at : at + dice.randint(1, 12)]
            case 3:
                data[at:at] = data[at : at + dice.randint(1, 40)]
            case 4:
                data[at:] = other[dice.randint(0, len(other)) :]
            case _:
                data[at:at] = dice.randbytes(dice.randint(1, 8))
    return bytes(data[:70_000])


@dataclass(slots=True)
class Fed:
    """What came of it; times are of this thread's processor, so that other work on the machine does not count."""

    runs: int = 0
    uncaught: dict[str, bytes] = field(default_factory=dict)
    worst_ms: float = 0.0
    worst: bytes = b""


def feed(name: str, *, runs: int | None = None, seconds: float | None = None, seed: int = 1) -> Fed:
    """So many inputs, or for so long."""
    target, fed, dice = TARGETS[name], Fed(), random.Random(f"{name} {seed}")
    end = None if seconds is None else time.monotonic() + seconds
    for data in _inputs(seeds(name, dice), dice):
        if fed.runs == runs or (end is not None and time.monotonic() > end):
            break
        fed.runs += 1
        began = time.thread_time()
        try:
            target(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            fed.uncaught.setdefault(f"{type(error).__name__}: {error}"[:200], data)
        took = (time.thread_time() - began) * 1000
        if took > fed.worst_ms:
            # The collector of garbage may have run just now: the same input again says what is its own.
            took = min(took, *(_again(target, data) for _ in range(4)))
        if took > fed.worst_ms:
            fed.worst_ms, fed.worst = took, data
    return fed


def _again(target: Target, data: bytes) -> float:
    began = time.thread_time()
    with suppress(Exception):
        target(data)
    return (time.thread_time() - began) * 1000


def _inputs(pool: list[bytes], dice: random.Random) -> Iterator[bytes]:
    yield from pool
    while True:
        data = mutated(dice.choice(pool), dice.choice(pool), dice)
        yield data
        if dice.random() < 0.02:
            pool[dice.randrange(len(pool))] = data
