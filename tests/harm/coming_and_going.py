"""Alarms that come and go every ten seconds for an hour."""

from collections import Counter

from harm.night import FINE, Night, speakers

HOUR_S = 3_600
PERIOD_S = 10


async def live_through(devices: int, hours: int = 1) -> tuple[int, int, int]:
    """(alarms raised, most messages about one device in any hour, devices of which nobody was told)."""
    night = Night(speakers(devices), flapping={})
    await night.begin()
    await night.live(1, lambda _: None)  # no device is told of twice for one moment
    names = [one.device for one in night.devices]
    for turn in range(2 * hours * HOUR_S // PERIOD_S):
        for name in names:
            await night.tell(name, **(FINE if turn % 2 else {"state": "fault"}))
        await night.live(PERIOD_S // 2, lambda _: None)
    for _ in range(2 * HOUR_S // 60):  # they stay quiet, and go on telling that they are fine
        await night.live(60, lambda _: FINE)
    about = [(device, message.at) for message in night.messages for rule, device in message.alarms if rule == "fault"]
    most = max((_within(one, about) for one in set(about)), default=0)
    told = Counter(device for device, _ in about)
    return len(night.of("raised", "fault")), most, sum(name not in told for name in names)


def _within(one: tuple[str | None, int], about: list[tuple[str | None, int]]) -> int:
    """Messages about this device in the hour from this one on."""
    return sum(device == one[0] and one[1] <= at < one[1] + HOUR_S for device, at in about)
