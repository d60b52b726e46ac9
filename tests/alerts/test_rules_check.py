"""Mistakes in rules are found before anything starts: which node, what is wrong, what to do."""

from typing import Any

import pytest

from alerts.rule_check import check_rules
from ruling.stage import FAMILIES, HOT, PLAYING, rule

ABOVE = {"kind": "threshold", "metric": "volume", "above": "50"}
WINDOW = {"kind": "window", "metric": "volume", "take": "mean", "over": "10m", "above": "50"}
GROUP = {"kind": "group", "at_least": "30%", "of": {"any": [{"kind": "absence"}, PLAYING]}}
INCREASE = {"kind": "increase", "metric": "uptime_s", "over": "10m"}
CASES: dict[str, tuple[dict[str, Any], tuple[Any, ...], str]] = {
    "family": ({"family": "speeker"}, ("family",), "did you mean `speaker`"),
    "metric": ({"when": {**HOT, "metric": "amp_temp"}}, ("when", "metric"), "did you mean `amp_temp_c`"),
    "metric without a near one": ({"when": {**HOT, "metric": "zzz"}}, ("when", "metric"), "known are state, source"),
    "metric deep inside": ({"when": {"all": [PLAYING, {"not": {"any": [{**HOT, "metric": "volum"}]}}]}},
                           ("when", "all", 1, "not", "any", 0, "metric"), "did you mean `volume`"),
    "state's metric": ({"when": {**PLAYING, "metric": "stat"}}, ("when", "metric"), "did you mean `state`"),
    "value": ({"when": {**PLAYING, "is": "plying"}}, ("when", "is"), "did you mean `playing`"),
    "value not wanted": ({"when": {"kind": "state", "metric": "state", "is_not": "plying"}}, ("when", "is_not"), "`playing`"),
    "one of several values": ({"when": {"kind": "state", "metric": "network", "in": ["2g", "lam"]}}, ("when", "in", 1), "did you mean"),
    "truth": ({"when": {"kind": "state", "metric": "door_open", "is": "open"}}, ("when", "is"), "write true or false"),
    "whole number": ({"when": {"kind": "state", "metric": "volume", "is": "loud"}}, ("when", "is"), "whole number"),
    "number never reached": ({"when": {"kind": "state", "metric": "volume", "is": "101"}}, ("when", "is"), "range"),
    "state of a float": ({"when": {"kind": "state", "metric": "amp_temp_c", "is": "80"}}, ("when", "metric"), "use kind `threshold`"),
    "all values": ({"when": {"kind": "state", "metric": "priority", "in": ["normal", "priority", "emergency"]}}, ("when", "in"), "always"),
    "threshold on an enum": ({"when": {**HOT, "metric": "state"}}, ("when", "metric"), "is a enum, not a number"),
    "threshold on a text": ({"when": {**HOT, "metric": "bulletin"}}, ("when", "metric"), "a text has no limits"),
    "clear above the limit": ({"when": {**ABOVE, "clear_below": "60"}}, ("when", "clear_below"), "lies above 50"),
    "clear below the limit": ({"when": {"kind": "threshold", "metric": "volume", "below": "50", "clear_above": "40"}},
                              ("when", "clear_above"), "lies below 50"),
    "never exceeded": ({"when": {**ABOVE, "above": "100"}}, ("when", "above"), "never exceeds 100"),
    "always exceeded": ({"when": {**ABOVE, "above": "-1"}}, ("when", "above"), "always at least 0"),
    "never below": ({"when": {"kind": "threshold", "metric": "volume", "below": "0"}}, ("when", "below"), "never less than 0"),
    "always below": ({"when": {"kind": "threshold", "metric": "volume", "below": "101"}}, ("when", "below"), "never more than 100"),
    "never clears downwards": ({"when": {**ABOVE, "clear_below": "0"}}, ("when", "clear_below"), "would not clear"),
    "never clears upwards": ({"when": {"kind": "threshold", "metric": "volume", "below": "50", "clear_above": "100"}},
                             ("when", "clear_above"), "would not clear"),
    "limits that exclude each other": (
        {"when": {"all": [ABOVE, {"kind": "threshold", "metric": "volume", "below": "20"}]}}, ("when", "all", 1), "can't hold together"),
    "states that exclude each other": ({"when": {"all": [PLAYING, {**PLAYING, "is": "idle"}]}}, ("when", "all", 1), "can't hold together"),
    "state and its contrary": (
        {"when": {"any": [HOT, {"all": [PLAYING, {"kind": "state", "metric": "state", "is_not": "playing"}]}]}},
        ("when", "any", 1, "all", 1), "can't hold together"),
    "hysteresis turned round": ({"when": {"not": {**HOT, "clear_below": "70"}}}, ("when", "not"), "turn the comparison round"),
    "event turned round": ({"when": {"not": {"kind": "event", "name": "tamper"}}}, ("when", "not"), "an event can't stand under `not`"),
    "event that waits": ({"when": {"kind": "event", "name": "tamper"}, "for": "5s"}, ("for",), "`for` never passes"),
    "absence among others": ({"when": {"all": [PLAYING, {"kind": "absence"}]}}, ("when", "all", 1), "rule of its own"),
    "absence that lasts": ({"when": {"kind": "absence"}, "keep_firing_for": "5s"}, ("keep_firing_for",), "remove"),
    "absence that latches": ({"when": {"kind": "absence"}, "latched": "true"}, ("latched",), "remove `latched`"),
    "guard's metric": ({"suppressed_while": {**PLAYING, "metric": "stat"}}, ("suppressed_while", "metric"), "did you mean `state`"),
    "guard by an event": ({"suppressed_while": {"kind": "event", "name": "tamper"}}, ("suppressed_while",), "name a rule that watches it"),
    "guard that looks back": ({"suppressed_while": WINDOW}, ("suppressed_while",), "make it a rule of its own"),
    "guard by absence": ({"suppressed_while": {"kind": "absence"}}, ("suppressed_while",), "rule of its own"),
    "guard on a device": ({"when": GROUP, "suppressed_while": {"rule": "device_clock_off"}}, ("suppressed_while", "on"), "on: unit"),
    "guard on a group's values": ({"when": GROUP, "suppressed_while": PLAYING}, ("suppressed_while",), "name another rule"),
    "guard's rule": ({"suppressed_while": {"rule": "device_clock_of"}}, ("suppressed_while", "rule"), "did you mean `device_clock_off`"),
    "guard by itself": ({"suppressed_while": {"rule": "rule"}}, ("suppressed_while", "rule"), "leave `suppressed_while` out"),
    "absence by hours": ({"when": {"kind": "absence"}, "between": ["05:00", "22:00"]}, ("between",), "routes"),
    "rate of a text": ({"when": {**INCREASE, "metric": "bulletin", "above": "1"}}, ("when", "metric"), "not a number"),
    "metric of a window": ({"when": {**WINDOW, "metric": "volum"}}, ("when", "metric"), "did you mean `volume`"),
    "window too short": ({"when": {**WINDOW, "over": "2m"}}, ("when", "over"), "write at least 3m"),
    "window too long": ({"when": {**WINDOW, "over": "40d"}}, ("when", "over"), "can't be longer than 35d"),
    "window out of range": ({"when": {**WINDOW, "above": "100"}}, ("when", "above"), "never exceeds 100"),
    "window's clear limit": ({"when": {**WINDOW, "clear_below": "60"}}, ("when", "clear_below"), "lies above 50"),
    "increase that always is": ({"when": {**INCREASE, "above": "-1"}}, ("when", "above"), "0 or more"),
    "increase that never is": ({"when": {**INCREASE, "below": "0"}}, ("when", "below"), "never less"),
    "forecast out of range": (
        {"when": {"kind": "forecast", "metric": "volume", "over": "1h", "rises_to": "200", "within": "1d"}},
        ("when", "rises_to"), "never is 200"),
    "time stuck too short": ({"when": {"kind": "stuck", "metric": "fw", "over": "1m"}}, ("when", "over"), "at least 3m"),
    "rate turned round": (
        {"when": {"not": {"kind": "rate", "metric": "volume", "over": "10m", "above": "1", "clear_below": "0"}}}, ("when", "not"), "turn"),
    "group inside": ({"when": {"all": [PLAYING, GROUP]}}, ("when", "all", 1), "rule of its own"),
    "group's metric": ({"when": {**GROUP, "of": {**HOT, "metric": "volum"}}}, ("when", "of", "metric"), "did you mean `volume`"),
    "side in a group": ({"when": {**GROUP, "of": {**HOT, "clear_below": "70"}}}, ("when", "of"), "leave the clear limit out"),
    "event in a group": ({"when": {**GROUP, "of": {"kind": "event", "name": "tamper"}}}, ("when", "of"), "use a state"),
    "contradiction in a group": (
        {"when": {**GROUP, "of": {"all": [PLAYING, {**PLAYING, "is": "idle"}]}}}, ("when", "of", "all", 1), "can't hold together"),
    "field of a group's text": ({"when": GROUP, "cause": {"vi": "{device}", "en": "y"}}, ("cause", "vi"), "field `device`"),
    "field of a text": ({"cause": {"vi": "x {amp_tmp_c}", "en": "y"}}, ("cause", "vi"), "did you mean `amp_temp_c`"),
    "value of nothing": ({"when": {"kind": "absence"}, "summary": {"vi": "x", "en": "{value}"}}, ("summary", "en"), "field `value`"),
    "empty action": ({"action": {"vi": " ", "en": "y"}}, ("action", "vi"), "is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "path", "words"), CASES.values(), ids=CASES)
def test_names_the_node_and_the_remedy(change: dict[str, Any], path: tuple[Any, ...], words: str) -> None:
    """One problem, at its place."""
    keys = {"when": HOT, **change}
    [problem] = check_rules([rule(keys.pop("when"), **keys)], FAMILIES)
    assert (problem.index, problem.rule, problem.path) == (0, "rule", path)
    said = f"{problem.what}; {problem.do}"
    assert any(part in said for part in words.split("|")), said


def test_finds_the_same_id_twice() -> None:
    """At the second one."""
    problems = check_rules([rule(HOT), rule(ABOVE, id="other"), rule(PLAYING)], FAMILIES)
    assert [(problem.index, problem.path) for problem in problems] == [(2, ("id",))]


@pytest.mark.parametrize(
    "when",
    [
        HOT,
        {"all": [ABOVE, {"kind": "threshold", "metric": "volume", "below": "80"}]},
        {"all": [PLAYING, {"kind": "state", "metric": "state", "in": ["playing", "idle"]}]},
        {"all": [ABOVE, {"kind": "state", "metric": "volume", "is": "60"}]},
        {"any": [PLAYING, {**PLAYING, "is": "idle"}]},
        {"not": {"kind": "state", "metric": "state", "is": "off"}},
        {"kind": "threshold", "metric": "load_ohm", "above": "100000"},
        {"kind": "threshold", "metric": "amp_temp_c", "below": "-30"},
        {"kind": "event", "name": "anything"},
        {"kind": "absence"},
        WINDOW,
        GROUP,
        {"kind": "stuck", "metric": "fw", "over": "30d"},
        {"kind": "rate", "metric": "volume", "over": "10m", "below": "-500"},
        {"kind": "forecast", "metric": "battery_pct", "over": "6h", "falls_to": "20", "within": "2d"},
    ],
)
def test_finds_nothing_wrong_where_nothing_is(when: dict[str, Any]) -> None:
    """What can happen is allowed."""
    assert check_rules([rule(when)], FAMILIES) == []


def test_names_a_rule_that_another_makes_superfluous() -> None:
    """At its condition, with the other one's name."""
    [problem] = check_rules([rule({**HOT, "above": "85"}), rule(HOT, id="wide")], FAMILIES)
    assert (problem.index, problem.path) == (0, ("when",))
    assert "the rule `wide`, as grave, always holds when this one does" in problem.what


def test_names_rules_that_suppress_each_other_or_never_can() -> None:
    """Round a circle of several, and where two families never share a device; a chain is none."""
    one = rule(HOT, id="one", suppressed_while={"rule": "two"})
    two = rule(PLAYING, id="two", suppressed_while={"rule": "three"})
    door = {"kind": "state", "metric": "door_open", "is": "true"}
    circle = check_rules([one, two, rule(door, id="three", suppressed_while={"rule": "one"})], FAMILIES)
    assert [problem.rule for problem in circle] == ["one", "two", "three"]
    assert check_rules([one, two, rule(door, id="three")], FAMILIES) == []
    mains = rule({"kind": "state", "metric": "mains_ok", "is": "false"}, id="three", family="network_site")
    [problem] = check_rules([one, two, mains], FAMILIES)
    assert (problem.rule, problem.do) == ("two", "write `on: unit`")
