"""Messages that no device should send: seeded, and of every kind that a decoder may stumble over."""

import json
import random
from collections.abc import Callable, Iterator

from e2e.message import Message

Dice = random.Random
_TOPIC = "ioc/v1/speaker/{}/telemetry"


def _noise(dice: Dice) -> bytes:
    return dice.randbytes(dice.randint(1, 400))


def _deep(dice: Dice) -> bytes:
    depth = dice.choice((17, 500, 5_000))
    return b'{"state":"idle","x":' + b"[" * depth + b"]" * depth + b"}"


def _unclosed(dice: Dice) -> bytes:
    return dice.choice((b"[", b'{"a":')) * dice.choice((100, 5_000))


def _wide(dice: Dice) -> bytes:
    return json.dumps({"state": "idle", **{f"k{n}": n for n in range(dice.choice((257, 2_000)))}}).encode()


def _bad_text(dice: Dice) -> bytes:
    return b'{"state":"' + dice.choice((b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80")) + b'"}'


def _surrogate(_dice: Dice) -> bytes:
    return rb'{"bulletin":"\ud800","volume":5}'


def _number(dice: Dice) -> bytes:
    value = dice.choice((b"NaN", b"Infinity", b"1e400", b"-1e400", b"%d" % 2**80, b"1" * 5_000, b"-0", b"1e-400", b"0x10"))
    return b'{"' + dice.choice((b"mains_v", b"volume", b"ts", b"seq")) + b'":' + value + b"}"


def _wrong(dice: Dice) -> bytes:
    return json.dumps({dice.choice(("state", "volume", "mains_v", "ts")): dice.choice(([], {}, "loud", True, None, "9" * 200))}).encode()


def _cut(dice: Dice) -> bytes:
    whole = b'{"ts":1700000000000,"state":"idle","volume":70}'
    return whole[: dice.randint(1, len(whole) - 1)]


def _empty(_dice: Dice) -> bytes:
    return b""


def _large(dice: Dice) -> bytes:
    return b'{"state":"idle","pad":"' + b"x" * dice.choice((65_536, 70_000)) + b'"}'


def _not_object(dice: Dice) -> bytes:
    return dice.choice((b"null", b"true", b"17", b'"text"', b"[1,2,3]"))


KINDS: dict[str, Callable[[Dice], bytes]] = {
    "noise": _noise, "deep": _deep, "unclosed": _unclosed, "wide": _wide, "bad text": _bad_text, "surrogate": _surrogate, "number": _number,
    "wrong type": _wrong, "cut": _cut, "empty": _empty, "not an object": _not_object,
}  # fmt: skip
BOMBS = ("deep", "unclosed", "wide")
"""Large and slow to read: one message in a hundred each, the other kinds share the rest."""
BAD_TOPICS = (
    "ioc/v1/speaker/../telemetry", "ioc/v1/speaker//telemetry", "ioc/v1/boat/X/telemetry", "ioc/v1/speaker/X/cmd", "ioc/v1/speaker/X",
    "ioc/v1/speaker/" + "x" * 65 + "/telemetry", "ioc/v1/speaker/X/telemetry/more", "ioc/v1/SPEAKER/X/telemetry",
    "ioc/v1/speaker/ổ/telemetry",
)  # fmt: skip


def poison(count: int, *, seed: int, devices: int = 500, large_every: int = 2_000) -> Iterator[Message]:
    """`count` messages: every kind by chance, 5 % on wrong topics, one of `large_every` beyond 64 KiB."""
    dice = random.Random(seed)
    names = list(KINDS)
    weights = [1.0 if name in BOMBS else (100 - len(BOMBS)) / (len(KINDS) - len(BOMBS)) for name in names]
    for n in range(count):
        name = "large" if n % large_every == large_every - 1 else dice.choices(names, weights)[0]
        payload = _large(dice) if name == "large" else KINDS[name](dice)
        topic = dice.choice(BAD_TOPICS) if dice.random() < 0.05 else _TOPIC.format(f"BAD-{dice.randrange(devices):03}")
        yield Message(n, topic, payload, name)
