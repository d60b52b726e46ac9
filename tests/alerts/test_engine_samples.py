"""Samples raise and clear alarms in their own time."""

import pytest

from alerts.rule import Rule
from ioc.domain.alarm import Severity
from ioc.domain.registry import Device
from ruling.stage import HOT, HOUR, MINUTE, NOON, PLAYING, SECOND, TEXTS, Stage, event, offline, online, rule, sample, tick

SILENT = {"all": [PLAYING, {"kind": "threshold", "metric": "audio_dbfs", "below": "-50", "clear_above": "-45"}]}
STICKY = {**HOT, "clear_below": "70"}


def at(seconds: float) -> int:
    """A moment after noon."""
    return NOON + round(seconds * SECOND)


def test_raises_and_clears_at_the_times_of_samples() -> None:
    """Without delays the first true sample raises and the first false one clears."""
    stage = Stage(rule(HOT))
    assert stage.step(sample(at(0), amp_temp_c=79.0)) == []
    assert stage.step(sample(at(60), amp_temp_c=81.0, arrival=at(63))) == ["raised rule 60"]
    assert stage.step(sample(at(120), amp_temp_c=85.0)) == []
    assert stage.step(sample(at(180), amp_temp_c=80.0)) == ["cleared rule 180"]
    [alarm] = stage.alarms.values()
    assert (alarm.since, alarm.cleared_at, alarm.severity, alarm.unit) == (at(60), at(180), Severity.MAJOR, "u1")
    assert [entry.seq for entry in stage.journal] == [1, 2]
    assert [(entry.by, entry.detail, entry.recorded) for entry in stage.journal] == [
        ("sample", "amp_temp_c=81", at(63)),
        ("sample", "amp_temp_c=80", at(180)),
    ]


def test_says_nothing_where_the_rule_says_nothing() -> None:
    """A cause that the file leaves out is an empty text in both languages, not a guess."""
    said = {"family": "speaker", "severity": "major", "when": HOT, "summary": TEXTS["summary"], "action": TEXTS["action"]}
    stage = Stage(Rule.model_validate({"id": "rule", **said}))
    stage.step(sample(at(0), amp_temp_c=90.0))
    [alarm] = stage.alarms.values()
    assert (alarm.cause, alarm.consequence) == ({"vi": "", "en": ""}, {"vi": "", "en": ""})


def test_keeps_an_alarm_between_its_two_limits() -> None:
    """The limit on the way back clears, the one on the way up raises."""
    stage = Stage(rule(STICKY))
    steps = [stage.step(sample(at(60 * n), amp_temp_c=value)) for n, value in enumerate((75.0, 81.0, 75.0, 70.0, 69.9, 75.0))]
    assert steps == [[], ["raised rule 60"], [], [], ["cleared rule 240"], []]


def test_tells_the_sides_of_two_limits_apart() -> None:
    """Of two thresholds under `any`, only the one that was crossed holds in its band."""
    stage = Stage(rule({"any": [STICKY, {"kind": "threshold", "metric": "board_temp_c", "above": "75", "clear_below": "68"}]}))
    stage.step(sample(at(0), amp_temp_c=81.0, board_temp_c=70.0))
    assert stage.step(sample(at(60), amp_temp_c=69.0, board_temp_c=70.0)) == ["cleared rule 60"]


def test_waits_as_long_as_for_says() -> None:
    """The alarm is raised at the moment its time is full, and says since when the condition held."""
    stage = Stage(rule(HOT, **{"for": "90s"}))
    assert stage.step(sample(at(0), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(60), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(120), amp_temp_c=90.0)) == ["raised rule 90"]
    assert stage.engine.active()[0].since == at(0)


def test_raises_and_clears_when_the_late_sample_is_false() -> None:
    """A value holds until the next one, so the condition had lasted; the journal shows the values that raised it."""
    stage = Stage(rule(SILENT, **{"for": "60s"}))
    stage.step(sample(at(0), state="playing", audio_dbfs=-60.0))
    assert stage.step(sample(at(60), state="playing", audio_dbfs=-20.0)) == ["raised rule 60", "cleared rule 60"]
    assert [entry.detail for entry in stage.journal] == ["state=playing, audio_dbfs=-60", "state=playing, audio_dbfs=-20"]


def test_forgets_a_pending_condition_that_ends_early() -> None:
    """Time begins anew with the next true sample."""
    stage = Stage(rule(HOT, **{"for": "90s"}))
    stage.step(sample(at(0), amp_temp_c=90.0), sample(at(60), amp_temp_c=70.0), sample(at(70), amp_temp_c=90.0))
    assert stage.step(sample(at(130), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(160), amp_temp_c=90.0)) == ["raised rule 160"]


def test_keeps_firing_until_false_for_long_enough() -> None:
    """A short false spell clears nothing; the clear comes with the first sample after the time that is still false."""
    stage = Stage(rule(HOT, keep_firing_for="90s"))
    stage.step(sample(at(0), amp_temp_c=90.0))
    assert stage.step(sample(at(60), amp_temp_c=70.0), sample(at(120), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(180), amp_temp_c=70.0), sample(at(240), amp_temp_c=70.0)) == []
    assert stage.step(tick(at(300))) == []
    assert stage.step(sample(at(300), amp_temp_c=70.0)) == ["cleared rule 300"]


