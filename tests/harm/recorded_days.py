"""Days that are recorded: one in which everything happens that may, and any number in which something does."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from harm.day import DEVICES, HOUR, MINUTE, SECOND, START, Day
from ioc.domain.sample import ClockOffset, DeviceStatus
from ioc.domain.silence import Silence
from ruling.stage import event

DAY = 24 * HOUR


async def live_through(day: Day, out: Path) -> None:
    """A day with a restart, a blind spell, acknowledgements, silences, a device that moves; recorded from its second hour on."""
    until, limit = START + 48 * HOUR, 10**9
    async with day.running() as server:
        await day.passes(HOUR)
        day.values["loa-1"] |= {"state": "fault"}
        day.values["loa-2"] |= {"amp_temp_c": 90.0}
        await day.passes(40 * SECOND)
        await server.recording.start(out, until=until, limit=limit)  # an alarm is pending
        await day.passes(HOUR)
        await day.act("speaker_fault", "acknowledge", comment="đang xử lý")
        await day.hear(DeviceStatus("speaker", "loa-3", day.clock.now, online=False))
        day.quiet = {"loa-3"}
        await day.passes(2 * HOUR)
        await day.passes(20 * MINUTE, blind=True)
        day.quiet = set()
        await day.passes(HOUR)
        await day.hear(event(day.clock.now, "tamper", "loa-4"))
        silences = server.silence_desk
        until = day.clock.now + HOUR
        keys = {"since": day.clock.now, "until": until, "reason": "x", "by": "Lan", "created_at": day.clock.now}
        await silences.put(Silence(id="s1", unit="u2", **keys))
        await silences.put(Silence(id="s2", rule="speaker_offline", **keys))
        day.quiet = {"loa-5"}
        await day.passes(30 * MINUTE)
        await silences.remove("s2")
        day.values["loa-0"] |= {"amp_temp_c": 65.0}
        await day.passes(100 * SECOND)
    day.clock.now += 4 * MINUTE
    async with day.running() as server:
        assert server.recorder.runs
        await day.passes(HOUR)
        await day.act("speaker_offline", "shelve", until=day.clock.now + HOUR, reason="bảo trì")
        await day.passes(10 * HOUR)
        for minute in range(4):
            await day.hear(ClockOffset("speaker", "loa-2", -45_000, day.clock.now + minute))
        await server.files.state.approve(["loa-2"], unit="u2", name="Loa chuyển xã")
        await server.province.reload()
        day.values = {name: {"state": "idle", "amp_temp_c": 40.0} for name in DEVICES}
        day.quiet = set()
        await day.passes(START + 24 * HOUR - day.clock.now)
        await server.recording.stop()


async def random_days(day: Day, out: Path, *, days: int, seed: int) -> int:
    """Days of faults, silences of both kinds, restarts and acts, recorded from the first hour on; how many restarts there were."""
    chance = random.Random(seed)
    end, runs = START + days * DAY, 0
    while day.clock.now < end:
        async with day.running() as server:
            runs += 1
            if runs == 1:
                await day.passes(HOUR)
                await server.recording.start(out, until=end + DAY, limit=10**10)
            until = min(end, day.clock.now + chance.randint(1, 20) * HOUR)
            while day.clock.now < until:
                await _something(day, chance)
                await day.passes(chance.randint(1, 90) * MINUTE, blind=chance.random() < 0.03)
            if day.clock.now >= end:
                await server.recording.stop()
        day.clock.now += chance.choice((0, 20, 600)) * SECOND
    return runs - 1


async def _something(day: Day, chance: random.Random) -> None:
    """One device falls ill, gets well, goes quiet, comes back or is tampered with, or a person acts."""
    device, values = chance.choice(DEVICES), day.values
    match chance.randrange(8):
        case 0:
            values[device] |= {"state": "fault"}
        case 1:
            values[device] |= {"amp_temp_c": chance.choice((65.0, 78.0, 90.0))}
        case 2:
            values[device] |= {"state": "playing", "audio_dbfs": chance.choice((-80.0, -20.0))}
        case 3:
            day.quiet.add(device)
        case 4:
            await day.hear(event(day.clock.now, "tamper", device))
        case 5:
            await _act(day, chance)
        case 6:
            keys = {"since": day.clock.now, "until": day.clock.now + chance.randint(1, 6) * HOUR, "reason": "x", "by": "Lan"}
            silence = Silence(id=f"s{chance.randrange(3)}", unit=chance.choice(("u1", "u2")), created_at=day.clock.now, **keys)
            await day.server.silence_desk.put(silence)
        case _:
            day.quiet.clear()
            values[device] = {"state": "idle", "amp_temp_c": 40.0}


async def _act(day: Day, chance: random.Random) -> None:
    active = sorted(alarm.rule for alarm in day.server.engine.active() if alarm.shelved_until is None)
    if not active:
        return
    if chance.random() < 0.5:
        await day.act(chance.choice(active), "acknowledge", comment="")
    else:
        await day.act(chance.choice(active), "shelve", until=day.clock.now + HOUR, reason="bảo trì")


def replayed(*args: object) -> tuple[int, Any]:
    """Exit code and document of `ioc replay`, in a process of its own."""
    command = [sys.executable, "-m", "ioc", "replay", *map(str, args), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.stderr == ""
    return ended.returncode, json.loads(ended.stdout)
