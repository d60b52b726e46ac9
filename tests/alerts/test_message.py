"""Messages as people read them."""

from typing import Any

import pytest

from alerts.message import MAX_TEXT, cut, plain
from ioc.domain.alarm import Severity
from notifying.stage import MIN, START, S, Stage

AT_ONCE = {"group_wait": "0s", "group_interval": "0s"}


def only_text(language: str = "vi", **alarm: Any) -> str:
    """The text of one alarm's message."""
    stage = Stage(AT_ONCE, language=language)
    stage.raise_("tt-1", **alarm)
    return stage.messages[0].text


def test_text_of_one_alarm_says_where_what_since_when_and_what_to_do() -> None:
    """The pattern of the operations centre."""
    text = only_text(severity=Severity.CRITICAL, summary={"vi": "phát ngoài lịch"}, action={"vi": "ngắt rơ-le, gọi cán bộ trực"})
    assert text == "[NGHIÊM TRỌNG] Cụm loa Xóm Tháp, Phường Việt Trì: phát ngoài lịch từ 23:14. Việc cần làm: ngắt rơ-le, gọi cán bộ trực."


def test_text_is_english_for_an_english_site() -> None:
    """Words, rule texts and family labels change together."""
    text = only_text("en")
    assert text == "[MAJOR] Loudspeaker cluster Xóm Tháp, Phường Việt Trì: offline since 23:14. To do: check the power supply."


@pytest.mark.parametrize(
    ("alarm", "words"),
    [
        ({"device": "tt-2"}, "[CAO] Cụm loa tt-2, Phường Việt Trì: "),
        ({"unit": "u9"}, "[CAO] Cụm loa Xóm Tháp, u9: "),
        ({"unit": None}, "[CAO] Cụm loa Xóm Tháp: "),
        ({"family": "unheard_of"}, "[CAO] Xóm Tháp, "),
        ({"severity": Severity.MINOR}, "[THẤP] "),
        ({"severity": Severity.INFO}, "[THÔNG TIN] "),
        ({"device": None, "labels": {"group": "unit=u1"}}, "[CAO] Phường Việt Trì: mất kết nối từ"),
        ({"device": None, "unit": None, "labels": {"group": "carrier=Viettel"}}, "[CAO] Viettel: mất kết nối từ"),
        ({"device": None, "unit": None, "family": None}, "[CAO] Hệ thống giám sát: mất kết nối từ"),
        (
            {"device": None, "unit": None, "family": None, "summary": {"vi": "hệ thống giám sát không nhận được dữ liệu"}},
            "[CAO] Hệ thống giám sát không nhận được dữ liệu từ",
        ),
    ],
)
def test_place_is_named_as_far_as_it_is_known(alarm: dict[str, Any], words: str) -> None:
    """Names from the registry, else identifiers."""
    assert only_text(**alarm).startswith(words)


def test_time_of_another_day_carries_its_date() -> None:
    """In the site's zone, day first."""
    text = only_text(since=START - 24 * 60 * MIN)
    assert "từ 23:14 ngày 04/03/2026." in text


def test_rule_without_texts_is_named_by_its_id() -> None:
    """Nothing is left empty."""
    assert only_text(summary={}, action={}) == "[CAO] Cụm loa Xóm Tháp, Phường Việt Trì: speaker_offline từ 23:14."


def test_text_of_a_storm_counts_by_rule_and_unit_and_lists_some() -> None:
    """Headline, what to do, ten lines, and how many more."""
    stage = Stage({**AT_ONCE, "group_by": "severity"})
    stage.raise_(*(f"c{n:02}" for n in range(30)))
    lines = stage.messages[0].text.splitlines()
    assert lines[0] == "[CAO] 30 cảnh báo kỹ thuật: mất kết nối, Phường Việt Trì: 30. Việc cần làm: kiểm tra nguồn điện."
    assert lines[1] == "- Cụm loa c00, Phường Việt Trì: mất kết nối từ 23:14" or lines[1].startswith("- Cụm loa c")
    assert len(lines) == 12
    assert lines[-1] == "… và 20 cảnh báo kỹ thuật khác"
    assert len(stage.messages[0].alarms) == 30


