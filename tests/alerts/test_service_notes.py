"""The reminder of what is out of service without an end: when it is due, whom it reaches, and what it says."""

from typing import Any

import pytest

from alerts.message_fields import read_document
from alerts.readers import Readers
from alerts.service_notes import ServiceNotes
from alerts.service_plan import ServicePlan
from ioc.domain.service import ServiceOrder
from notifying.stage import wording
from ruling.stage import NOON

DAY = 86_400_000
READERS = Readers(people={"sms_an": "an", "hook": None}, routed=("zalo",))
ORDER = ServiceOrder(id="o1", device="d1", since=NOON, reason="thay bộ khuếch đại.", by="an")


def notes(language: str = "vi", **plan: Any) -> ServiceNotes:
    """As a notify file would say."""
    return ServiceNotes(plan=ServicePlan.model_validate(plan), readers=READERS, wording=wording(language))


def test_falls_due_each_time_its_period_is_over() -> None:
    """The newest counts; what ends by itself, and what nobody wants to hear of, has none."""
    moments = (0, 7 * DAY - 1, 7 * DAY, 14 * DAY - 1, 30 * DAY)
    assert [notes().reminds_at(ORDER, NOON + after) for after in moments] == [None, None, *(NOON + days * DAY for days in (7, 7, 28))]
    assert notes(remind="1d").reminds_at(ORDER, NOON + DAY) == NOON + DAY
    assert notes(remind="0s").reminds_at(ORDER, NOON + 30 * DAY) is None
    ending = ServiceOrder(id="o2", unit="u1", since=NOON, until=NOON + 60 * DAY, reason="x", by="an")
    assert notes().reminds_at(ending, NOON + 30 * DAY) is None


@pytest.mark.parametrize("remind", ["1s", "59m"])
def test_nobody_is_reminded_all_the_time(remind: str) -> None:
    """More often than once an hour is a mistake in the file."""
    with pytest.raises(ValueError, match="at least 1h"):
        notes(remind=remind)


def test_says_what_stands_since_when_and_what_it_holds_back() -> None:
    """In the site's language, to whoever gave the order; the same key however often it is asked for."""
    due = NOON + 7 * DAY
    [told] = notes().reminder(ORDER, due, 3, due + 5)
    assert told.channel == "sms_an"
    text = read_document(told.body).text
    for words in ("[VẪN NGỪNG VẬN HÀNH]", "thay bộ khuếch đại. an ", "12:00", "3 cảnh báo kỹ thuật", "ioc service in o1"):
        assert words in text
    assert notes().reminder(ORDER, due, 0, due + 9)[0].key == told.key
    assert notes().reminder(ORDER, due + 7 * DAY, 0, due + 9)[0].key != told.key
    [english] = notes("en", channels=["hook"]).reminder(ORDER, due, 0, due)
    assert english.channel == "hook"
    assert "holds back no active" in read_document(english.body).text


def test_order_of_somebody_without_channels_is_told_to_those_whom_routes_name() -> None:
    """Somebody has to hear of it."""
    order = ServiceOrder(id="o3", unit="u1", since=NOON, reason="x", by="console")
    assert [one.channel for one in notes().reminder(order, NOON, 0, NOON)] == ["zalo"]
