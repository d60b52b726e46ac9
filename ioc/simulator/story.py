"""The story that a simulated province lives through: what happens physically, to whom, when. Data and pure functions only."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zlib import crc32

from ioc.domain.registry import Device
from ioc.simulator.signals import CALM, Change, Ramp

REPEAT_S = 600
_HOLD_S = 90
"""Longer than the longest `for` of the shipped rules (60 s), with room for a report."""
_MIN_PAUSE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One thing that happens: begins `at_s` into the story (divided by the speed), lasts `hold_s` (whatever the speed)."""

    name: str
    role: str
    at_s: float
    hold_s: float
    vi: str
    en: str
    change: Change = CALM
    cut: bool = False
    """The line breaks without DISCONNECT."""


STORY: tuple[Beat, ...] = (
    Beat(
        name="storm",
        role="commune",
        at_s=20,
        hold_s=120,
        cut=True,
        vi="Bão làm mất kết nối toàn bộ thiết bị của một xã",
        en="A storm cuts every device of one commune",
    ),
    Beat(
        name="silent_speaker",
        role="silent",
        at_s=60,
        hold_s=_HOLD_S + 30,
        change=Change(values={"state": "playing", "source": "schedule", "bulletin": "Bản tin địa phương", "audio_dbfs": -80.0}),
        vi="Một cụm loa báo đang phát nhưng không có tiếng",
        en="One cluster plays without sound",
    ),
    Beat(
        name="sound_without_source",
        role="intruder",
        at_s=100,
        hold_s=_HOLD_S,
        change=Change(values={"state": "idle", "source": "none", "audio_dbfs": -12.0, "amp_temp_c": 51.0}),
        vi="Một cụm loa phát ra tiếng mà không có nguồn phát nào",
        en="One cluster sounds without any source",
    ),
    Beat(
        name="sim_quota",
        role="sim",
        at_s=140,
        hold_s=_HOLD_S + 30,
        change=Change(values={"data_used_mb": Ramp(1_780.0, 1_965.0, 20_000)}),
        vi="SIM của một cụm loa sắp hết dung lượng (gói 2.000 MB), sau đó được nạp thêm",
        en="The SIM of one cluster nears its quota of 2,000 MB, and is topped up later",
    ),
    Beat(
        name="line_stops",
        role="line",
        at_s=180,
        hold_s=_HOLD_S,
        change=Change(
            values={"state": "stopped", "speed_per_min": 0.0, "power_kw": 4.0, "stop_reason": "kẹt phôi"},
            halted=frozenset({"good_count", "reject_count", "energy_kwh"}),
        ),
        vi="Một dây chuyền dừng vì kẹt phôi",
        en="A production line stops",
    ),
)


def cast_roles(devices: Sequence[Device]) -> dict[str, tuple[str, ...]]:
    """Device ids by role: the busiest commune for the storm, everybody else from other communes. A role may stay empty."""
    by_unit = Counter(device.unit for device in devices if device.unit is not None)
    # Of the busiest communes the first by name, so that the order of rows does not matter.
    struck = min(by_unit, key=lambda unit: (-by_unit[unit], unit), default=None)
    elsewhere = sorted((device for device in devices if device.unit != struck or struck is None), key=lambda device: device.device)
    speakers = [device.device for device in elsewhere if device.family == "speaker"]
    lines = [device.device for device in elsewhere if device.family == "factory_line"]
    picked = [speakers[len(speakers) * share // 4 : len(speakers) * share // 4 + 1] for share in (1, 2, 3)]
    return {
        "commune": tuple(sorted(device.device for device in devices if device.unit == struck)) if struck is not None else (),
        "silent": tuple(picked[0]),
        "intruder": tuple(picked[1]),
        "sim": tuple(picked[2]),
        "line": tuple(lines[:1]),
    }


@dataclass(frozen=True, slots=True)
class Turn:
    """A beat begins or ends, `at_s` after the story's start."""

    at_s: float
    beat: Beat
    begins: bool


def turns(story: Sequence[Beat], speed: float) -> list[Turn]:
    """Beginnings and ends in order; `speed` shortens the waits between beats, never the beats."""
    listed = [Turn(beat.at_s / speed, beat, begins=True) for beat in story]
    listed += [Turn(beat.at_s / speed + beat.hold_s, beat, begins=False) for beat in story]
    return sorted(listed, key=lambda turn: (turn.at_s, turn.begins))


def length_s(story: Sequence[Beat], speed: float) -> float:
    """After how many seconds the story begins again: 10 minutes at speed 1, and always a calm minute after the last beat."""
    last = max((turn.at_s for turn in turns(story, speed)), default=0.0)
    return max(REPEAT_S / speed, last + _MIN_PAUSE_S)


def groups(listed: Sequence[Turn]) -> Iterator[tuple[float, list[Turn]]]:
    """Turns that fall on the same time, together."""
    for at_s, same in groupby(listed, key=lambda turn: turn.at_s):
        yield at_s, list(same)


_BULLETIN_EVERY_MIN = 15
_BULLETIN_MIN = 4
_DAY_BEGINS, _DAY_ENDS = 5, 22
_ICT = timedelta(hours=7)
_BULLETINS = {5: "Bản tin sáng", 11: "Bản tin trưa", 14: "Thông tin địa phương", 17: "Bản tin chiều"}


def bulletins(device: Device, now: int) -> Change:
    """Loudspeakers play bulletins by day, commune after commune; at night they are quiet."""
    if device.family != "speaker":
        return CALM
    local = datetime.fromtimestamp(now / 1000, UTC) + _ICT
    phase = crc32((device.unit or device.device).encode()) % _BULLETIN_EVERY_MIN
    if not _DAY_BEGINS <= local.hour < _DAY_ENDS or (local.minute + phase) % _BULLETIN_EVERY_MIN >= _BULLETIN_MIN:
        return CALM
    title = next(title for hour, title in reversed(_BULLETINS.items()) if local.hour >= hour)
    return Change(values={"state": "playing", "source": "schedule", "bulletin": title, "audio_dbfs": -18.0, "amp_temp_c": 47.0})
