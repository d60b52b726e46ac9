"""The daily report of the alarm load: when it is due, and what a phone shows."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.load_message import last_day, load_report, load_text, report_key
from alerts.load_plan import LoadReportPlan
from alerts.message_fields import read_document
from domain.test_alarm_load import MINUTE, START, entry, load
from ioc.domain.alarm import Alarm, Severity, Step
from ioc.domain.alarm_load import DAY_MS
from notifying.stage import ZONE, wording

PLAN = LoadReportPlan.model_validate({"at": "06:30", "channels": ["truc_ca", "lanh_dao"]})
PHONE = 480
"""Characters: what a phone shows without scrolling."""
STORY = [
    *[entry(n * 40 * MINUTE, f"a{n}", device=f"d{n}") for n in range(8)],
    *[entry(4 * 60 * MINUTE + n * 20_000, f"b{n}", device="tt-1") for n in range(30)],
    entry(41 * MINUTE, "a1", Step.ACKNOWLEDGED, device="d1"),
]
OLD = Alarm(id="old", rule="silent", severity=Severity.MAJOR, since=START - 2 * DAY_MS)

TEXTS = {
    "vi": (
        "[BÁO CÁO] 24 giờ đến 15:00 ngày 23/11/2025: 38 cảnh báo kỹ thuật (CAO: 38), mỗi người trực 0,79 trong 10 phút (nên ≤ 1).\n"
        "Cao điểm: 31 trong 10 phút từ 11:00 ngày 23/11/2025.\n"
        "Dồn dập: 1 đợt, 10 phút.\n"
        "Tồn đọng quá 1 ngày: 1.\n"
        "Đã xác nhận: 1, một nửa trong 1 phút.\n"
        "Báo nhiều nhất: Xóm Tháp silent 30 lần (dồn trong 1 phút).\n"
        "Đạt 2/5 ngưỡng EEMUA 191, IEC 62682."
    ),
    "en": (
        "[REPORT] 24 hours until 15:00 on 23/11/2025: 38 technical alarms (MAJOR: 38), 0.79 per operator and 10 minutes "
        "(should be ≤ 1).\n"
        "Busiest: 31 within 10 minutes from 11:00 on 23/11/2025.\n"
        "Floods: 1, 10 min.\n"
        "Standing for more than a day: 1.\n"
        "Acknowledged: 1, half of them within 1 min.\n"
        "Most often: Xóm Tháp silent 30 times (within a minute).\n"
        "2 of 5 limits of EEMUA 191 and IEC 62682 kept."
    ),
}


def at(text: str) -> int:
    """Unix ms of a time of the site."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        pytest.param("2026-07-01T06:29:59", "2026-06-30T06:30", id="before the time: yesterday's"),
        pytest.param("2026-07-01T06:30", "2026-07-01T06:30", id="at the time"),
        pytest.param("2026-07-02T06:29", "2026-07-01T06:30", id="late: still that one"),
    ],
)
def test_report_is_of_the_day_until_the_newest_time(now: str, end: str) -> None:
    """24 hours, by the site's clock."""
    day = last_day(PLAN, at(now), ZONE)
    assert (day.start, day.end, day.date) == (at(end) - DAY_MS, at(end), end[:10])


@settings(max_examples=100, deadline=None)
@given(now=st.integers(at("2026-01-01T00:00"), at("2027-12-31T00:00")), later=st.integers(0, 3 * DAY_MS))
def test_one_key_for_each_day(now: int, later: int) -> None:
    """Days follow each other without gap or overlap, and each has a key of its own."""
    one, other = (last_day(PLAN, moment, ZONE) for moment in (now, now + later))
    assert one.end <= now < one.end + DAY_MS
    assert (other.end - one.end) % DAY_MS == 0
    assert (report_key("s", one) == report_key("s", other)) == (one == other)
    assert report_key("s", one) != report_key("t", one)


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_text_tells_the_numbers_of_the_report(language: str, text: str) -> None:
    """Those of the API, in a few lines that fit a phone."""
    found = load(*STORY, standing=(OLD,))
    assert load_text(found, now=START + DAY_MS, wording=wording(language)) == text
    assert len(text) <= PHONE


def test_quiet_night_is_one_line() -> None:
    """Nothing to count."""
    assert load_text(load(), now=START, wording=wording()) == "[BÁO CÁO] 24 giờ đến 15:00 ngày 23/11/2025: không có cảnh báo kỹ thuật mới."


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 3_000),
    names=st.lists(st.text(min_size=1, max_size=64), min_size=1, max_size=12),
    language=st.sampled_from(["vi", "en"]),
)
def test_text_stays_short_whatever_happens(count: int, names: list[str], language: str) -> None:
    """Thousands of alarms with long names make no long message."""
    story = [entry(n * 9_000, f"a{n}", device=names[n % len(names)], seq=n + 1) for n in range(count)]
    assert len(load_text(load(*story), now=START, wording=wording(language))) <= 2 * PHONE


def test_every_channel_gets_it_under_one_key() -> None:
    """As an update that names no alarm."""
    messages = load_report(load(*STORY), PLAN, key="k", now=START, wording=wording())
    assert [(one.channel, one.key, one.event) for one in messages] == [("truc_ca", "k", "updated"), ("lanh_dao", "k", "updated")]
    assert read_document(messages[0].body).alarms == []
