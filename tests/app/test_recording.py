"""A recorded day: what rules and routes were told is replayed, in another process, to the same decisions byte by byte."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alerts.proving import tape
from ioc.api.control import ControlError, perform
from ioc.api.ports import ConflictError
from ioc.app.alarm_desk import AlarmActs
from ioc.app.front import Front
from ioc.app.recorder import Recorder
from ioc.app.server import Server, open_server
from ioc.config.load import Config, load_config
from ioc.domain.alarm import Step
from ioc.domain.hearing import Heard, Lost
from ioc.domain.sample import Arrival, ClockOffset, DeviceStatus
from ioc.domain.silence import Silence
from ruling.stage import event, sample

START = 1_772_730_000_000
"""2026-03-06 00:00 in Hà Nội."""
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
STEP = 5 * SECOND
DEVICES = [f"loa-{n}" for n in range(6)]
NOTIFY = """\
channels: {ops: {kind: file, path: ops.jsonl}, mail: {kind: file, path: mail.jsonl}}
routes:
  - {match: {severity: [critical, major]}, group_by: [rule, unit], group_wait: 30s, repeat_interval: 2h, channels: [ops], continue: true}
  - {group_by: [device], group_wait: 5m, channels: [mail]}
"""
RULES = """\
rules:
  - id: too_warm_by_day
    family: speaker
    when: {kind: threshold, metric: amp_temp_c, above: 60, clear_below: 55}
    between: ["06:00", "18:00"]
    for: 3m
    severity: minor
    summary: {vi: "nóng {value} tại {unit_name}", en: "warm {value} at {unit_name}"}
    action: {vi: xem, en: look}
"""


class Clock:
    """Ours."""

    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of every server in this test."""
    ours = Clock()
    for module in ("server", "recording", "files", "front"):
        monkeypatch.setattr(f"ioc.app.{module}.now_ms", ours)
    return ours


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """Six loudspeakers in two units."""
    files = {
        "ioc.yaml": (
            f'broker: {{url: "mqtt://127.0.0.1:{free_port}", client_id: ioc-1}}\n'
            "store: {kind: embedded, retention: 36500d}\ndata_dir: ./data\nrules: [./rules.yaml]\n"
            "registry: {units: ./units.csv, devices: ./devices.csv}\nnotify: {file: ./notify.yaml}\n"
        ),
        "notify.yaml": NOTIFY,
        "rules.yaml": RULES,
        "units.csv": "unit,code,valid_from,valid_to,name,type,parent,lat,lon\n"
        "u1,07900,2025-07-01,,Phường Việt Trì,phường,,,\nu2,07901,2025-07-01,,Xã Bình Phú,xã,,,\n",
        "devices.csv": "device,family,unit,name,lat,lon,labels,valid_from\n"
        + "".join(f"{name},speaker,u{n % 2 + 1},Loa {n},,,,\n" for n, name in enumerate(DEVICES)),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "data").mkdir()
    return load_config(tmp_path / "ioc.yaml", {})


