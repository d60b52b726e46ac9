"""The hours in which a rule holds: days of the week and of the site's calendar, as in silences."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.rule import Rule
from alerts.rule_check import rule_faults
from alerts.window import Window
from ioc.domain.calendar import Calendar
from ruling.stage import FAMILIES, HOT, MINUTE, ZONE, Stage, read_yaml, rule, sample

CALENDAR = Calendar.model_validate(
    {"calendar": {"tet": {"name": {"vi": "Tết", "en": "Tết"}, "days": [{"from": "2026-02-16", "to": "2026-02-20"}]}}}
)


def at(day: int, hour: int, minute: int = 0) -> int:
    """Unix ms of a time in February 2026 at the site; the 14th is a Saturday."""
    return round(datetime(2026, 2, day, hour, minute, tzinfo=ZONE).timestamp() * 1000)


def window(between: object) -> Window:
    """As a rule's file writes it."""
    hours = rule(HOT, between=between).between
    assert hours is not None
    return Window(hours.weekly, ZONE, CALENDAR)


@pytest.mark.parametrize(
    ("between", "inside", "outside"),
    [
        (["22:00", "04:30"], [at(14, 22), at(15, 4, 29)], [at(14, 21, 59), at(15, 4, 30)]),
        (["05:00", "24:00"], [at(14, 5), at(14, 23, 59)], [at(14, 0), at(14, 4, 59)]),
        ({"days": ["mon", "fri"], "from": "07:30", "to": "17:00"}, [at(9, 7, 30), at(13, 16, 59)], [at(10, 8), at(9, 17)]),
        ({"days": "sat", "from": "22:00", "to": "05:00"}, [at(14, 22), at(15, 4, 59)], [at(14, 4), at(15, 22), at(16, 4)]),
        ({"from": "00:00", "to": "00:00", "only_on": "tet"}, [at(16, 0), at(20, 23, 59)], [at(15, 23, 59), at(21, 0)]),
        ({"from": "05:00", "to": "22:00", "except_on": ["tet"]}, [at(15, 12), at(21, 5)], [at(16, 12), at(20, 12), at(15, 23)]),
    ],
    ids=["night", "until midnight", "days", "night of a day", "only on", "except on"],
)
def test_counts_hours_days_and_holidays_in_the_sites_zone(between: object, inside: list[int], outside: list[int]) -> None:
    """By the day on which the hours begin."""
    hours = window(between)
    assert [hours.contains(moment) for moment in inside] == [True] * len(inside)
    assert [hours.contains(moment) for moment in outside] == [False] * len(outside)


def test_whole_days_in_a_row_end_with_the_last_of_them() -> None:
    """Midnight between two of them ends nothing."""
    tet = window({"from": "00:00", "to": "00:00", "only_on": ["tet"]})
    assert not tet.ended(at(16, 12), at(20, 23, 59))
    assert tet.ended(at(16, 12), at(21, 0))
    night = window(["22:00", "04:30"])
    assert [night.ended(at(14, 23), moment) for moment in (at(15, 4, 29), at(15, 4, 30), at(15, 22))] == [False, True, True]


def test_rule_holds_its_peace_on_holidays() -> None:
    """By the site's calendar; the same values are an alarm the day before, and once the holidays are over."""
    stage = Stage(rule(HOT, between={"from": "05:00", "to": "22:00", "except_on": ["tet"]}), calendar=CALENDAR)
    assert len(stage.step(sample(at(15, 12), amp_temp_c=90.0))) == 1
    assert [step.split()[0] for step in stage.step(sample(at(16, 12), amp_temp_c=90.0))] == ["cleared"]
    assert stage.step(sample(at(16, 12, 1), amp_temp_c=91.0)) == []
    assert [step.split()[0] for step in stage.step(sample(at(21, 5), amp_temp_c=90.0))] == ["raised"]


def test_waits_over_the_midnight_between_two_holidays() -> None:
    """`for` goes on as long as the hours do."""
    stage = Stage(rule(HOT, between={"from": "00:00", "to": "00:00", "only_on": ["tet"]}, **{"for": "2m"}), calendar=CALENDAR)
    stage.step(sample(at(16, 23, 59), amp_temp_c=90.0))
    assert stage.step(sample(at(16, 23, 59) + MINUTE, amp_temp_c=90.0)) == []
    assert len(stage.step(sample(at(17, 0, 1), amp_temp_c=90.0))) == 1


@pytest.mark.parametrize(
    "text",
    [
        '["22:00", "04:30"]',
        '{days: [sat, sun], from: "00:00", to: "00:00"}',
        '{days: [mon, tue, wed, thu, fri, sat, sun], from: "05:00", to: "24:00", only_on: [tet]}',
    ],
)
def test_is_written_as_files_write_it(text: str) -> None:
    """So that the API shows, and a recording carries, what a file can hold."""
    between = read_yaml(text)
    written = rule(HOT, between=between).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert written["between"] == between
    assert Rule.model_validate(written) == rule(HOT, between=between)


@pytest.mark.parametrize(
    ("between", "said"),
    [
        ({"days": ["today"], "from": "05:00", "to": "22:00"}, "no day of the week"),
        ({"days": [], "from": "05:00", "to": "22:00"}, "days"),
        ({"from": "05:00"}, "to"),
        ({"from": "05:00", "to": "05:00"}, "same time"),
        ({"from": "05:00", "to": "22:00", "on": ["tet"]}, "on"),
        (["05:00", "12:00", "22:00"], "between"),
    ],
)
def test_refuses_what_says_nothing(between: object, said: str) -> None:
    """With what was expected."""
    with pytest.raises(ValidationError, match=said):
        rule(HOT, between=between)


def test_names_days_that_the_calendar_does_not_know() -> None:
    """With the nearest one that it does."""
    hours: dict[str, Any] = {"from": "05:00", "to": "22:00", "only_on": ["tet"], "except_on": ["tett"]}
    [fault] = rule_faults(rule(HOT, between=hours), FAMILIES, ["tet", "quoc_khanh"])
    assert (fault.path, fault.what) == (("between", "except_on", 0), "there are no days `tett` in the site's calendar")
    assert "tet" in fault.do
    assert len(list(rule_faults(rule(HOT, between=hours), FAMILIES))) == 2