def test_text_of_several_rules_gives_each_its_action() -> None:
    """The most severe first."""
    stage = Stage({"group_by": "unit", "group_wait": "1s"})
    stage.raise_("a")
    stage.raise_("b", severity=Severity.CRITICAL, rule="night", summary={"vi": "phát ban đêm"}, action={"vi": "ngắt rơ-le."})
    stage.wait(MIN)
    head = stage.messages[0].text.splitlines()[0]
    assert head.startswith("[NGHIÊM TRỌNG] 2 cảnh báo kỹ thuật: ")
    assert head.endswith("Việc cần làm (phát ban đêm): ngắt rơ-le. Việc cần làm (mất kết nối): kiểm tra nguồn điện.")


def test_text_of_an_update_says_what_has_changed() -> None:
    """How many came, went and stay; lines only for those that came or went."""
    stage = Stage({"group_wait": "1s", "group_interval": "1m"})
    stage.raise_("a", "b", "c")
    stage.wait(30 * S)
    stage.raise_("d")
    stage.clear("a")
    stage.wait(5 * MIN)
    lines = stage.messages[1].text.splitlines()
    assert lines[0].startswith("[CAO] Thêm 1, đã hết 1, còn 3 cảnh báo kỹ thuật: mất kết nối, Phường Việt Trì: 3.")
    assert lines[1:] == [
        "- đã hết: Cụm loa a, Phường Việt Trì: mất kết nối từ 23:14 đến 23:14",
        "- Cụm loa d, Phường Việt Trì: mất kết nối từ 23:14",
    ]


def test_text_of_a_recovery_needs_no_action() -> None:
    """It says that all is over."""
    stage = Stage(AT_ONCE)
    stage.raise_("a", "b")
    stage.wait(6 * MIN)
    stage.clear("a", "b")
    text = stage.messages[1].text
    assert text.startswith("[ĐÃ KHẮC PHỤC] 2 cảnh báo kỹ thuật đã hết: ")
    assert "Việc cần làm" not in text
    assert "từ 23:14 đến 23:20" in text


def test_document_carries_what_the_contract_names() -> None:
    """Key, event, time in UTC, text, and alarms as on the API."""
    stage = Stage(AT_ONCE)
    stage.raise_("tt-1")
    message = stage.messages[0]
    assert message.key == stage.outbox[0].key
    assert (message.event, message.at) == ("raised", "2026-03-05T16:14:00.000Z")
    alarm = message.alarms[0]
    assert (alarm.device, alarm.state, alarm.since, alarm.cleared_at) == ("tt-1", "active", "2026-03-05T16:14:00.000Z", None)
    assert (alarm.summary, alarm.action) == ("mất kết nối", "kiểm tra nguồn điện")
    assert b"\n" not in stage.outbox[0].body


def test_long_texts_are_cut() -> None:
    """No text grows beyond its bound, whatever devices and rules say."""
    stage = Stage(AT_ONCE)
    stage.raise_(*(f"c{n}" for n in range(12)), summary={"vi": "x" * 1000}, action={"vi": "y" * 1000})
    text = stage.messages[0].text
    assert len(text) == MAX_TEXT
    assert text.endswith("…")
    assert cut("abcd", 3) == "ab…"


def test_names_lose_control_characters() -> None:
    """A device's text can't break lines, hide direction marks or arrive decomposed."""
    assert plain(" Xo\u0301m\r\nTha\u0301p\u202e\x00 ") == "Xóm Tháp"


def test_no_text_speaks_of_muting() -> None:
    """`Tắt tiếng` would mean the loudspeakers; a bare `cảnh báo` a disaster warning."""
    stage = Stage(AT_ONCE)
    stage.raise_("a", "b")
    stage.wait(6 * MIN)
    stage.clear("a")
    stage.wait(6 * MIN)
    text = " ".join(message.text for message in stage.messages).lower()
    assert "tắt tiếng" not in text
    assert text.count("cảnh báo") == text.count("cảnh báo kỹ thuật")