def test_raises_a_new_alarm_after_a_clear() -> None:
    """A new event is another alarm, not the old one again."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0), sample(at(60), amp_temp_c=70.0), sample(at(120), amp_temp_c=90.0))
    assert len(stage.alarms) == 2
    assert [alarm.since for alarm in stage.engine.active()] == [at(120)]


@pytest.mark.parametrize("late", [0, 60])
def test_ignores_samples_that_are_no_newer(late: int) -> None:
    """An equal or older time changes no live state."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(60), amp_temp_c=90.0))
    assert stage.step(sample(at(late), amp_temp_c=20.0)) == []
    assert len(stage.engine.active()) == 1


def test_joins_metrics_that_were_absent_at_the_same_time() -> None:
    """A device may spread one instant over several messages; a value that is known already is not overwritten."""
    stage = Stage(rule(SILENT))
    assert stage.step(sample(at(0), state="playing")) == []
    assert stage.step(sample(at(0), audio_dbfs=-60.0)) == ["raised rule 0"]
    assert stage.step(sample(at(0), audio_dbfs=-60.0), sample(at(0), audio_dbfs=-10.0), sample(at(0), state="idle")) == []


def test_takes_a_joining_metric_into_account_that_makes_it_false() -> None:
    """What was held from before gives way to what belongs to this instant, without reusing an alarm's id."""
    stage = Stage(rule(SILENT))
    stage.step(sample(at(0), state="idle", audio_dbfs=-60.0))
    assert stage.step(sample(at(60), state="playing")) == ["raised rule 60"]
    assert stage.step(sample(at(60), audio_dbfs=-10.0)) == ["cleared rule 60"]
    assert stage.step(sample(at(60), bulletin="x")) == []
    assert len(stage.alarms) == 1


def test_ignores_historical_samples() -> None:
    """They are stored, but raise and clear nothing."""
    stage = Stage(rule(HOT))
    assert stage.step(sample(at(0), amp_temp_c=90.0, live=False)) == []
    stage.step(sample(at(60), amp_temp_c=90.0))
    assert stage.step(sample(at(120), amp_temp_c=20.0, live=False)) == []


def test_raises_nothing_for_held_unknown_or_foreign_devices() -> None:
    """Only approved devices of the family count."""
    devices = [
        Device(device="held", family="speaker", approved=False),
        Device(device="line", family="factory_line"),
        Device(device="d1", family="speaker"),
    ]
    stage = Stage(rule(HOT), rule({"kind": "absence"}, id="gone"), rule({"kind": "event", "name": "tamper"}, id="tamper"), devices=devices)
    for name in ("held", "line", "stranger"):
        assert stage.step(sample(at(0), name, amp_temp_c=90.0), event(at(1), device=name), offline(at(2), name)) == []
    assert stage.step(sample(at(0), "d1", amp_temp_c=90.0)) == ["raised rule 0"]


def test_holds_a_value_until_the_next_one() -> None:
    """A sample without the metric changes nothing about it."""
    stage = Stage(rule(SILENT, **{"for": "60s"}))
    stage.step(sample(at(0), state="playing", audio_dbfs=-60.0))
    assert stage.step(sample(at(60), volume=70)) == ["raised rule 60"]
    assert stage.step(sample(at(120), volume=70)) == []
    assert stage.step(sample(at(180), state="idle")) == ["cleared rule 180"]


def test_drops_values_once_the_device_was_away_too_long() -> None:
    """After a gap longer than its silence nothing is known but what the sample brings: that neither raises nor clears."""
    stage = Stage(rule(SILENT))
    stage.step(sample(at(0), state="playing"))
    assert stage.step(sample(at(181), audio_dbfs=-60.0)) == []
    assert stage.step(sample(at(182), state="playing")) == ["raised rule 182"]
    assert stage.step(sample(at(400), volume=3)) == []
    assert stage.step(sample(at(401), audio_dbfs=-10.0)) == ["cleared rule 401"]


def test_drops_values_when_the_device_goes_offline() -> None:
    """A metric holds while the device is online."""
    stage = Stage(rule(SILENT))
    stage.step(sample(at(0), state="playing"), offline(at(10)), online(at(20)))
    assert stage.step(sample(at(20), audio_dbfs=-60.0)) == []


def test_keeps_an_alarm_while_the_device_is_offline() -> None:
    """Active stays; the first sample that says otherwise clears."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0), offline(at(200)), tick(at(900)))
    assert len(stage.engine.active()) == 1
    assert stage.step(online(at(1000)), sample(at(1000), amp_temp_c=20.0)) == ["cleared rule 1000"]


def test_does_not_count_time_that_nobody_could_hear() -> None:
    """Between two far samples only the family's silence counts as lasting."""
    stage = Stage(rule(HOT, **{"for": "5m"}))
    stage.step(sample(at(0), amp_temp_c=90.0))
    assert stage.step(offline(at(180)), online(at(1200)), sample(at(1200), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(1260), amp_temp_c=90.0)) == []
    assert stage.step(sample(at(1320), amp_temp_c=90.0)) == ["raised rule 1320"]


