"""`ioc rules test`: stories with expectations, played by the engine that runs live."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Ioc = Callable[..., Any]

RULES = """\
rules:
  - id: pump_hot
    family: speaker
    when: {kind: threshold, metric: amp_temp_c, above: 60, clear_below: 55}
    for: 2m
    severity: minor
    summary: {vi: "nóng {value}", en: "hot {value}"}
    action: {vi: "xem", en: "look"}
"""
TEST = """\
rules: [./rules.yaml]
shipped_rules: false
site: {language: en}
routes: [{group_by: [device], group_wait: 30s, channels: [ops]}]
tests:
  - name: hot
    interval: 60s
    devices: {d1: {family: speaker, name: Tower}}
    series:
      d1: {amp_temp_c: 50 61x5 40x5}
    expect:
      - {at: 2m30s, alarms: []}
      - at: 3m30s
        alarms: [{rule: pump_hot, device: d1, severity: SEVERITY, contains: hot 61}]
      - at: 4m
        messages: [{channel: ops, event: raised, contains: TEXT}]
      - at: 20m
        alarms: [{rule: pump_hot, state: cleared}]
        messages: [{event: cleared}]
"""


def write(folder: Path, *, severity: str = "minor", text: str = "Tower") -> None:
    (folder / "rules.yaml").write_text(RULES)
    (folder / "hot.yaml").write_text(TEST.replace("SEVERITY", severity).replace("TEXT", text))


def test_test_that_holds_ends_with_0(ioc: Ioc, site: Path) -> None:
    """Alarms and messages as expected."""
    write(site)
    ended = ioc("rules", "test", "hot.yaml", "rules.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "ok   hot.yaml:6: hot\n1 tests, 0 failed; 1 rules, no mistakes.\n"


def test_days_of_the_calendar_hold_in_tests_too(ioc: Ioc, site: Path) -> None:
    """The file names its calendar; without one the days that a rule names are a mistake in that rule's line."""
    write(site)
    holidays = 'between: {from: "00:00", to: "00:00", only_on: [tet]}'
    (site / "rules.yaml").write_text(RULES.replace("severity", f"{holidays}\n    severity"))
    (site / "calendar.yaml").write_text("calendar: {tet: {name: {vi: Tết, en: Tết}, days: [2026-02-17]}}")
    test = (site / "hot.yaml").read_text()
    (site / "hot.yaml").write_text(
        "calendar: ./calendar.yaml\n" + test.replace("- name: hot", '- name: hot\n    start: "2026-02-17 08:00"')
    )
    assert ioc("rules", "test", "hot.yaml").code == 0
    (site / "hot.yaml").write_text("calendar: ./calendar.yaml\n" + test)
    assert ioc("rules", "test", "hot.yaml").code == 1
    (site / "hot.yaml").write_text(test)
    assert "rules.yaml:6: rules[0].between.only_on[0]: there are no days `tet`" in ioc("rules", "test", "hot.yaml").err


def test_alarm_of_another_severity_is_shown_with_its_line(ioc: Ioc, site: Path) -> None:
    """What was expected, and what is there instead."""
    write(site, severity="major")
    ended = ioc("rules", "test", "hot.yaml")
    assert ended.code == 1
    expected, instead = "pump_hot of d1 (active, major, with `hot 61`)", "pump_hot of d1 (active, minor): hot 61"
    failed, difference, _ = ended.out.splitlines()
    assert failed == "FAIL hot.yaml:6: hot"
    assert difference == f"     hot.yaml:14: at 3m30s: expected {expected}; instead: {instead}"


def test_message_with_another_text_is_missing_and_the_one_that_came_is_shown(ioc: Ioc, site: Path) -> None:
    """As JSON, for pipelines."""
    write(site, text="Bridge")
    ended = ioc("rules", "test", "hot.yaml", "--json")
    assert ended.code == 1
    [played] = json.loads(ended.out)["tests"]
    missing, extra = played["differences"]
    assert (missing["place"], missing["at"]) == ("hot.yaml:16", "4m")
    assert missing["what"] == "expected a message `raised` to ops with `Bridge`; no such message"
    assert extra["what"].startswith("not expected: a message `raised` to ops: [MINOR] ")


