"""Every shipped rule raises and clears on what it is meant for, stays quiet otherwise, and says so in both languages."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from alerts.clock_rules import CLOCK_RULES
from alerts.inputs import Input
from alerts.own import OWN_RULES
from alerts.rule import Rule
from alerts.rule_check import check_rules
from alerts.text import fields_in
from ioc.domain.family import Family
from ioc.domain.registry import Device
from ruling.stage import FAMILIES, HOUR, MINUTE, NOON, SECOND, Stage, event, offline, online, sample, shipped_rules

RULES = {rule.id: rule for rule in shipped_rules()}
ALL = (*RULES.values(), *OWN_RULES.values(), *CLOCK_RULES)
Given = dict[str, Any]
DAY = 24 * HOUR


@dataclass(frozen=True)
class Case:
    """What raises a rule, what almost does, and what clears it."""

    raises: Given
    clears: Given
    almost: tuple[Given, ...] = ()
    band: Given | None = None
    """Between the two limits: an alarm stays."""


CASES = {
    "speaker_silent_while_playing": Case(
        raises={"state": "playing", "audio_dbfs": -62.0},
        band={"state": "playing", "audio_dbfs": -47.0},
        clears={"state": "playing", "audio_dbfs": -18.0},
        almost=({"state": "idle", "audio_dbfs": -80.0}, {"state": "playing", "audio_dbfs": -48.0}),
    ),
    "speaker_sound_without_source": Case(
        raises={"source": "none", "audio_dbfs": -20.0},
        band={"source": "none", "audio_dbfs": -40.0},
        clears={"source": "none", "audio_dbfs": -80.0},
        almost=({"source": "emergency", "audio_dbfs": -12.0}, {"source": "none", "audio_dbfs": -40.0}),
    ),
    "speaker_fault": Case(raises={"state": "fault"}, clears={"state": "idle"}, almost=({"state": "off"},)),
    "speaker_amp_warm": Case(
        raises={"amp_temp_c": 78.0}, band={"amp_temp_c": 72.0}, clears={"amp_temp_c": 60.0}, almost=({"amp_temp_c": 74.0},)
    ),
    "speaker_amp_overheating": Case(
        raises={"amp_temp_c": 88.0}, band={"amp_temp_c": 80.0}, clears={"amp_temp_c": 70.0}, almost=({"amp_temp_c": 84.0},)
    ),
    "speaker_board_overheating": Case(
        raises={"board_temp_c": 80.0}, band={"board_temp_c": 70.0}, clears={"board_temp_c": 50.0}, almost=({"board_temp_c": 74.0},)
    ),
    "speaker_mains_lost": Case(raises={"mains_v": 0.0}, band={"mains_v": 188.0}, clears={"mains_v": 221.0}, almost=({"mains_v": 185.0},)),
    "speaker_battery_low": Case(
        raises={"battery_pct": 20.0}, band={"battery_pct": 35.0}, clears={"battery_pct": 80.0}, almost=({"battery_pct": 31.0},)
    ),
    "speaker_sim_near_quota": Case(
        raises={"data_used_mb": 1850.0}, band={"data_used_mb": 1200.0}, clears={"data_used_mb": 3.0}, almost=({"data_used_mb": 1799.0},)
    ),
    "speaker_door_open": Case(raises={"door_open": 1}, clears={"door_open": 0}),
    "speaker_weak_signal": Case(
        raises={"network": "4g", "rssi_dbm": -112},
        band={"network": "4g", "rssi_dbm": -102},
        clears={"network": "4g", "rssi_dbm": -80},
        almost=({"network": "lan", "rssi_dbm": -120}, {"network": "3g", "rssi_dbm": -104}),
    ),
    "speaker_line_short": Case(raises={"load_ohm": 0.4}, band={"load_ohm": 2.5}, clears={"load_ohm": 8.0}, almost=({"load_ohm": 4.0},)),
    "speaker_line_open": Case(
        raises={"load_ohm": 9999.0}, band={"load_ohm": 1500.0}, clears={"load_ohm": 8.0}, almost=({"load_ohm": 500.0},)
    ),
    "speaker_storage_low": Case(
        raises={"free_mb": 90.0}, band={"free_mb": 300.0}, clears={"free_mb": 2000.0}, almost=({"free_mb": 250.0},)
    ),
    "line_stopped": Case(
        raises={"mode": "production", "state": "aborted", "stop_reason": "kẹt phôi"},
        clears={"mode": "production", "state": "execute"},
        almost=({"mode": "maintenance", "state": "stopped"}, {"mode": "production", "state": "idle"}),
    ),
    "line_suspended": Case(
        raises={"mode": "production", "state": "suspended"},
        clears={"mode": "production", "state": "unsuspending"},
        almost=({"mode": "manual", "state": "suspended"},),
    ),
    "line_zero_speed": Case(
        raises={"mode": "production", "state": "execute", "speed_per_min": 0.0},
        band={"mode": "production", "state": "execute", "speed_per_min": 0.3},
        clears={"mode": "production", "state": "execute", "speed_per_min": 28.0},
        almost=({"mode": "production", "state": "idle", "speed_per_min": 0.0},),
    ),
    "site_mains_lost": Case(raises={"mains_ok": 0, "generator_on": 1}, clears={"mains_ok": 1}),
    "site_generator_not_running": Case(
        raises={"mains_ok": 0, "generator_on": 0}, clears={"mains_ok": 0, "generator_on": 1}, almost=({"mains_ok": 1, "generator_on": 0},)
    ),
    "site_generator_long_run": Case(raises={"generator_on": 1}, clears={"generator_on": 0}),
    "site_battery_low": Case(
        raises={"battery_pct": 30.0}, band={"battery_pct": 50.0}, clears={"battery_pct": 90.0}, almost=({"battery_pct": 45.0},)
    ),
    "site_temp_high": Case(raises={"temp_c": 44.0}, band={"temp_c": 38.0}, clears={"temp_c": 28.0}, almost=({"temp_c": 39.0},)),
    "site_humidity_high": Case(
        raises={"humidity_pct": 96.0}, band={"humidity_pct": 88.0}, clears={"humidity_pct": 60.0}, almost=({"humidity_pct": 91.0},)
    ),
    "site_door_open": Case(raises={"door_open": 1}, clears={"door_open": 0}),
    "site_backhaul_loss": Case(
        raises={"backhaul_loss_pct": 9.0},
        band={"backhaul_loss_pct": 3.0},
        clears={"backhaul_loss_pct": 0.1},
        almost=({"backhaul_loss_pct": 4.0},),
    ),
    "site_backhaul_slow": Case(
        raises={"backhaul_rtt_ms": 400.0},
        band={"backhaul_rtt_ms": 250.0},
        clears={"backhaul_rtt_ms": 15.0},
        almost=({"backhaul_rtt_ms": 290.0},),
    ),
    "site_no_cells": Case(raises={"cells_up": 0, "cells_total": 6}, clears={"cells_up": 6}, almost=({"cells_up": 1},)),
}


@dataclass(frozen=True)
class Course:
    """How values go on for a while: each phase is a time and what a moment in it (ms since it began) is told as."""

    quiet: tuple[int, Callable[[int], Given]]
    raises: tuple[int, Callable[[int], Given]]
    clears: tuple[int, Callable[[int], Given]]
    every: int = 60 * SECOND


EXECUTES = {"mode": "production", "state": "execute"}
COURSES = {
    "speaker_sim_running_out": Course(
        quiet=(2 * DAY, lambda ms: {"data_used_mb": 400 + 40 * ms / DAY}),
        raises=(2 * DAY, lambda ms: {"data_used_mb": 480 + 500 * ms / DAY}),
        clears=(2 * DAY, lambda ms: {"data_used_mb": 2 + 40 * ms / DAY}),
        every=20 * MINUTE,
    ),
    "site_temp_rising": Course(
        quiet=(30 * MINUTE, lambda ms: {"temp_c": 27 + ms % 3 / 10}),
        raises=(13 * MINUTE, lambda ms: {"temp_c": 27 + 0.8 * ms / MINUTE}),
        clears=(30 * MINUTE, lambda _: {"temp_c": 37.0}),
    ),
    "line_no_output": Course(
        quiet=(30 * MINUTE, lambda ms: {**EXECUTES, "good_count": 29 * ms // MINUTE}),
        raises=(21 * MINUTE, lambda _: {**EXECUTES, "good_count": 870}),
        clears=(2 * MINUTE, lambda ms: {**EXECUTES, "good_count": 870 + 29 * ms // MINUTE}),
        every=10 * SECOND,
    ),
}
ABSENCES = {"speaker_offline", "line_offline", "site_offline"}
EVENTS = {"speaker_tamper"}


class Device1:
    """One device of a rule's family, told something every cadence."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.family = FAMILIES[rule.family]
        device = Device(device="d1", family=rule.family, unit="u1", name="Xóm Tháp")
        self.stage = Stage(*RULES.values(), devices=[device])
        self.now = NOON
        self.step(online(self.now, family=rule.family))

    def step(self, one: Input) -> None:
        """Hands over one input."""
        self.stage.step(one)

    def tell(self, given: Given, *, lasting: int = 0) -> None:
        """The same values at every cadence, at least twice, until they have lasted."""
        start = self.now
        while self.now < start + max(lasting, 1) + self.family.cadence:
            self.now += self.family.cadence
            self.step(sample(self.now, family=self.family.family, **given))

    def follow(self, lasting: int, given: Callable[[int], Given], *, every: int) -> None:
        """What a course says, so often and for so long."""
        for ms in range(every, lasting + every, every):
            self.now += every
            self.step(sample(self.now, family=self.family.family, **given(ms)))

    @property
    def stands(self) -> bool:
        """Whether the rule's alarm is active."""
        return any(alarm.rule == self.rule.id for alarm in self.stage.engine.active())


