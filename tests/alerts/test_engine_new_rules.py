"""Rules that are replaced while devices go on: what keeps its state, what is withdrawn, what is raised."""

from typing import Any

from alerts.rule import Rule
from ioc.domain.registry import Device
from ruling.stage import HOT, MINUTE, NOON, PLAYING, SECOND, Stage, offline, rule, sample, told

WARMER = {"kind": "window", "metric": "amp_temp_c", "take": "mean", "over": "5m", "above": "50"}


def adopt(stage: Stage, *rules: Rule) -> list[str]:
    """What the journal gains when these rules are put to work."""
    stage.rules = rules
    return [told(entry) for entry in stage.commit(stage.engine.replace_rules(rules, NOON + 100 * SECOND)).transitions]


def test_unchanged_rules_go_on() -> None:
    """A standing alarm stands, a pending one ripens when it would have, also with other texts."""
    standing, pending = rule(HOT, id="standing"), rule(HOT, id="pending", **{"for": "2m"})
    stage = Stage(standing, pending)
    stage.step(sample(NOON, amp_temp_c=90.0))
    retold = rule(HOT, id="pending", **{"for": "2m"}, summary={"vi": "khác", "en": "other"})
    assert adopt(stage, rule({"kind": "state", "metric": "state", "is": "off"}, id="new"), retold, standing) == []
    assert stage.step(sample(NOON + MINUTE, amp_temp_c=90.0), sample(NOON + 2 * MINUTE, amp_temp_c=90.0)) == ["raised pending 120"]
    assert stage.step(sample(NOON + 3 * MINUTE, amp_temp_c=20.0)) == ["cleared pending 180", "cleared standing 180"]


def test_what_a_rule_has_raised_ends_with_it() -> None:
    """Gone or changed, and a changed one judges the next sample anew."""
    stage = Stage(rule(HOT, id="gone"), rule(HOT, id="changed"))
    stage.step(sample(NOON, amp_temp_c=90.0))
    assert adopt(stage, rule({**HOT, "above": "85"}, id="changed")) == ["withdrawn gone 100", "withdrawn changed 100"]
    assert [entry.detail for entry in stage.journal[-2:]] == ["rule removed", "rule changed"]
    assert stage.states == {}
    assert stage.step(sample(NOON + 2 * MINUTE, amp_temp_c=90.0)) == ["raised changed 120"]


def test_a_changed_rule_survives_a_restart() -> None:
    """What was committed fits the new rules."""
    stage = Stage(rule(HOT, id="a"), rule(HOT, id="b"))
    stage.step(sample(NOON, amp_temp_c=90.0))
    adopt(stage, rule(HOT, id="a"))
    assert stage.restart() == []
    assert [alarm.rule for alarm in stage.engine.active()] == ["a"]


def test_a_new_absence_rule_sees_who_is_offline_already() -> None:
    """Without waiting for the next device that falls silent."""
    stage = Stage(rule(HOT))
    stage.step(sample(NOON, amp_temp_c=20.0), offline(NOON + 50 * SECOND))
    assert adopt(stage, rule({"kind": "absence"}, id="gone")) == ["raised gone 50"]
    assert adopt(stage, rule({"kind": "absence"}, id="gone")) == []


def test_histories_go_on_where_they_are_still_asked_for() -> None:
    """Beside others that come and go."""
    other = {"kind": "stuck", "metric": "volume", "over": "5m"}
    stage = Stage(rule(WARMER, id="mean"))
    stage.step(*(sample(NOON + minute * MINUTE, amp_temp_c=60.0, volume=3) for minute in range(4)))
    adopt(stage, rule(other, id="stuck"), rule(WARMER, id="mean"))
    raised = stage.step(*(sample(NOON + minute * MINUTE, amp_temp_c=60.0, volume=3) for minute in range(4, 7)))
    assert raised == ["raised mean 300"]
    adopt(stage, rule(other, id="stuck"))
    assert stage.step(*(sample(NOON + minute * MINUTE, amp_temp_c=60.0, volume=3) for minute in range(7, 11))) == ["raised stuck 600"]


def test_counts_what_rules_would_raise_on_present_data() -> None:
    """Approved devices only; what looks back is not told yet."""
    devices = [Device(device=name, family="speaker", unit="u1", approved=name != "held") for name in ("a", "b", "c", "held")]
    stage = Stage(devices=devices)
    hot: dict[str, Any] = {"amp_temp_c": 90.0, "state": "playing"}
    stage.step(*(sample(NOON, name, **hot) for name in ("a", "b", "held")), sample(NOON, "c", amp_temp_c=20.0), offline(NOON + MINUTE, "c"))
    rules = [rule(HOT, id="hot", **{"for": "9m"}), rule(PLAYING, id="p"), rule({"kind": "absence"}, id="gone"), rule(WARMER, id="mean")]
    assert stage.engine.would_raise(rules) == {"hot": 2, "p": 2, "gone": 1}
    assert stage.engine.would_raise([rule(HOT, id="night", between=["22:00", "04:00"])]) == {}
