"""What the fields of a message hold."""

from typing import Any

import pytest

from alerts.message_fields import fields_of, read_document
from alerts.template import FIELDS
from ioc.domain.alarm import Severity
from notifying.stage import MIN, Stage

AT_ONCE = {"group_by": "unit", "group_wait": "1s", "group_interval": "0s"}


def fields(stage: Stage, which: int = -1) -> dict[str, str]:
    """The fields of one of the stage's messages."""
    return fields_of(read_document(stage.outbox[which].body), text="t", link="l", to="84")


def stage(*names: str, language: str = "vi", **alarm: Any) -> Stage:
    """A stage on which the alarms were raised and told."""
    made = Stage(AT_ONCE, language=language)
    made.raise_(*names, **alarm)
    made.wait(MIN)
    return made


def test_every_documented_field_is_filled() -> None:
    """The table of names and what is filled are the same."""
    assert set(fields(stage("tt-1"))) == set(FIELDS)


@pytest.mark.parametrize(
    ("language", "headline"),
    [
        ("vi", "Cụm loa Xóm Tháp, Tp. Việt Trì: mất kết nối từ 23:14"),
        ("en", "Loudspeaker cluster Xóm Tháp, Tp. Việt Trì: offline since 23:14"),
    ],
)
def test_headline_ends_where_the_action_begins(language: str, headline: str) -> None:
    """Not at the full stop of an abbreviated name."""
    assert fields(stage("tt-1", unit="Tp. Việt Trì", language=language))["headline"] == headline


def test_headline_of_several_alarms_counts_them() -> None:
    """The severity stands in the tag; the fields of one alarm are the most severe one's."""
    made = Stage(AT_ONCE)
    made.raise_("a")
    made.raise_("b", severity=Severity.CRITICAL, rule="night", summary={"vi": "phát ban đêm"})
    made.wait(MIN)
    found = fields(made)
    assert found["headline"].startswith("2 cảnh báo kỹ thuật: ")
    assert (found["tag"], found["count"], found["rule"], found["device"]) == ("NGHIÊM TRỌNG", "2", "night", "b")


def test_recovery_is_named_by_its_tag() -> None:
    """What is over is said in the brackets."""
    made = stage("tt-1")
    made.clear("tt-1")
    made.wait(MIN)
    assert (fields(made)["tag"], fields(made)["event"]) == ("ĐÃ KHẮC PHỤC", "cleared")
