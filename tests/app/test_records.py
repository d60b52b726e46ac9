"""What the API reads of rules."""

from alerts.clock_rules import CLOCK_RULES
from ioc.api.handlers.records import RuleDocument
from ioc.app.records import RuleList
from ruling.stage import HOT, rule


async def test_lists_rules_that_no_file_holds_among_the_others() -> None:
    """By id, with limits and texts; a rule for every family names none."""
    listed = await RuleList([rule(HOT, id="x"), rule(HOT, id="a")], CLOCK_RULES).rules()
    assert [one["id"] for one in listed] == ["a", "device_clock_off", "device_clock_wrong", "x"]
    assert listed[1]["when"] == {"kind": "clock", "beyond": "30s", "clear_within": "20s"}
    assert listed[1]["summary"]["vi"] == "đồng hồ lệch ({value})"
    assert {*listed[1]} <= {*listed[0]}
    assert "family" not in listed[1]
    assert {*RuleDocument.__struct_fields__} - {"family"} <= {*listed[1]}
