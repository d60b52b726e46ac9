"""A recorded day: what rules and routes were told is replayed, in another process, to the same decisions byte by byte."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from alerts.proving import tape
from harm.day import HOUR, MINUTE, SECOND, START, Clock, Day, clock_in_hand, site
from harm.recorded_days import live_through, random_days, replayed
from ioc.api.control import ControlError, perform
from ioc.api.ports import ConflictError
from ioc.app.front import Front
from ioc.app.recorder import Recorder
from ioc.config.load import Config
from ioc.domain.alarm import Step


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The clock of every server in this test."""
    with clock_in_hand() as ours:
        yield ours


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Config:
    """Six loudspeakers in two units."""
    return site(tmp_path, free_port)


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


async def test_recorded_days_of_any_kind_replay_to_the_same_bytes(config: Config, clock: Clock, tmp_path: Path) -> None:
    """A day in which faults, silences, restarts and people's acts come as the dice say."""
    day, out = Day(config, clock), tmp_path / "days.rec"
    restarts = await random_days(day, out, days=1, seed=5)
    code, found = replayed(out, "--check")
    assert (code, found["same"], found["deviating"]) == (0, True, 0)
    assert found["restarts"] == restarts > 0
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
