"""A commune's loudspeakers fall within a minute, and three faults that have nothing to do with it happen inside that minute."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harm.night import FINE, Night, speakers
from ioc.domain.sample import Value

UNIT = 200
"""Devices of the commune that falls."""
UNRELATED = 3
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class Told:
    """What people were told."""

    outage: list[str]
    """Events of the messages about several of the commune's devices."""
    alone: int
    """Messages about one of them by itself."""
    unrelated: list[str]
    """Events of the others."""
    delay_s: int
    """The longest time from an unrelated alarm to its message."""
    open: int
    """Alarms of the commune's devices that are active in the end."""


Values = Callable[[str], Mapping[str, Value] | None]


async def live_through(devices: int, seed: int, *, spread_s: int = 0) -> Told:
    """All of one unit fall silent within `spread_s` (0 = a power cut); elsewhere one falls silent, two report a fault, within a minute.

    The unit comes back as it went; the three stay as they are.
    """
    chance = random.Random(seed)
    night = Night(speakers(devices, unit_size=UNIT), incidents={}, flapping={})
    await night.begin()
    unit = chance.randrange(devices // UNIT)
    fallen = {one.device: night.second + chance.randint(0, spread_s) for one in night.devices if one.unit == f"u{unit}"}
    others = [one.device for one in night.devices if one.unit != f"u{unit}"]
    gone, *faulty = chance.sample(others, UNRELATED)
    at = {device: night.second + chance.randrange(60) for device in (gone, *faulty)}
    back: dict[str, int] = {}

    def values(device: str) -> Mapping[str, Value] | None:
        away = fallen if device in fallen else {gone: at[gone]}
        if away.get(device, _NEVER) <= night.second < back.get(device, _NEVER):
            return None
        return {"state": "fault"} if device in faulty and at[device] <= night.second else FINE

    await night.live(15 * 60, values)
    back.update({device: night.second + chance.randint(0, spread_s) for device in fallen})
    await night.live(15 * 60, values)
    raised = {(one.rule, one.device): one.recorded for one in night.of("raised")}
    about = [message for message in night.messages if any(device in fallen for _, device in message.alarms)]
    others_told = [message for message in night.messages if message not in about]
    return Told(
        outage=[message.event for message in about if len(message.alarms) > 1],
        alone=sum(len(message.alarms) == 1 for message in about),
        unrelated=sorted(message.event for message in others_told),
        delay_s=max(message.at - (raised[one] - night.start) // 1_000 for message in others_told for one in message.alarms),
        open=sum(one.device in fallen for one in night.hand.engine.active()),
    )