@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)
def test_raises_and_clears_on_samples(name: str, case: Case) -> None:
    """Not before its time, not in its band, and not on what almost fits."""
    rule = RULES[name]
    device = Device1(rule)
    lasting = rule.for_ + rule.keeps_ms
    for given in case.almost:
        device.tell(given, lasting=lasting)
        assert not device.stands, given
    if rule.for_ > device.family.cadence:
        device.tell(case.raises)
        assert not device.stands
    device.tell(case.raises, lasting=lasting)
    assert device.stands
    if case.band is not None:
        device.tell(case.band, lasting=lasting)
        assert device.stands
    device.tell(case.clears, lasting=lasting)
    assert not device.stands
    raised = [entry for entry in device.stage.journal if entry.rule == name]
    assert [entry.step.value for entry in raised] == ["raised", "cleared"]
    alarm = device.stage.alarms[raised[0].alarm]
    for text in (alarm.summary, alarm.cause, alarm.consequence, alarm.action):
        for language in ("vi", "en"):
            assert "{" not in text[language]


@pytest.mark.parametrize(("name", "course"), COURSES.items(), ids=COURSES)
def test_raises_and_clears_on_a_course(name: str, course: Course) -> None:
    """What looks back stays quiet on a usual course, raises on its own, clears after it, and says the number that it computed."""
    device = Device1(RULES[name])
    for lasting, given in (course.quiet, course.raises, course.clears):
        stood = device.stands
        device.follow(lasting, given, every=course.every)
        assert device.stands is (given is course.raises[1]), stood
    raised = [entry for entry in device.stage.journal if entry.rule == name]
    assert [entry.step.value for entry in raised] == ["raised", "cleared"]
    alarm = device.stage.alarms[raised[0].alarm]
    assert re.search(r"\d", alarm.summary["vi"] + alarm.cause["vi"])
    assert "{" not in "".join((*alarm.summary.values(), *alarm.cause.values()))