def test_alarm_that_nobody_expected_fails(ioc: Ioc, site: Path) -> None:
    """An empty list means none at all."""
    write(site)
    path = site / "hot.yaml"
    path.write_text(path.read_text().replace("at: 2m30s, alarms: []", "at: 3m10s, alarms: []"))
    assert "not expected: pump_hot of d1 (active, minor): hot 61" in ioc("rules", "test", "hot.yaml").out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "amp_temp_c: 50",
            "amp_tmp_c: 50",
            "hot.yaml:10: tests[0].series.d1.amp_tmp_c: the family `speaker` has no metric",
        ),
        ("50 61x5", "50 hotx5", "hot.yaml:10: tests[0].series.d1.amp_temp_c: `hot` is no value of the type float"),
        (
            "rule: pump_hot, device: d1",
            "rule: pump_hit, device: d1",
            "tests[0].expect[1].alarms[0].rule: there is no rule `pump_hit`",
        ),
        ("device: d1", "device: d2", "tests[0].expect[1].alarms[0].device: the test has no device `d2`"),
        (
            "family: speaker",
            "family: speker",
            "hot.yaml:8: tests[0].devices.d1.family: there is no family `speker`; did you",
        ),
        ("at: 4m", "at: 1m", "hot.yaml:15: tests[0].expect[2].at: lies before the expectation above it"),
        ("./rules.yaml", "./rule.yaml", "rule.yaml: does not exist"),
        ("language: en}", "language: en, timezone: Hanoi}", "hot.yaml:3: site.timezone: there is no time zone `Hanoi`"),
        ("interval: 60s", "intervall: 60s", "hot.yaml:7: tests[0].intervall: unknown key `intervall`; did you mean `interval`?"),
        ("interval: 60s", "own: [{from: 1m, to: 2m, rule: pump_hot}]", "tests[0].own[0].rule: `pump_hot` is no condition of our own"),
        ("interval: 60s", "own: [{from: 1m, to: 2m, rule: ioc_blind}]", "is raised where we hear nothing; use `blind:`"),
        ("interval: 60s", "blind: [{from: 2m, to: 1m}]", "tests[0].blind[0]: it ends before it begins; write a `to` after"),
        ("routes: ", "notify: n.yaml\nroutes: ", "`routes` and `notify` exclude each other"),
        ("routes: [{group_by: [device], group_wait: 30s, channels: [ops]}]\n", "", "there are no routes, so no message is ever sent; add"),
        ("interval: 60s", "start: noon", "hot.yaml:7: tests[0].start: 'noon' is not a local date and time"),
    ],
)
def test_mistake_in_a_test_is_named_with_its_line(ioc: Ioc, site: Path, before: str, after: str, said: str) -> None:
    """A test that tries nothing must not pass."""
    write(site)
    path = site / "hot.yaml"
    path.write_text(path.read_text().replace(before, after, 1))
    ended = ioc("rules", "test", "hot.yaml")
    assert ended.code == 1
    assert said in ended.err


STORY = """\
site: {language: en}
routes: [{group_by: [device], group_wait: 0s, repeat_interval: 1h, channels: [ops]}]
tests:
  - name: people
    devices: {d1: {family: speaker}, d2: {family: speaker}}
    series:
      d1: {state: faultx600}
      d2: {state: idlex5 stale}
    own: [{from: 10m, to: 20m, rule: ioc_store_down, detail: disk}]
    silences: [{from: 0s, to: 9m, rule: speaker_offline}]
    acts: [ACTS]
    expect:
      - {at: 2m, alarms: [{rule: speaker_fault}], messages: [{event: raised, contains: d1}]}
      - {at: 8m, alarms: [{rule: speaker_fault, acknowledged: true}, {rule: speaker_offline, device: d2}], messages: []}
      - {at: 15m, messages: [{event: raised, contains: d2}, {event: raised, contains: stor}]}
      - {at: 30m, messages: [{event: cleared}]}
      - {at: 2h, messages: [{contains: "REMINDER"}]}
"""


def test_people_silences_and_our_own_conditions_take_part(ioc: Ioc, site: Path) -> None:
    """Acknowledged is not repeated; a silence holds back; a condition of our own is told."""
    act = "{at: 3m, step: acknowledged, rule: speaker_fault, by: Lan}"
    (site / "people.yaml").write_text(STORY.replace("ACTS", act))
    ended = ioc("rules", "test", "people.yaml")
    assert ended.out == "ok   people.yaml:4: people\n1 tests, 0 failed; 0 rules, no mistakes.\n"


def test_act_on_an_alarm_that_is_not_there_fails_the_test(ioc: Ioc, site: Path) -> None:
    """Nobody acknowledges nothing by mistake."""
    (site / "people.yaml").write_text(STORY.replace("ACTS", "{at: 3m, step: acknowledged, rule: speaker_tamper}"))
    ended = ioc("rules", "test", "people.yaml")
    assert "people.yaml:11: at 3m: there is no active alarm of speaker_tamper to act on" in ended.out


@pytest.mark.usefixtures("site")
def test_shipped_tests_of_the_shipped_rules_hold(ioc: Ioc) -> None:
    """They are examples too."""
    ended = ioc("rules", "test")
    assert ended.code == 0, ended.out
    assert ended.out.count("\nok ") + ended.out.startswith("ok ") >= 4


NOTIFY = """\
channels: {out: {kind: file, path: ./out.jsonl}}
people: {an: {channels: out}, lead: {channels: out, language: en}}
routes: [{group_by: [device], group_wait: 30s, people: [an], escalation: [{after: 5m, people: [lead]}]}]
"""
CALLED = """\
    expect:
      - {at: 4m, messages: [{person: an, event: raised}]}
      - {at: 9m, messages: [{person: lead, contains: "Overdue: nobody acknowledged within 5 min (called: an)"}]}
"""


def test_story_expects_who_is_called_and_who_is_called_besides(ioc: Ioc, site: Path) -> None:
    """Rule tests speak of people, and see escalations."""
    write(site)
    (site / "notify.yaml").write_text(NOTIFY)
    routes = "routes: [{group_by: [device], group_wait: 30s, channels: [ops]}]"
    story = TEST[: TEST.index("    expect:")].replace(routes, "notify: ./notify.yaml")
    (site / "called.yaml").write_text(story.replace("50 61x5 40x5", "50 61x20") + CALLED)
    ended = ioc("rules", "test", "called.yaml")
    assert (ended.code, ended.out) == (0, "ok   called.yaml:6: hot\n1 tests, 0 failed; 0 rules, no mistakes.\n")
