"""A quarter of an hour in which every state of an alarm occurs, lived through with a restart at any moment."""

from dataclasses import dataclass
from pathlib import Path

from harm.day import MINUTE, SECOND, START, STEP, Day, clock_in_hand, site
from ioc.domain.silence import Silence
from servers.ports import free_port

LASTS = 15 * MINUTE
STEPS = LASTS // STEP
SILENCE_MS = 3 * MINUTE
"""What a device's absence takes; it is counted anew after a restart."""
OFFLINE = "speaker_offline"
FINE = {"state": "idle", "amp_temp_c": 40.0, "audio_dbfs": -20.0}
NOTIFY = """\
channels: {ops: {kind: file, path: ops.jsonl}}
incidents: {enabled: false}
routes: [{group_by: [rule, device], group_wait: 10s, repeat_interval: 4m, channels: [ops]}]
"""
RULES = "rules: []\n"
NAMED = {
    "quiet": 2 * MINUTE,
    "pending": 3 * MINUTE + 20 * SECOND,
    "waits for its group": 3 * MINUTE + 45 * SECOND,
    "firing, acknowledged, silenced, shelved": 6 * MINUTE,
    "keeps firing": 9 * MINUTE + 20 * SECOND,
    "cleared, all but what nobody unshelved": 11 * MINUTE,
}
"""Moments (ms since the beginning) at which something is in that state."""

Entry = tuple[str, str | None, str, int]


@dataclass(frozen=True, slots=True)
class Lived:
    """What it came to: (rule, device, step, at) of the journal, (event, rule, device, at) of the messages; ms since the beginning."""

    journal: tuple[Entry, ...]
    messages: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a restart changed."""

    missed: tuple[Entry, ...]
    extra: tuple[Entry, ...]
    late_ms: int
    """The greatest difference in time, absences and reminders of them left out."""
    absent_late_ms: int
    absences_missed: int
    """Entries and messages about absences: who restarts again within a device's silence finds it after the last restart."""


async def live_through(folder: Path, *, restarts: frozenset[int] = frozenset()) -> Lived:
    """With a restart that takes no time before each of these steps of five seconds."""
    with clock_in_hand() as clock:
        day = Day(site(folder, free_port(), notify=NOTIFY, rules=RULES), clock)
        day.values = {name: dict(FINE) for name in day.values}
        step = 0
        journal: list[Entry] = []
        while step < STEPS:
            stop = min([one for one in restarts if one > step], default=STEPS)
            async with day.running() as server:
                while step < stop:
                    await _happens(day, step * STEP)
                    await day.passes(STEP)
                    step += 1
                entries = await server.files.state.journal_since(0, 10_000)
                outbox, _ = await server.files.state.outbox(limit=1_000)
    journal = [(one.rule, one.device, one.step.value, one.at - START) for one in entries]
    alarms = {one.alarm: (one.rule, one.device) for one in entries}
    messages = []
    for row in sorted(outbox, key=lambda one: (one.message.at, one.message.key)):
        rule, device = next(told for alarm, told in alarms.items() if alarm.encode() in row.message.body)
        messages.append((row.message.event, rule, device, row.message.at - START))
    return Lived(tuple(sorted(journal, key=repr)), tuple(sorted(messages, key=repr)))


def difference(whole: Lived, broken: Lived) -> Difference:
    """What a life with restarts told otherwise than one without."""
    missed: list[Entry] = []
    extra: list[Entry] = []
    late = absent = 0
    for one, other in ((whole.journal, broken.journal), (whole.messages, broken.messages)):
        left = list(other)
        for entry in one:
            twin = min((each for each in left if _what(each) == _what(entry)), key=lambda each: abs(each[3] - entry[3]), default=None)
            if twin is None:
                missed.append(entry)
                continue
            left.remove(twin)
            gap = abs(twin[3] - entry[3])
            if OFFLINE in entry:
                absent = max(absent, gap)
            else:
                late = max(late, gap)
        extra += left
    others = tuple(entry for entry in missed if OFFLINE not in entry)
    return Difference(others, tuple(extra), late, absent, len(missed) - len(others))


def _what(entry: Entry) -> tuple[object, ...]:
    return entry[:3]


async def _happens(day: Day, at: int) -> None:
    """What happens at this moment of the quarter of an hour."""
    values = day.values
    match at // SECOND:
        case 175:
            values["loa-0"] |= {"state": "fault"}
            values["loa-1"] |= {"state": "playing", "audio_dbfs": -80.0}
            values["loa-2"] |= {"amp_temp_c": 95.0}
            values["loa-4"] |= {"state": "fault"}
            day.quiet = {"loa-3"}
        case 290:
            await day.act("speaker_amp_overheating", "acknowledge", comment="")
        case 295:
            await day.act("speaker_silent_while_playing", "shelve", until=day.clock.now + 4 * MINUTE, reason="x")
        case 300:
            now = day.clock.now
            silence = Silence(id="s", device="loa-4", since=now, until=now + 3 * MINUTE, reason="x", by="Lan", created_at=now)
            await day.server.silence_desk.put(silence)
        case 540:
            day.quiet = set()
            for device in values:
                values[device] = dict(FINE)