@pytest.mark.parametrize("name", sorted(ABSENCES))
def test_raises_and_clears_on_absence(name: str) -> None:
    """One silent device is one alarm, until it is heard."""
    device = Device1(RULES[name])
    device.step(offline(NOON + 180 * SECOND, family=device.family.family))
    assert device.stands
    assert len(device.stage.journal) == 1
    device.step(online(NOON + 400 * SECOND, family=device.family.family))
    assert not device.stands


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_raises_and_clears_on_an_event(name: str) -> None:
    """It lasts for a while and then clears by the next sample."""
    rule = RULES[name]
    [happening] = rule.events
    device = Device1(rule)
    device.step(event(NOON + SECOND, happening, family=rule.family))
    assert device.stands
    device.tell({"volume": 1}, lasting=rule.keeps_ms)
    assert not device.stands


def test_covers_every_shipped_rule() -> None:
    """A rule without a case here can't ship."""
    assert set(CASES) | set(COURSES) | ABSENCES | EVENTS == set(RULES)


def test_watches_the_absence_of_every_family() -> None:
    """Devices lie by silence."""
    assert {RULES[name].family for name in ABSENCES} == set(FAMILIES)


def test_stays_quiet_on_a_healthy_province() -> None:
    """A device that says what the simulator's healthy one says raises nothing."""
    for family in FAMILIES.values():
        watched = next(rule for rule in RULES.values() if rule.family == family.family)
        device = Device1(watched)
        device.follow(HOUR, partial(_usual, family), every=family.cadence)
        assert device.stage.journal == []


def _usual(family: Family, ms: int) -> Given:
    signals = {metric.name: metric.signal for metric in family.metrics if metric.signal is not None}
    return {name: signal.choices[0] if signal.choices else signal.start + signal.per_hour * ms / HOUR for name, signal in signals.items()}


def test_holds_no_mistakes() -> None:
    """The shipped pack passes the check that users' rules must pass."""
    assert check_rules(tuple(RULES.values()), FAMILIES) == []
    assert len(shipped_rules()) == len(RULES)


def test_speaks_as_the_glossary_does() -> None:
    """A bare `cảnh báo` is a disaster warning, and `tắt tiếng` mutes loudspeakers: neither stands in a text of ours."""
    labels = [label for rule in ALL for label in (rule.summary, rule.cause, rule.consequence, rule.action)]
    for label in labels:
        assert not re.search(r"cảnh báo(?! kỹ thuật)|tắt tiếng|im lặng", label.vi.lower()), label.vi
        assert label.vi != label.en
        assert "  " not in label.vi + label.en


def test_names_only_values_that_are_known() -> None:
    """What a rule does not look at may be unknown when it raises: its texts leave that out, but for a reason given by the device."""
    for rule in RULES.values():
        named = {name for label in rule.texts.values() for text in (label.vi, label.en) for name in fields_in(text)}
        assert named <= {*rule.metrics, *(("value",) if rule.metrics else ()), "stop_reason"}, rule.id


def test_writes_summaries_that_fit_a_message() -> None:
    """`[CAO] Cụm loa X: <summary> từ 23:14. Việc cần làm: <action>.`: no capital, no full stop, short enough for a phone."""
    for rule in ALL:
        for text in (rule.summary.vi, rule.action.vi, rule.summary.en, rule.action.en):
            assert text[0] == text[0].lower() or text.startswith("SIM"), text
            assert not text.endswith("."), text
        assert len(rule.summary.vi) <= 70
        assert len(rule.action.vi) <= 200
