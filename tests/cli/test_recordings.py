"""`ioc record` and `ioc replay` as a person gives them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.proving import tape
from alerts.proving.tape import Entry
from alerts.taped import TapedEngine, TapedFleet, TapedNotifier
from ioc.config.load import load_config
from ioc.config.recorded_site import site_document
from proving.live import MINUTE, START, UNITS, backdrop, devices
from ruling.stage import sample

Ioc = Callable[..., Any]


class List:
    """A tape in memory."""

    runs = True

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def put(self, entry: Entry) -> None:
        """Takes one."""
        self.entries.append(entry)


@pytest.fixture
def recording(site: Path) -> Path:
    """A device tells a fault for two minutes, and routes that are the site's."""
    (site / "ioc.yaml").write_text('broker: {url: "mqtt://127.0.0.1:1"}\nsite: {id: phu-tho}\nnotify: {file: ./notify.yaml}\n')
    (site / "notify.yaml").write_text(
        "channels: {ops: {kind: file, path: o}}\nroutes: [{group_by: [rule, device], group_wait: 0s, channels: [ops]}]\n"
    )
    tape_of_all, config = List(), load_config(site / "ioc.yaml", {})
    scenery = backdrop(config.rules)
    fleet = TapedFleet(config.families)
    tape_of_all.put(tape.Opened(site_document(config, config.rules)))
    tape_of_all.put(tape.Started((), tuple(UNITS.values()), {}))
    fleet.tape = tape_of_all
    for device in devices("d1"):
        fleet.place(device)
    engine = TapedEngine(
        config.rules, site="phu-tho", families=config.families.values(), device_of=fleet.device, zone=scenery.zone, clock_rules=()
    )
    notifier = TapedNotifier(config.notify.routes, wording=scenery.wording(fleet))
    engine.tape = notifier.tape = tape_of_all
    for minute in range(3):
        now = START + minute * MINUTE
        outcome = engine.step([sample(now, "d1", state="fault")], now)
        notifier.step(outcome.transitions, {alarm.id: alarm for alarm in outcome.alarms}, now)
    tape_of_all.put(tape.Ended(now, "stopped"))
    (site / "a.rec").write_bytes(tape.MAGIC + tape.frame([tape.encode(entry) for entry in tape_of_all.entries]))
    return site / "a.rec"


@pytest.mark.usefixtures("recording")
def test_replay_lists_alarms_and_messages(ioc: Ioc) -> None:
    """In the order in which they were decided."""
    lines = ioc("replay", "a.rec").out.splitlines()
    assert lines[0].endswith("3 steps, 0 restarts, 1 journal entries, 1 messages.")
    assert lines[1].endswith(" raised speaker_fault d1 by sample")
    assert " raised to ops: [CAO] Cụm loa d1, Phường Việt Trì: thiết bị báo hỏng" in lines[2]


@pytest.mark.usefixtures("recording")
def test_replay_that_decides_the_same_says_so(ioc: Ioc) -> None:
    """And ends with 0."""
    ended = ioc("replay", "a.rec", "--check")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "The replay decides the same, byte by byte.")


def test_recording_that_breaks_off_in_a_frame_is_read_as_far_as_it_goes(ioc: Ioc, recording: Path) -> None:
    """A server that was killed leaves such a file."""
    recording.write_bytes(recording.read_bytes() + tape.frame([tape.encode(tape.Reconciled(1))])[:-1])
    found = json.loads(ioc("replay", "a.rec", "--check", "--json").out)
    assert (found["same"], found["steps"]) == (True, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no recording"),
        (b"IOC-RECORD 2\nxx", "another version"),
        (tape.MAGIC + (4).to_bytes(4, "big") + b"abcd", "can't be read"),
        (tape.MAGIC + tape.frame([tape.encode(tape.Reconciled(1))]), "doesn't begin with a site"),
        (tape.MAGIC + tape.frame([tape.encode(tape.Opened(b"{}"))]), "the site in the recording can't be taken over"),
    ],
)
def test_file_that_is_no_recording_is_refused_with_a_sentence(ioc: Ioc, site: Path, content: bytes, said: str) -> None:
    """Never a traceback."""
    (site / "a.rec").write_bytes(content)
    ended = ioc("replay", "a.rec")
    assert ended.code == 1
    assert ended.err.startswith("a.rec: ")
    assert said in ended.err


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["replay", "no.rec"], 1, "no.rec: can't be read"),
        (["record", "--out", "a.rec"], 3, "`ioc record` needs one; start `ioc run`"),
        (["record"], 3, "`ioc record` needs one"),
        (["record", "--out", "a.rec", "--for", "soon"], 2, "--for: 'soon' is not a duration"),
        (["record", "--out", "a.rec", "--size", "big"], 2, "--size: `big` is not a size"),
    ],
)
def test_what_cannot_be_done_is_said(ioc: Ioc, args: list[str], code: int, said: str) -> None:
    """Never a traceback."""
    ended = ioc(*args)
    assert ended.code == code
    assert said in ended.err