def test_counts_the_hours_of_between_in_the_sites_zone() -> None:
    """Outside the window the condition counts as false; the window may pass midnight."""
    stage = Stage(rule(PLAYING, between=["22:00", "04:30"]))
    night = NOON + 10 * HOUR
    assert stage.step(sample(night - MINUTE, state="playing")) == []
    assert stage.step(sample(night, state="playing")) == [f"raised rule {10 * 3600}"]
    assert stage.step(sample(night + 6 * HOUR, state="playing")) == []
    assert stage.step(sample(night + 6 * HOUR + 30 * MINUTE, state="playing")) == [f"cleared rule {16 * 3600 + 1800}"]


def test_does_not_mature_across_the_end_of_the_window() -> None:
    """What would be full after the end never was; the next day begins anew."""
    stage = Stage(rule(PLAYING, between=["05:00", "12:01"], **{"for": "90s"}))
    stage.step(sample(at(0), state="playing"))
    assert stage.step(tick(at(100)), sample(at(120), state="playing")) == []
    day = 24 * HOUR
    stage.step(sample(at(0) + day, state="playing"))
    assert stage.step(sample(at(59) + day, state="playing")) == []
    assert stage.journal == []


def test_begins_anew_in_the_next_window() -> None:
    """Yesterday's pending condition does not fire this morning."""
    stage = Stage(rule(PLAYING, between=["05:00", "12:01"], **{"for": "90s"}))
    stage.step(sample(at(0), state="playing"))
    morning = NOON + 17 * HOUR
    assert stage.step(sample(morning, state="playing"), sample(morning + 60_000, state="playing")) == []
    assert stage.step(sample(morning + 90_000, state="playing")) == [f"raised rule {17 * 3600 + 90}"]


def test_keeps_the_alarms_of_different_devices_and_rules_apart() -> None:
    """Each pair has a life of its own; the worst counts."""
    stage = Stage(rule(HOT), rule(PLAYING, id="playing", severity="critical"))
    stage.step(sample(at(0), "d1", amp_temp_c=90.0, state="playing"), sample(at(0), "d2", amp_temp_c=90.0))
    assert stage.engine.worst("d1") is Severity.CRITICAL
    assert stage.engine.worst("d2") is Severity.MAJOR
    assert stage.engine.worst("d3") is None
    assert [alarm.rule for alarm in stage.engine.alarms_of("d1")] == ["rule", "playing"]


def test_forgets_its_last_alarm_after_a_quiet_day() -> None:
    """Memory stays small: what can't be handed over again is not kept."""
    stage = Stage(rule(HOT))
    stage.step(sample(at(0), amp_temp_c=90.0), sample(at(60), amp_temp_c=70.0))
    assert [state.phase for state in stage.states.values()] == ["watching"]
    stage.step(sample(at(60) + 25 * HOUR, amp_temp_c=70.0))
    assert stage.states == {}


def test_returns_only_rows_that_changed() -> None:
    """A quiet sample, or one that confirms what is known, writes nothing."""
    stage = Stage(rule(STICKY, **{"for": "60s"}))
    engine = stage.engine
    assert engine.step([sample(at(0), amp_temp_c=20.0)], NOON).rule_states == ()
    [pending] = engine.step([sample(at(60), amp_temp_c=90.0)], NOON).rule_states
    assert pending.phase == "pending"
    assert engine.step([sample(at(90), amp_temp_c=90.0)], NOON).rule_states == ()
    [active] = engine.step([sample(at(120), amp_temp_c=90.0)], NOON).rule_states
    assert active.phase == "active"
    assert engine.step([sample(at(180), amp_temp_c=90.0)], NOON).rule_states == ()


def test_renders_the_texts_of_an_alarm() -> None:
    """Named fields become values, in the signs of each language; a device's text can't break out."""
    texts = {"vi": "{device_name}, {unit_name}: {value} {carrier} {state} {door_open} {nothing}", "en": "{device}: {amp_temp_c} {free_mb}"}
    devices = [Device(device="d1", family="speaker", unit="u1", name="Xóm Tháp\n{device}", labels={"carrier": "A", "team": "x"})]
    stage = Stage(rule(HOT, summary=texts, labels={"team": "ky_thuat"}), devices=devices)
    stage.step(sample(at(0), amp_temp_c=1_234.56, carrier="Vi\x00\x1b[31m{value}", state="playing", door_open=1))
    [alarm] = stage.engine.active()
    assert alarm.summary["vi"] == "Xóm Tháp {device}, Phường Việt Trì: 1.234,56 Vi [31m{value} đang phát có {nothing}"
    assert alarm.summary["en"] == "d1: 1,234.56 unknown"
    assert alarm.labels == {"carrier": "A", "team": "ky_thuat"}
