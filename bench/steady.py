"""The publisher of `sustained.py`, a process of its own: loudspeakers and lines in turn at a rate, payloads made beforehand.

    python bench/steady.py --port 1883 --devices 6105 --lines 200 --rate 2800 --seconds 60

Prints {"speaker": messages, "bench_line": messages, "values": values, "late_s": how far behind its rate it was at most} at the end.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter

import feed
from footprint import Province

LINE_EVERY = 5
"""One message in five comes from a line: 19 or 50 values a message make 25 on average."""
_TURN_S = 0.02


class Mix:
    """Payloads of every device, sent again and again with the time of the moment."""

    def __init__(self, devices: int, lines: int) -> None:
        dice = random.Random(3)
        speakers = Province(devices)
        self._speakers = [
            (message.topic.encode(), *_without_time(json.loads(message.payload))) for message in speakers.messages(rate=devices, seconds=1)
        ]
        self._lines = [
            (
                f"ioc/v1/bench_line/BENCH-{n:04}/telemetry".encode(),
                *_without_time({"good_count": n} | {f"value_{m:02}": round(dice.uniform(0, 1000), 2) for m in range(1, 50)}),
            )
            for n in range(lines)
        ]
        self._n = 0
        self.sent: Counter[str] = Counter()

    def take(self, count: int) -> list[feed.Packet]:
        """The next messages, all of this moment; a device comes again no sooner than a millisecond later."""
        packets, now = [], int(time.time() * 1000)
        for _ in range(count):
            turn, at = divmod(self._n, LINE_EVERY)
            self._n += 1
            family, pool = ("bench_line", self._lines) if at == 0 else ("speaker", self._speakers)
            topic, rest, values = pool[turn % len(pool) if at == 0 else (turn * (LINE_EVERY - 1) + at - 1) % len(pool)]
            packets.append(feed.packet(topic, b'{"ts": %d, %s' % (now, rest)))
            self.sent[family] += 1
            self.sent["values"] += values
        return packets


def _without_time(body: dict[str, object]) -> tuple[bytes, int]:
    body.pop("ts", None)
    return json.dumps(body)[1:].encode(), len(body)


async def publish(options: argparse.Namespace) -> None:
    """Publishes and reports."""
    mix = Mix(options.devices, options.lines)
    connection = await feed.connect(options.port, "bench-steady")
    began, late, due_before = time.monotonic(), 0.0, 0
    total = int(options.rate * options.seconds)
    while due_before < total:
        due = min(total, int((time.monotonic() - began) * options.rate), due_before + feed.WINDOW)
        if due > due_before:
            await connection.send(mix.take(due - due_before))
            due_before = due
        late = max(late, time.monotonic() - began - due / options.rate)
        await asyncio.sleep(_TURN_S)
    await connection.close()
    print(json.dumps(dict(mix.sent) | {"late_s": round(late, 2)}))


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--devices", type=int, default=6_105)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--rate", type=float, default=2_800)
    parser.add_argument("--seconds", type=float, default=60)
    asyncio.run(publish(parser.parse_args()))


if __name__ == "__main__":
    main()
