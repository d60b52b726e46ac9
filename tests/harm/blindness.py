"""Ten minutes without a broker, while some devices really die: what is alarmed of us, and what of devices."""

from dataclasses import dataclass

from alerts.presence import BLIND
from harm.night import CADENCE_S, FINE, Night, speakers

DEAD = 3
"""Devices that die while nobody can hear them, and stay dead."""
SILENCE_S = 3 * CADENCE_S


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it."""

    ours: list[str]
    """Steps of `ioc_blind`."""
    while_deaf: int
    """Devices' alarms raised while we heard nothing."""
    living: int
    """Alarms of devices that never stopped speaking."""
    dead: int
    """Dead devices that were alarmed in the end."""
    earliest_s: int
    """The first of those, in seconds after we heard again."""
    messages: list[tuple[str, int]]
    """Event and number of alarms of what people were told until the first dead device was alarmed."""


async def live_through(devices: int, away_s: int) -> Told:
    """Five minutes of quiet, so long without a broker, ten minutes of quiet."""
    night = Night(speakers(devices))
    await night.begin()
    await night.deaf(away_s)
    while_deaf, again = len(night.of("raised")), night.second
    dead = {one.device for one in night.devices[:: max(1, devices // DEAD)][:DEAD]}
    await night.live(10 * 60, lambda device: None if device in dead else FINE)
    raised = night.of("raised")
    first = min((one.recorded for one in raised if one.device in dead), default=0)
    return Told(
        ours=[one.step.value for one in night.journal if one.rule == BLIND],
        while_deaf=while_deaf,
        living=sum(one.device not in dead for one in raised),
        dead=len({one.device for one in raised} & dead),
        earliest_s=(first - night.hand.now) // 1_000 + night.second - again,
        messages=[(one.event, len(one.alarms)) for one in night.messages if one.alarms[0][0] == BLIND],
    )
