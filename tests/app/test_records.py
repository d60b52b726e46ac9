"""What the API reads of rules."""

from alerts.clock_rules import CLOCK_RULES
from ioc.api.handlers.records import RuleDocument
from ioc.app.records import RuleList
from ruling.stage import HOT, MINUTE, NOON, Stage, rule, sample


async def test_lists_rules_that_no_file_holds_among_the_others() -> None:
    """By id, with limits and texts; a rule for every family names none."""
    listed = await RuleList(lambda: [rule(HOT, id="x"), rule(HOT, id="a")], CLOCK_RULES, dict).rules()
    assert [one["id"] for one in listed] == ["a", "device_clock_off", "device_clock_wrong", "x"]
    assert listed[1]["when"] == {"kind": "clock", "beyond": "30s", "clear_within": "20s"}
    assert listed[1]["summary"]["vi"] == "đồng hồ lệch ({value})"
    assert {*listed[1]} <= {*listed[0]}
    assert "family" not in listed[1]
    assert {*RuleDocument.__struct_fields__} - {"family"} <= {*listed[1]}


async def test_shows_what_a_rule_holds_in_memory() -> None:
    """Devices and samples at present, and the bound."""
    rates = rule({"kind": "rate", "metric": "amp_temp_c", "over": "10m", "above": "3"}, id="rates")
    stage = Stage(rule(HOT, id="hot"), rates)
    stage.step(*(sample(NOON + minute * MINUTE, "d1", amp_temp_c=30.0) for minute in range(4)), sample(NOON, "d2", volume=3))
    hot, rate = await RuleList(lambda: stage.rules, (), stage.engine.remembered).rules()
    assert "memory" not in hot
    assert rate["memory"] == {"devices": 1, "samples": 4, "most_per_device": 62}
