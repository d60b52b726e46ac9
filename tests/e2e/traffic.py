"""Seeded traffic whose every message has a known fate."""

import random
from collections.abc import Iterator

from e2e.message import Message, event, telemetry
from e2e.server import rule

_FAULTY = ("wrong_type", "cut", "no_ts", "overflow")


def accounting(count: int, *, seed: int, base: int, devices: int = 200, root: str = "ioc/v1") -> Iterator[Message]:
    """`count` messages of loudspeakers, 1 % each with a wrong type, cut JSON, no `ts`, `1e400`; times from `base` (Unix ms) on.

    Each device speaks every 100 ms of its own time, so that `count / devices` messages take that many tenths of a second.
    """
    dice = random.Random(seed)
    share = count // 100
    kinds = [kind for kind in _FAULTY for _ in range(share)]
    kinds += ["good"] * (count - len(kinds))
    dice.shuffle(kinds)
    for n, kind in enumerate(kinds):
        device = f"SPK-{n % devices:04}"
        ts = base + 100 * (n // devices)
        good = {
            "state": "idle",
            "volume": dice.randint(0, 100),
            "mains_v": round(dice.uniform(210, 240), 1),
            "rssi_dbm": -dice.randint(60, 100),
        }
        match kind:
            case "wrong_type":
                yield telemetry(n, device, ts, kind=kind, root=root, **(good | {"volume": "loud"}))
            case "no_ts":
                yield telemetry(n, device, None, kind=kind, root=root, **good)
            case "cut":
                whole = telemetry(n, device, ts, kind=kind, root=root, **good)
                whole.payload = whole.payload[: dice.randint(2, len(whole.payload) - 2)]
                yield whole
            case "overflow":
                whole = telemetry(n, device, ts, kind=kind, root=root, **(good | {"mains_v": 0}))
                whole.payload = whole.payload.replace(b'"mains_v": 0', b'"mains_v": 1e400')
                yield whole
            case _:
                yield telemetry(n, device, ts, kind=kind, root=root, **good)


ASKED = (
    rule("hot", {"kind": "threshold", "metric": "amp_temp_c", "above": 80, "clear_below": 70}),
    rule(
        "silent",
        {
            "all": [
                {"kind": "state", "metric": "state", "is": "playing"},
                {"kind": "threshold", "metric": "audio_dbfs", "below": -50, "clear_above": -45},
            ]
        },
        **{"for": "5s"},
    ),
    rule("mains_low", {"kind": "threshold", "metric": "mains_v", "below": 180}, **{"for": "3s"}, keep_firing_for="4s"),
    rule("tamper", {"kind": "event", "name": "tamper"}, keep_firing_for="20s"),
)
"""Rules that `steady` gives work to: with and without `for`, by threshold, state and event."""
_EPISODE_S = (20.0, 40.0)
_QUIET_S = (15.0, 60.0)


class Steady:
    """A seeded province under steady load: `rate` messages a second, 5 % without `ts`, 2 % events, and devices that fall ill and recover.

    Messages without `ts` come from devices without a clock: a time that we assign and one that a device claims may fall on
    the same millisecond, and are one point then.
    """

    def __init__(
        self,
        *,
        seconds: float,
        rate: int,
        seed: int,
        base: int,
        mixed: bool = False,
        devices: int = 200,
        clockless: int = 20,
        root: str = "ioc/v1",
    ) -> None:
        """`mixed`: messages without `ts` come from the devices that otherwise send one."""
        self._mixed = mixed
        self._dice = random.Random(seed)
        self._rate = rate
        self._base = base
        self._root = root
        self.count = int(seconds * rate)
        self.with_clock = [f"SPK-{n:04}" for n in range(devices)]
        self.without_clock = [f"OLD-{n:03}" for n in range(clockless)]
        self._ill = {
            (device, ailment): list(self._episodes(seconds)) for device in (*self.with_clock, *self.without_clock) for ailment in range(3)
        }

    def rows(self) -> list[tuple[str, str]]:
        """The devices file's rows."""
        return [(device, "speaker") for device in (*self.with_clock, *self.without_clock)]

    def messages(self) -> Iterator[Message]:
        """In order; times lie on a grid of 1/rate seconds from `base` on."""
        for n in range(self.count):
            at = n / self._rate
            ts = self._base + round(at * 1000)
            chance = self._dice.random()
            if chance < 0.05 and self._mixed:
                yield self._telemetry(n, self.with_clock[n % len(self.with_clock)], None, at)
            elif chance < 0.05:
                device = self._dice.choice(self.without_clock)
                yield telemetry(n, device, None, kind="no_ts", root=self._root, amp_temp_c=90.0 if self._is_ill(device, 0, at) else 40.0)
            elif chance < 0.07:
                name = self._dice.choice(("tamper", "reboot", "bulletin_started", "bulletin_ended"))
                yield event(n, self._dice.choice(self.with_clock), ts, name, root=self._root)
            else:
                yield self._telemetry(n, self.with_clock[n % len(self.with_clock)], ts, at)

    def _telemetry(self, n: int, device: str, ts: int | None, at: float) -> Message:
        playing = self._is_ill(device, 1, at)
        return telemetry(
            n,
            device,
            ts,
            kind="good" if ts else "no_ts",
            root=self._root,
            state="playing" if playing else "idle",
            audio_dbfs=-70.0 if playing else -20.0,
            amp_temp_c=90.0 if self._is_ill(device, 0, at) else 40.0,
            mains_v=150.0 if self._is_ill(device, 2, at) else 225.0,
        )

    def _is_ill(self, device: str, ailment: int, at: float) -> bool:
        return any(start <= at < end for start, end in self._ill[device, ailment])

    def _episodes(self, seconds: float) -> Iterator[tuple[float, float]]:
        at = self._dice.uniform(1.0, _QUIET_S[1])
        while at < seconds - 10.0:
            end = at + self._dice.uniform(*_EPISODE_S)
            yield at, end
            at = end + self._dice.uniform(*_QUIET_S)
