"""Seeded session content: what thousands of loudspeakers and some factory lines say, as bytes that cost nothing to send again."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from feed import Packet, packet
from footprint import Province

_SPAN_MS = 1_500
"""Over which a device's messages lie; no two of a device carry the same time, so that each is a point of its own."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Messages of one measurement."""

    measurement: str
    field: str
    """In each of its messages."""
    messages: int
    values: int


class Content:
    """`count` messages over `devices` devices in turn, one in ten messages from a factory line; the same seed gives the same content.

    `first` messages were sent before: the devices whose turn it is then begin.
    """

    def __init__(self, *, count: int, devices: int, lines: int = 40, line_every: int = 10, first: int = 0, seed: int = 11) -> None:
        dice = random.Random(seed + first)
        rows = Province(devices).rows
        units = sorted({row[2] for row in rows})
        self.rows = [*rows, *((f"LINE-{n:04}", "factory_line", units[n % len(units)], f"Dây chuyền {n}") for n in range(lines))]
        self._parts: list[tuple[bytes, float, bytes]] = []
        """(topic, when within the span as a share of it, payload without its time)."""
        counts = {"speaker": [0, 0], "factory_line": [0, 0]}
        begun = {"speaker": first - first // line_every, "factory_line": first // line_every}
        turns = dict(begun)
        for n in range(first, first + count):
            family = "factory_line" if n % line_every == line_every - 1 else "speaker"
            turn, among = turns[family], devices if family == "speaker" else lines
            turns[family] += 1
            device = f"SPK-{turn % among:05}" if family == "speaker" else f"LINE-{turn % among:04}"
            body = _loudspeaker(dice, n) if family == "speaker" else _line(dice, n)
            counts[family][0] += 1
            counts[family][1] += len(body)
            when = (turn - begun[family]) // among / -(-count // among)
            self._parts.append((f"ioc/v1/{family}/{device}/telemetry".encode(), when, json.dumps(body)[1:].encode()))
        fields = {"speaker": "uptime_s", "factory_line": "good_count"}
        self.kinds = [Kind(family, fields[family], *sums) for family, sums in counts.items() if sums[0]]
        self.messages = count
        self.values = sum(kind.values for kind in self.kinds)

    def packets(self, now: int) -> Iterator[Packet]:
        """For `feed`; times end at `now` (Unix ms)."""
        began = now - _SPAN_MS
        for topic, when, rest in self._parts:
            payload = b'{"ts": %d, %s' % (began + int(when * _SPAN_MS), rest)
            yield packet(topic, payload)


def _loudspeaker(dice: random.Random, n: int) -> dict[str, object]:
    return {
        "uptime_s": n,
        "state": "idle",
        "volume": 70,
        "audio_dbfs": round(dice.uniform(-90, -80), 1),
        "amp_temp_c": round(dice.uniform(35, 45), 1),
        "board_temp_c": round(dice.uniform(35, 45), 1),
        "load_ohm": round(dice.uniform(7.5, 8.5), 2),
        "mains_v": round(dice.uniform(215, 235), 1),
        "rssi_dbm": dice.randint(-90, -60),
        "carrier": dice.choice(("Viettel", "VinaPhone", "MobiFone")),
        "door_open": False,
    }


def _line(dice: random.Random, n: int) -> dict[str, object]:
    return {
        "good_count": n,
        "state": "execute",
        "mode": "production",
        "reject_count": n // 50,
        "ideal_cycle_s": 2.0,
        "speed_per_min": round(dice.uniform(28, 30), 2),
        "power_kw": round(dice.uniform(44, 48), 2),
        "energy_kwh": 81_000.0 + n,
    }