class Day:
    """What happens to the devices of a server, five seconds at a time."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.server: Server
        self.quiet: set[str] = set()
        self.values: dict[str, dict[str, Any]] = {name: {"state": "idle", "amp_temp_c": 40.0} for name in DEVICES}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """A run of the server, from start to stop."""
        async with open_server(self.config) as self.server:
            yield self.server
            await self.server.recorder.flush()

    async def hear(self, *inputs: Any) -> None:
        """A batch that comes in now."""
        await self.server.desk.decide("ioc-1", inputs)

    async def passes(self, ms: int, *, blind: bool = False) -> None:
        """Time, in which every device that is not quiet tells its values once a minute."""
        if blind:
            await self.hear(Lost(self.clock.now))
        for _ in range(0, ms, STEP):
            self.clock.now += STEP
            if not blind:
                await self._hear_devices()
            await self.server.desk.pulse()
            await self.server.recorder.turn()

    async def _hear_devices(self) -> None:
        now = self.clock.now
        for number, name in enumerate(DEVICES):
            if name not in self.quiet and (now - START) % MINUTE == number * STEP:
                await self.hear(Arrival("speaker", name, now), sample(now, name, **self.values[name]))
        await self.hear(Heard(now, now + 7))

    async def act(self, rule: str, what: str, **more: Any) -> None:
        """A person acts on the one active alarm of a rule."""
        alarms = [alarm for alarm in self.server.engine.active() if alarm.rule == rule]
        acts = AlarmActs(self.server.desk, self.server.files.state, lambda _: None)
        await getattr(acts, what)(alarms[0].id, by="Lan", **more)


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


def replayed(*args: object) -> tuple[int, Any]:
    """Exit code and document of `ioc replay`, in a process of its own."""
    command = [sys.executable, "-m", "ioc", "replay", *map(str, args), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.stderr == ""
    return ended.returncode, json.loads(ended.stdout)


async def test_recorded_day_replays_to_the_same_bytes(config: Config, clock: Clock, tmp_path: Path) -> None:
    """Alarms and messages, over a restart, a blind spell and what people did."""
    day, out = Day(config, clock), tmp_path / "day.rec"
    await live_through(day, out)
    code, found = replayed(out, "--check")
    assert (code, found["same"], found["deviating"], found["deviations"]) == (0, True, 0, [])
    assert (found["restarts"], found["faults"], found["ended"]) == (1, 0, "stopped")
    with out.open("rb") as file:
        decided = [entry for entry in tape.read_entries(file) if isinstance(entry, tape.Decided)]
    assert [entry["seq"] for entry in found["journal"]] == [entry.seq for one in decided for entry in one.transitions]
    assert [message["key"] for message in found["messages"]] == [message.key for one in decided for message in one.messages]
    raised = {entry["rule"] for entry in found["journal"] if entry["step"] == Step.RAISED.value}
    assert raised >= {"speaker_amp_overheating", "speaker_offline", "ioc_blind", "speaker_tamper", "too_warm_by_day", "device_clock_off"}
    steps = {entry["step"] for entry in found["journal"]}
    assert steps == {"raised", "cleared", "acknowledged", "shelved", "unshelved"}
    assert len(found["messages"]) > 10


async def test_replay_of_what_was_decided_otherwise_says_where(config: Config, clock: Clock, tmp_path: Path) -> None:
    """A recording in which one journal entry and one message were changed."""
    day, out = Day(config, clock), tmp_path / "day.rec"
    async with day.running() as server:
        await server.recording.start(out, until=START + HOUR, limit=10**9)
        day.values["loa-1"] |= {"state": "fault"}
        await day.passes(10 * MINUTE)
        await server.recording.stop()
    with out.open("rb") as file:
        entries = list(tape.read_entries(file))
    numbers = [number for number, entry in enumerate(entries) if isinstance(entry, tape.Decided)]
    entries[numbers[0]] = tape.Decided((), (), ())
    del entries[numbers[-1]]
    forged = tmp_path / "forged.rec"
    forged.write_bytes(tape.MAGIC + tape.frame([tape.encode(entry) for entry in entries]))
    code, found = replayed(forged, "--check")
    assert (code, found["same"], found["deviating"]) == (1, False, 2)
    first, last = found["deviations"]
    assert (first["recorded"]["journal"], [entry["rule"] for entry in first["replayed"]["journal"]]) == ([], ["speaker_fault"])
    assert (last["recorded"]["messages"], len(last["replayed"]["messages"])) == ([], 1)


async def test_recording_changes_nothing_for_people(config: Config, clock: Clock, tmp_path: Path) -> None:
    """It begins as a restart does: alarms that stand are not raised again, nobody is told twice, what was pending is raised."""
    day = Day(config, clock)
    async with day.running() as server:
        day.values["loa-1"] |= {"state": "fault"}
        day.quiet = {"loa-5"}
        await day.passes(10 * MINUTE)
        day.values["loa-2"] |= {"state": "fault"}
        await day.passes(MINUTE)
        before = {alarm.id for alarm in server.engine.active()}
        told = len(await server.files.state.pending())
        await server.recording.start(tmp_path / "a.rec", until=START + HOUR, limit=10**9)
        await day.passes(2 * SECOND)
        assert {alarm.id for alarm in server.engine.active()} == before
        assert len(await server.files.state.pending()) == told
        await day.passes(5 * MINUTE)
        rules = sorted((alarm.rule, alarm.device) for alarm in server.engine.active())
    assert rules == [("speaker_fault", "loa-1"), ("speaker_fault", "loa-2"), ("speaker_offline", "loa-5")]


@pytest.mark.parametrize("bounds", [(10 * MINUTE, 10**9, "its time is over"), (HOUR, 5_000, "its size is reached")])
async def test_recording_ends_by_time_or_size(config: Config, clock: Clock, tmp_path: Path, bounds: tuple[int, int, str]) -> None:
    """And its file is whole."""
    lasts, limit, why = bounds
    day, out = Day(config, clock), tmp_path / "a.rec"
    async with day.running() as server:
        await server.recording.start(out, until=START + lasts, limit=limit)
        await day.passes(30 * MINUTE)
        assert server.recording.state().ended == why
        assert not server.recorder.runs
    code, found = replayed(out, "--check")
    assert (code, found["same"], found["ended"]) == (0, True, why)


async def test_second_recording_and_a_file_that_is_there_are_refused(config: Config, clock: Clock, tmp_path: Path) -> None:
    """Nothing is written over."""
    day, out = Day(config, clock), tmp_path / "a.rec"
    out.write_text("precious")
    async with day.running() as server:
        with pytest.raises(ConflictError, match="exists already"):
            await server.recording.start(out, until=START + HOUR, limit=10**9)
        await server.recording.start(tmp_path / "b.rec", until=START + HOUR, limit=10**9)
        with pytest.raises(ConflictError, match="goes on already"):
            await server.recording.start(tmp_path / "c.rec", until=START + HOUR, limit=10**9)
        await server.recording.stop()
        with pytest.raises(ConflictError, match="no recording goes on"):
            await server.recording.stop()
    assert out.read_text() == "precious"


async def test_commands_of_the_socket_record(config: Config, clock: Clock, tmp_path: Path) -> None:
    """Start, how far it is, stop; what does not fit is refused."""
    day, out = Day(config, clock), tmp_path / "a.rec"
    async with day.running() as server:
        commands = Front(server)._commands()
        started = await perform("record.start", {"path": str(out), "lasts": HOUR, "limit": 10**6}, commands)
        assert (started.path, started.until, started.limit) == (str(out), START + HOUR, 10**6)
        assert (await perform("record.state", {}, commands)).path == str(out)
        assert (await perform("record.stop", {}, commands)).ended == "stopped"
        for wrong in ({"path": "a.rec", "lasts": 1, "limit": 1}, {"path": "/a.rec", "lasts": 0, "limit": 1}, {"path": "/a.rec"}):
            with pytest.raises(ControlError):
                await perform("record.start", wrong, commands)


def entries(count: int) -> Sequence[tape.Entry]:
    return [tape.Noticed(number) for number in range(count)]


async def test_what_a_crash_cut_off_is_left_out_and_recording_goes_on(tmp_path: Path) -> None:
    """The file is whole again before the next entry."""
    first, out = Recorder(tmp_path, clock=lambda: START), tmp_path / "a.rec"
    first.start(out, until=START + HOUR, limit=10**9)
    for entry in entries(3):
        first.put(entry)
    await first.flush()
    with out.open("ab") as file:
        file.write(tape.frame([tape.encode(tape.Noticed(99))])[:-2])
    second = Recorder(tmp_path, clock=lambda: START)
    assert second.resume()
    second.put(tape.Noticed(3))
    await second.stop()
    with out.open("rb") as file:
        assert list(tape.read_entries(file)) == [*entries(4), tape.Ended(START, "stopped")]
    assert not Recorder(tmp_path, clock=lambda: START).resume()


async def test_disk_that_is_too_slow_or_full_ends_the_recording_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it, and memory is bounded."""
    monkeypatch.setattr("ioc.app.recorder.BUFFER_MOST", 20)
    slow = Recorder(tmp_path, clock=lambda: START)
    slow.start(tmp_path / "a.rec", until=START + HOUR, limit=10**9)
    for entry in entries(50):
        slow.put(entry)
    assert (slow.runs, slow.state().ended) == (False, "the disk is too slow for it")
    gone = Recorder(tmp_path, clock=lambda: START)
    gone.start(tmp_path / "missing.rec", until=START + HOUR, limit=10**9)
    (tmp_path / "missing.rec").unlink()
    (tmp_path / "missing.rec").mkdir()
    gone.put(tape.Noticed(1))
    await gone.turn()
    assert not gone.runs
    assert gone.state().ended.startswith("the file can't be written")
