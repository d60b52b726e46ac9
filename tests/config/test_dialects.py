"""Dialects in files: what no message could fulfil, and what two dialects would both claim, is named at its line."""

from pathlib import Path

import pytest

from ioc.config.load import Config, load_config
from ioc.config.problem import ConfigError

GOOD = """dialects_of: speaker
dialects:
  mine:
    topic: x/{group}/{device}
    levels: {group: [a, b]}
    time: {path: t, unit: s}
    duplicate: [t, id]
    fields:
      volume: {path: v, from: [0, 255], to: [100, 0]}
      state: {path: s, values: {0: idle, 1: playing}}
    constants: {network: 4g}
"""
SECOND = """  other:
    topic: x/a/{device}
    fields: {volume: v}
"""

BROKEN = {
    "family": (GOOD.replace("speaker", "speker"), 1, "dialects_of: there is no family `speker`", "did you mean `speaker`?"),
    "key": (GOOD.replace("duplicate", "duplicat"), 7, "unknown key `duplicat`", "did you mean `duplicate`?"),
    "key of a field": (GOOD.replace("from:", "form:"), 9, "unknown key `form`", "did you mean `from`?"),
    "metric": (GOOD.replace("volume:", "volum:"), 9, "has no metric `volum`", "did you mean 'volume'?"),
    "constant of nobody": (GOOD.replace("network:", "netwrk:"), 11, "has no metric `netwrk`", "did you mean 'network'?"),
    "constant": (GOOD.replace("4g", "6g"), 11, "constants.network: `6g` is no value of `network`", "known are 2g, 3g"),
    "code": (GOOD.replace("idle", "idl"), 10, "fields.state.values.0: `idl` is no value of `state`", "did you mean 'idle'?"),
    "unit": (GOOD.replace("unit: s", "unit: sec"), 6, "`sec` is not one of s, ms, us, ns, rfc3339", "write one"),
    "path": (GOOD.replace("path: v", "path: v..w"), 9, "`v..w` is no path into a payload", "a.b or a[0].b"),
    "path inside a value": (GOOD.replace("path: v", "path: s.v"), 9, "`s.v` lies inside `s`", "keep one"),
    "topic": (GOOD.replace("x/{group}", "x/+/{group}"), 4, "`+` is no level of a topic", "one name in braces"),
    "broker's own topics": (GOOD.replace("x/{group}", "$SYS/{group}"), 4, "starts with $", "name the vendor's topics"),
    "stray level": (GOOD.replace("levels: {group", "levels: {grop"), 3, "`levels` names 'grop'", "its named levels: group, device"),
    "two identities": (GOOD.replace("    time:", "    device: sn\n    time:"), 3, "comes from one place", "write {device} into `topic`"),
    "no identity": (GOOD.replace("{device}", "{serial}"), 3, "comes from one place", "write {device} into `topic`"),
    "half a scale": (GOOD.replace(", to: [100, 0]", ""), 9, "`from` and `to` belong together", "write both ends"),
    "scaled text": (GOOD.replace("volume: {", "bulletin: {"), 9, "`bulletin` is no number", "write `values`"),
    "time without path": (GOOD.replace("path: t, ", ""), 6, "in JSON the time stands at a path", "add `path: …`"),
    "time with path in lines": (GOOD.replace("    time:", "    format: influx_line\n    time:"), 7, "carries its time", "remove `path`"),
    "overlap": (GOOD + SECOND, 13, "the topic x/a/x would belong to this dialect and to `mine` in", "narrow one of them"),
    "twice": (GOOD + SECOND.replace("other", "volume_steps").replace("x/a", "y"), 12, "is already declared in", "rename it"),
}  # fmt: skip


def load(folder: Path, text: str, broker: str = "") -> Config:
    (folder / "mine.yaml").write_text(text)
    (folder / "ioc.yaml").write_text(f"broker:\n  url: mqtt://localhost\n{broker}families: [mine.yaml]\n")
    return load_config(folder / "ioc.yaml", {})


@pytest.mark.parametrize(("text", "line", "what", "do"), BROKEN.values(), ids=BROKEN)
def test_names_line_and_remedy_for_each_mistake(tmp_path: Path, text: str, line: int, what: str, do: str) -> None:
    """Every mistake of the table is named at its line."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    problem = caught.value.problems[0]
    assert (Path(problem.file).name, problem.line) == ("mine.yaml", line), str(problem)
    assert what in str(problem)
    assert do in str(problem)


def test_source_listens_to_enabled_dialects_or_to_those_that_it_names(tmp_path: Path) -> None:
    """Shipped ones are asleep until named: no site finds foreign subscriptions at its broker."""
    config = load(tmp_path, GOOD)
    assert set(config.dialects(config.settings.brokers[0])) == {"mine"}
    config = load(tmp_path, GOOD, "  dialects: [group_heartbeat, mine]\n")
    assert set(config.dialects(config.settings.brokers[0])) == {"group_heartbeat", "mine"}
    config = load(tmp_path, GOOD, "  dialects: []\n")
    assert not config.dialects(config.settings.brokers[0])


@pytest.mark.parametrize(
    ("broker", "line", "what"),
    [
        ("  dialects: [grup_heartbeat]\n", 3, "broker.dialects: there is no dialect `grup_heartbeat`; did you mean `group_heartbeat`?"),
        ("  topic_root: x/a\n", 3, "broker.topic_root: `x/{group}/{device}` of the dialect `mine` reaches below x/a"),
    ],
)
def test_names_a_source_whose_choice_can_not_be(tmp_path: Path, broker: str, line: int, what: str) -> None:
    """Unknown dialects, and dialects that would take the source's own topics."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD, broker)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert what in str(problem)


def test_refuses_a_source_that_names_two_dialects_of_one_topic(tmp_path: Path) -> None:
    """One that is switched off overlaps with nobody until a source names both."""
    text = GOOD + SECOND + "    enabled: false\n"
    load(tmp_path, text)
    with pytest.raises(ConfigError, match="the topic x/a/x would belong to `mine` and to `other`"):
        load(tmp_path, text, "  dialects: [mine, other]\n")


def test_subscribes_to_exactly_the_topics_that_it_reads(tmp_path: Path) -> None:
    """Allowed texts become filters of their own, so that no message comes twice for two dialects."""
    config = load(tmp_path, GOOD)
    assert config.dialects(config.settings.brokers[0])["mine"].template.filters == ("x/a/+", "x/b/+")
