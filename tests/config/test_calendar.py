"""The site's calendar: a file of days with a name."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from ioc.config.load import Config, load_config
from ioc.config.problem import ConfigError
from ioc.config.recorded_site import recorded_site, site_document

EXAMPLE = files("alerts") / "examples" / "vietnam_holidays.yaml"
NAME = "name: {vi: Tết, en: New Year}"


def load(folder: Path, text: str) -> Config:
    """A site with this calendar."""
    (folder / "calendar.yaml").write_text(text)
    (folder / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\ncalendar: ./calendar.yaml\n")
    return load_config(folder / "ioc.yaml", {})


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(2026, 2, 17), {"tet"}),
        (date(2027, 2, 6), {"tet"}),
        (date(2026, 2, 21), set()),
        (date(2026, 4, 26), {"gio_to_hung_vuong"}),
        (date(2027, 4, 16), {"gio_to_hung_vuong"}),
        (date(2026, 4, 30), {"le_30_4"}),
        (date(2027, 5, 1), {"le_1_5"}),
        (date(2026, 9, 2), {"quoc_khanh"}),
        (date(2027, 1, 1), {"tet_duong_lich"}),
    ],
)
def test_shipped_example_has_the_public_holidays(tmp_path: Path, day: date, names: set[str]) -> None:
    """The lunar ones as solar dates of both years."""
    calendar = load(tmp_path, EXAMPLE.read_text()).calendar
    assert {name for name in calendar.calendar if calendar.has(day, [name])} == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"calendar:\n  tet:\n    {NAME}\n    days: [2026-02-30]\n", r":4: calendar\.tet\.days\[0\].*'2026-02-30' is not a date"),
        (
            f"calendar:\n  tet:\n    {NAME}\n    days:\n      - 2026-02-17\n      - {{from: 2026-02-20, to: 2026-02-16}}\n",
            r":6: calendar\.tet\.days\[1\]: `to` lies before `from`; exchange them",
        ),
        (f"calendar:\n  tet:\n    {NAME}\n    day: [2026-02-17]\n", r":4: calendar\.tet\.day: unknown key `day`; did you mean `days`\?"),
        (f"calendar:\n  tet:\n    {NAME}\n    days: []\n", r":4: calendar\.tet\.days"),
        (f"calendar:\n  Tết:\n    {NAME}\n    days: [2026-02-17]\n", r":2: calendar\.Tết"),
        ("calendar:\n  tet:\n    days: [2026-02-17]\n", r":2: calendar\.tet\.name: is missing"),
        ("calender: {}\n", r":1: calender: unknown key `calender`; did you mean `calendar`\?"),
    ],
)
def test_names_what_is_wrong_with_the_calendar(tmp_path: Path, text: str, words: str) -> None:
    """File, line, and the nearest name."""
    with pytest.raises(ConfigError, match=r"calendar\.yaml" + words):
        load(tmp_path, text)


def test_file_that_is_not_there_is_named_where_it_is_declared(tmp_path: Path) -> None:
    """The line of the main file."""
    (tmp_path / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\ncalendar: ./lich.yaml\n")
    with pytest.raises(ConfigError, match=r"ioc\.yaml:2: calendar: .*lich\.yaml does not exist"):
        load_config(tmp_path / "ioc.yaml", {})


def test_recording_carries_the_calendar(tmp_path: Path) -> None:
    """A replay must hold back what was held back; a site without a calendar has an empty one."""
    config = load(tmp_path, EXAMPLE.read_text())
    assert recorded_site(site_document(config, ()), lambda _: None).plan.calendar == config.calendar
    (tmp_path / "ioc.yaml").write_text("broker: {url: mqtt://localhost}\n")
    bare = load_config(tmp_path / "ioc.yaml", {})
    assert recorded_site(site_document(bare, ()), lambda _: None).plan.calendar.calendar == {}
