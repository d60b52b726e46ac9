"""Rule files: misspelt names are found before anything starts, at their line and with the nearest name."""

from pathlib import Path

import pytest

from ioc.config.load import load_config
from ioc.config.problem import ConfigError

TEXTS = "summary: &t {vi: x, en: y}\n    cause: *t\n    consequence: *t\n    action: *t\n"
WHEN = "{kind: state, metric: state, is: fault}"
DEEP = "\n      all:\n        - not:\n            {kind: threshold, metric: volum, above: 5}"
GOOD = "rules:\n  - id: a\n    family: speaker\n    when: {kind: state, metric: state, is: fault}\n    severity: major\n    " + TEXTS

BROKEN = {
    "family": (GOOD.replace("speaker", "speker"), 3, "rules[0].family: there is no family `speker`", "did you mean `speaker`?"),
    "metric": (
        GOOD.replace("metric: state", "metric: stat"), 4, "rules[0].when.metric: unknown metric `stat`", "did you mean `state`?"
    ),
    "kind": (GOOD.replace("kind: state", "kind: stat"), 4, "unknown kind of condition `stat`", "did you mean `state`?"),
    "key of a rule": (GOOD.replace("severity", "severty"), 5, "rules[0].severty: unknown key `severty`", "did you mean `severity`?"),
    "key of a condition": (GOOD.replace("is: fault", "iss: fault"), 4, "rules[0].when.iss: unknown key `iss`", "did you mean `is`?"),
    "severity": (GOOD.replace("major", "majr"), 5, "`majr` is not one of critical, major, minor, info", "did you mean `major`?"),
    "no action": (GOOD.replace("    action: *t\n", ""), 2, "rules[0].action: is missing", "add `action: …`"),
    "one language": (GOOD.replace(", en: y", ""), 6, "rules[0].summary.en: is missing", "add `en: …`"),
    "duration": (GOOD + "    for: 5 minutes\n", 10, "is not a duration", "for example 60s"),
    "twice": (
        GOOD + GOOD.replace("rules:\n", "").replace("&t {vi: x, en: y}", "*t"), 10, "the rule `a` is already declared in", "rename it",
    ),
    "field of a text": (GOOD.replace("vi: x", "vi: 'x {volum}'"), 6, "summary.vi: unknown field `volum`", "did you mean `volume`?"),
    "guard's rule": (
        GOOD + "    suppressed_while: {rule: b}\n", 10, "suppressed_while.rule: unknown rule `b`", "known are a, device_clock_wrong",
    ),
    "guard's key": (GOOD + "    suppressed_while: {rule: b, ob: unit}\n", 10, "unknown key `ob`", "known keys: on, rule"),
    "guard's place": (GOOD + "    suppressed_while: {rule: b, on: unti}\n", 10, "`unti` is not one of device", "did you mean `unit`?"),
    "guard's condition": (
        GOOD + "    suppressed_while: {kind: stat}\n", 10, "unknown kind of condition `stat`", "did you mean `state`?",
    ),
    "guard that is none": (GOOD + "    suppressed_while: always\n", 10, "it is a mapping", "`rule: …`"),
    "deep inside": (
        GOOD.replace(WHEN, DEEP),
        7, "rules[0].when.all[0].not.metric: unknown metric `volum`", "did you mean `volume`?",
    ),
}  # fmt: skip


def load(folder: Path, text: str) -> None:
    """A configuration with this rule file."""
    (folder / "rules.yaml").write_text(text)
    (folder / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\nrules: rules.yaml\nshipped_rules: false\n")
    [rule] = load_config(folder / "ioc.yaml", {}).rules
    assert rule.id == "a"


def test_takes_a_rule_without_mistakes(tmp_path: Path) -> None:
    """The table's rules differ from this one by their mistake alone."""
    load(tmp_path, GOOD)


def test_takes_a_rule_that_names_neither_cause_nor_consequence(tmp_path: Path) -> None:
    """Only an action is what people can't do without."""
    load(tmp_path, GOOD.replace("    cause: *t\n    consequence: *t\n", ""))


@pytest.mark.parametrize(("text", "line", "what", "do"), BROKEN.values(), ids=BROKEN)
def test_names_line_and_remedy_for_each_mistake(tmp_path: Path, text: str, line: int, what: str, do: str) -> None:
    """Every mistake of the table is named at its line."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    [problem] = [problem for problem in caught.value.problems if what in str(problem)]
    assert (Path(problem.file).name, problem.line) == ("rules.yaml", line)
    assert do in problem.do


@pytest.mark.parametrize("name", ["device_clock_off", "device_clock_wrong", "ioc_blind"])
def test_refuses_the_name_of_a_rule_that_is_built_in(tmp_path: Path, name: str) -> None:
    """Also where the shipped pack is left out: their alarms would be taken for one another."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace("id: a", f"id: {name}"))
    [problem] = caught.value.problems
    assert f"the rule `{name}` is already declared in the program itself" in str(problem)


def test_leaves_out_the_clock_rules_with_the_pack(tmp_path: Path) -> None:
    """They are shipped rules, though no file holds them."""
    for text, count in (("", 2), ("shipped_rules: false\n", 0)):
        (tmp_path / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\n" + text)
        assert len(load_config(tmp_path / "ioc.yaml", {}).clock_rules) == count


def test_accepts_the_shipped_pack(tmp_path: Path) -> None:
    """What is shipped passes its own checks."""
    (tmp_path / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\n")
    load_config(tmp_path / "ioc.yaml", {})


def test_names_the_line_of_a_shadowed_rule_among_the_sites_own(tmp_path: Path) -> None:
    """It stops nobody; a rule of the shipped pack that holds as well is not even named."""
    twin = GOOD + GOOD.replace("rules:\n", "").replace("&t {vi: x, en: y}", "*t").replace("id: a", "id: b")
    (tmp_path / "rules.yaml").write_text(twin)
    (tmp_path / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\nrules: rules.yaml\n")
    [problem] = load_config(tmp_path / "ioc.yaml", {}).doubts
    assert problem.line == [number for number, line in enumerate(twin.splitlines(), 1) if "when:" in line][1]
    assert "the rule `a`, as grave" in problem.what
    labels = "\n    labels: {team: ky_thuat}\n    for: 30s\n    severity"
    (tmp_path / "rules.yaml").write_text(GOOD.replace("\n    severity", labels))
    sound = load_config(tmp_path / "ioc.yaml", {})
    assert "a" in [rule.id for rule in sound.rules]
    assert not sound.doubts
