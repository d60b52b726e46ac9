"""However batches are cut, handed over again or interrupted by a restart, the journal is the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from alerts.inputs import Input, Tick
from alerts.rule import Rule
from ioc.domain.alarm import Step, Transition
from ioc.domain.family import Family
from ioc.domain.liveness_change import LivenessChange
from ioc.domain.sample import DeviceEvent, Sample
from ruling.stage import FAMILIES, HOUR, NOON, PLAYING, SECOND, Stage, event, offline, online, own, rule, sample, tick, unknown

STICKY = {"kind": "threshold", "metric": "amp_temp_c", "above": "80", "clear_below": "70"}
QUIET = {"kind": "threshold", "metric": "audio_dbfs", "below": "-50", "clear_above": "-45"}
RULES = (
    rule(STICKY, id="plain"),
    rule(STICKY, id="waits", **{"for": "90s"}),
    rule(STICKY, id="lasts", keep_firing_for="70s"),
    rule({"all": [PLAYING, QUIET]}, id="silent", keep_firing_for="30s", **{"for": "60s"}),
    rule({"any": [STICKY, {"kind": "state", "metric": "door_open", "is": "true"}]}, id="either", **{"for": "30s"}),
    rule({"not": PLAYING}, id="idle", **{"for": "20s"}),
    rule(PLAYING, id="hours", between=["11:50", "12:05"], **{"for": "45s"}),
    rule({"kind": "absence"}, id="gone"),
    rule({"kind": "absence"}, id="gone_long", **{"for": "60s"}),
    rule({"kind": "event", "name": "tamper"}, id="tamper", keep_firing_for="90s"),
    rule({"all": [{"kind": "event", "name": "tamper"}, PLAYING]}, id="both"),
)
PATIENT = {"speaker": FAMILIES["speaker"].model_copy(update={"cadence": HOUR, "missed": 100})}
"""A restart does not know which of the stored values a long silence had made unknown: here no silence is long."""


def at(seconds: int) -> int:
    """A moment after noon."""
    return NOON + seconds * SECOND


@dataclass(frozen=True)
class Script:
    """Inputs in order of arrival."""

    inputs: tuple[Input, ...]

    def __repr__(self) -> str:
        """One line each, short enough to read when a test fails."""
        return "\n".join(["", *map(short, self.inputs)])


def short(one: Input) -> str:
    """An input in a few words."""
    if isinstance(one, Sample):
        named = {name: value for name, value in zip(FAMILIES["speaker"].index, one.values, strict=True) if value is not None}
        return f"sample {one.device} {(one.ts - NOON) // SECOND} arrival {(one.arrival - NOON) // SECOND} {named}"
    if isinstance(one, DeviceEvent):
        return f"event {one.name} {one.device} {(one.ts - NOON) // SECOND}"
    if isinstance(one, LivenessChange):
        return f"{one.state.value} {one.device} {(one.at - NOON) // SECOND}"
    return repr(one)


KINDS = ("sample", "sample", "sample", "late", "again", "event", "offline", "online", "unknown", "own", "tick")


@st.composite
def values(draw: st.DrawFn) -> dict[str, float | int | str]:
    """Some of the metrics, around the limits."""
    found: dict[str, float | int | str] = {"volume": 1}
    if draw(st.booleans()):
        found["amp_temp_c"] = draw(st.sampled_from((60.0, 75.0, 85.0)))
    if draw(st.booleans()):
        found["state"] = draw(st.sampled_from(("idle", "playing")))
    if draw(st.booleans()):
        found["audio_dbfs"] = draw(st.sampled_from((-60.0, -47.0, -20.0)))
    if draw(st.booleans()):
        found["door_open"] = draw(st.sampled_from((0, 1)))
    return found


@st.composite
def scripts(draw: st.DrawFn, *, late: bool = True) -> Script:
    """Two devices' samples (some late, some twice), events, liveness, our own conditions and ticks.

    Without `late` for restarts: live, a sample older than the newest changes nothing, but the store keeps it, and with it a restart
    may know the value of a metric that was told only then.
    """
    now, inputs = 0, []
    blind_since: int | None = None
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.sampled_from((1, 5, 20, 60, 200)))
        device = draw(st.sampled_from(("d1", "d2")))
        kind = draw(st.sampled_from(KINDS))
        samples = [one for one in inputs if isinstance(one, Sample)]
        if kind in {"sample", "late"}:
            told = at(now - (draw(st.integers(0, 70)) if late and kind == "late" else 0))
            # A value said twice for one moment is left out: live the first word holds, in the store (and so after a restart) the last.
            if not any(one.device == device and one.ts == told for one in samples):
                inputs.append(sample(told, device, arrival=at(now), **draw(values())))
        elif kind == "again" and samples:
            inputs.append(draw(st.sampled_from(samples)))
        elif kind == "event":
            inputs.append(event(at(now), draw(st.sampled_from(("tamper", "reboot"))), device))
        elif kind in {"offline", "online", "unknown"}:
            inputs.append({"offline": offline, "online": online, "unknown": unknown}[kind](at(now), device))
        elif kind == "own":
            blind_since = at(now) if blind_since is None else None
            inputs.append(own(blind_since, at(now)))
        else:
            inputs.append(tick(at(now)))
    script = Script(tuple(inputs))
    note(f"{script!r}")
    return script


def deliveries(script: Script) -> tuple[Input, ...]:
    """What a broker may send again."""
    return tuple(one for one in script.inputs if not isinstance(one, Tick | LivenessChange))


def story(journal: list[Transition]) -> list[tuple[int, str, str, str | None, str, int, str]]:
    """The journal without our own clock."""
    return [(entry.seq, entry.alarm, entry.rule, entry.device, entry.step.value, entry.at, entry.detail) for entry in journal]


def run(script: Script, *, cuts: tuple[int, ...] = (), rules: tuple[Rule, ...] = RULES, families: Mapping[str, Family] = FAMILIES) -> Stage:
    """The script in batches."""
    stage = Stage(*rules, families=families)
    edges = sorted({0, len(script.inputs), *(cut % (len(script.inputs) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        stage.step(*script.inputs[start:end], now=NOON)
    return stage


@given(script=scripts(), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_decides_the_same_however_batches_are_cut(script: Script, cuts: list[int]) -> None:
    """A batch is only a way to hand inputs over."""
    whole, pieces = run(script), run(script, cuts=tuple(cuts))
    assert story(pieces.journal) == story(whole.journal)
    assert pieces.states == whole.states
    assert pieces.alarms == whole.alarms


@given(script=scripts(late=False))
def test_decides_nothing_twice_when_a_batch_is_handed_over_again(script: Script) -> None:
    """After a restart from what was committed and stored, the same deliveries say nothing new (liveness and ticks don't come again)."""
    stage = run(script, rules=tuple(one for one in RULES if one.id != "both"), families=PATIENT)
    before, states = list(stage.journal), dict(stage.states)
    stage.restart()
    assert stage.step(*deliveries(script), now=NOON) == []
    assert stage.journal == before
    assert {key for key, state in stage.states.items() if state.phase == "active"} == {
        key for key, state in states.items() if state.phase == "active"
    }


@given(script=scripts(late=False), kept=st.integers(0, 25))
@example(script=Script((sample(at(0), amp_temp_c=85.0), sample(at(60), amp_temp_c=60.0))), kept=0)
def test_decides_nothing_twice_when_the_store_lacks_the_last_batches(script: Script, kept: int) -> None:
    """A crash between commit and store: the state is ahead of the values; samples and events come again."""
    stage = Stage(*RULES, families=PATIENT)
    given_out = deliveries(script)
    stage.step(*given_out[:kept], now=NOON)
    stored = {device: dict(known) for device, known in stage.latest.items()}
    stage.step(*given_out[kept:], now=NOON)
    before = len(stage.journal)
    stage.latest = stored
    stage.restart()
    assert stage.step(*given_out[kept:], now=NOON) == []
    assert len(stage.journal) == before


@given(script=scripts(late=False), crash=st.integers(0, 25))
def test_goes_on_after_a_restart_as_if_there_had_been_none(script: Script, crash: int) -> None:
    """Deliveries before the restart, a restart, deliveries after it: the same alarms at the same times."""
    given_out = deliveries(script)
    whole = run(Script(given_out), families=PATIENT)
    stage = Stage(*RULES, families=PATIENT)
    stage.step(*given_out[:crash], now=NOON)
    assert stage.restart() == []
    stage.step(*given_out[crash:], now=NOON)
    assert story(stage.journal) == story(whole.journal)


@given(script=scripts(), cuts=st.lists(st.integers(0, 30), max_size=3))
@settings(max_examples=150)
def test_tells_one_life_for_each_alarm(script: Script, cuts: list[int]) -> None:
    """Raised once, ended at most once, never two at a time of one rule and device; ids and numbers are used once."""
    stage = run(script, cuts=tuple(cuts))
    standing: dict[tuple[str, str | None], str] = {}
    seen: set[str] = set()
    for number, entry in enumerate(stage.journal, start=1):
        key = (entry.rule, entry.device)
        assert entry.seq == number
        if entry.step is Step.RAISED:
            assert key not in standing
            assert entry.alarm not in seen
            standing[key] = entry.alarm
            seen.add(entry.alarm)
        else:
            assert entry.step is Step.CLEARED
            assert standing.pop(key) == entry.alarm
    assert {alarm.id for alarm in stage.engine.active()} == set(standing.values())
    assert {alarm.id for alarm in stage.alarms.values() if alarm.active} == set(standing.values())
