"""A province of loudspeakers that fall together, in front of a Notifier."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from notifying.stage import START, S, Stage

ROUTE = {"group_by": ["rule", "unit"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
OFFLINE = "speaker_offline"

Event = tuple[int, str, str]
"""Milliseconds after the beginning, device, rule."""


def province(devices: int = 2_000, unit_size: int = 200, seed: int = 0) -> dict[str, dict[str, str]]:
    """Device → attributes: units of one size, each on two feeders, carriers and vendors spread over all."""
    chance = random.Random(seed)
    return {
        f"d{n:04}": {
            "unit": f"u{n // unit_size}",
            "feeder": f"f{2 * n // unit_size}",
            "carrier": chance.choice(["viettel", "vinaphone", "mobifone"]),
            "vendor": chance.choice(["song-hong", "truong-son"]),
        }
        for n in range(devices)
    }


def stage(places: Mapping[str, Mapping[str, str]], *, route: dict[str, Any] | None = None, **plan: Any) -> Stage:
    """A stage with one route, on which such devices may fall."""
    return Stage(route or ROUTE, places=places, **plan)


def fall(on: Stage, events: Iterable[Event], *, restart: frozenset[int] = frozenset()) -> None:
    """Raises the alarms at their times; restarts before those events whose number is in `restart`."""
    begin = on.now
    for number, (at, device, rule) in enumerate(sorted(events)):
        on.wait(begin + at - on.now)
        if number in restart:
            on.restart()
        on.raise_(device, rule=rule, unit=on.places[device]["unit"])


def rise(on: Stage, events: Iterable[tuple[int, str]], *, restart: frozenset[int] = frozenset()) -> None:
    """Clears the devices' alarms at their times."""
    begin = on.now
    for number, (at, device) in enumerate(sorted(events)):
        on.wait(begin + at - on.now)
        if number in restart:
            on.restart()
        on.clear(device)


def spread(devices: Iterable[str], chance: random.Random, within: int = 60 * S) -> list[Event]:
    """A time for each."""
    return [(chance.randrange(within), device, OFFLINE) for device in devices]


def named(on: Stage) -> list[tuple[str, int]]:
    """Event and number of alarms of every message."""
    return [(message.event, len(message.alarms)) for message in on.messages]


__all__ = ["OFFLINE", "ROUTE", "START", "Event", "fall", "named", "province", "rise", "spread", "stage"]
