"""Who hears of a silence's end, when, and in which words."""

from typing import Any

import msgspec
import pytest

from alerts.message_fields import read_document
from alerts.readers import Readers
from alerts.silence_notes import SilenceNotes, reminder_key
from alerts.silences_plan import SilencesPlan
from ioc.app.channels import silence_notes
from ioc.domain.alarm import Alarm, Severity
from ioc.domain.silence import Hidden, Silence, SilenceKind
from notifying.stage import MIN, START, notify_file, wording

HOUR = 60 * MIN
READERS = Readers(people={"sms_an": "an", "zalo_binh": "binh", "hook": None}, routed=("zalo_binh", "sms_an"))


def silence(**more: Any) -> Silence:
    """Of a ward, for two hours from START on, by `an`."""
    given = {"id": "s", "unit": "u1", "since": START, "until": START + 2 * HOUR, "reason": "thay ắc quy", "by": "an", "created_at": START}
    return msgspec.convert(given | more, Silence)


def notes(language: str = "vi", **plan: Any) -> SilenceNotes:
    """By this plan."""
    return SilenceNotes(plan=SilencesPlan.model_validate(plan), readers=READERS, wording=wording(language))


def hidden(*names: str, over: tuple[str, ...] = (), severity: Severity = Severity.MAJOR) -> list[Hidden]:
    """Alarms of devices that were held back from START on; those `over` have cleared."""
    return [
        Hidden(
            alarm=Alarm(
                id=name, rule="hot", severity=severity, family="speaker", device=name, unit="u1", since=START + n,
                cleared_at=START + HOUR if name in over else None, summary={"vi": "quá nhiệt", "en": "hot"},
            ),
            at=START + n,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "by", "channels"),
    [
        ({}, "an", ["sms_an"]),
        ({}, "zalo_binh", ["zalo_binh"]),
        ({}, "truc-ca", ["zalo_binh", "sms_an"]),
        ({"channels": ["hook"]}, "an", ["hook"]),
    ],
)
def test_who_put_it_hears_of_its_end_else_those_of_the_routes(plan: dict[str, Any], by: str, channels: list[str]) -> None:
    """Unless the notify file names channels."""
    for told in (
        notes(**plan).reminder(silence(by=by), [], START),
        notes(**plan).digest(silence(by=by), hidden("a"), START),
    ):
        assert [one.channel for one in told] == channels


def test_programs_hear_nothing_unless_they_are_named() -> None:
    """Files and webhooks of routes are not people."""
    notify = notify_file({}, channels=("ops",))
    assert silence_notes(notify, wording()).digest(silence(), hidden("a"), START) == ()


@pytest.mark.parametrize(
    ("plan", "more", "reminded"),
    [
        pytest.param({}, {}, [False, True, True, False], id="a quarter of an hour before"),
        pytest.param({"remind": "30m"}, {}, [True, True, True, False], id="as declared"),
        pytest.param({"remind": 0}, {}, [False] * 4, id="never"),
        pytest.param({}, {"since": START + HOUR}, [False] * 4, id="one of an hour is short"),
        pytest.param({"longer_than": "30m"}, {"since": START + HOUR}, [False, True, True, False], id="short as declared"),
        pytest.param({}, {"created_at": START + HOUR}, [False] * 4, id="put an hour before its end"),
    ],
)
def test_reminder_comes_before_the_end_of_what_lasts(plan: dict[str, Any], more: dict[str, Any], reminded: list[bool]) -> None:
    """From then on until the end."""
    moments = [START + 2 * HOUR - before for before in (16 * MIN, 15 * MIN, 1, 0)]
    assert [notes(**plan).reminds(silence(**more), now) for now in moments] == reminded


def test_moved_end_is_reminded_of_anew() -> None:
    """The key follows from silence and end."""
    assert reminder_key(silence()) == reminder_key(silence(reason="khác"))
    assert len({reminder_key(silence()), reminder_key(silence(until=START + 3 * HOUR)), reminder_key(silence(id="t"))}) == 3


def text_of(messages: Any) -> str:
    """The text that all channels get."""
    return read_document(messages[0].body).text


VIETNAMESE = """\
[SẮP HẾT LỊCH BẢO TRÌ] Cụm loa, Phường Việt Trì, quy tắc hot, mức CAO: thay ắc quy. Hết lúc 01:14, còn 15 phút. \
Hiện không giữ lại cảnh báo kỹ thuật nào chưa hết.
[HẾT LỊCH BẢO TRÌ] Cụm loa, Phường Việt Trì, quy tắc hot, mức CAO: thay ắc quy. Đã giữ lại 3 cảnh báo kỹ thuật (CAO: 3). Còn 2 chưa hết:
- Cụm loa Xóm Tháp, Phường Việt Trì: quá nhiệt từ 23:14
- Cụm loa b, Phường Việt Trì: quá nhiệt từ 23:14"""
ENGLISH = """\
[SILENCE ENDS SOON] Loudspeaker cluster, Phường Việt Trì, rule hot, severity MAJOR: thay ắc quy. Ends at 01:14, in 15 min. \
It holds back no active technical alarm at present.
[SILENCE OVER] Loudspeaker cluster, Phường Việt Trì, rule hot, severity MAJOR: thay ắc quy. \
Technical alarms held back: 3 (MAJOR: 3). 2 still active:
- Loudspeaker cluster Xóm Tháp, Phường Việt Trì: hot since 23:14
- Loudspeaker cluster b, Phường Việt Trì: hot since 23:14"""


@pytest.mark.parametrize(("language", "kind", "said"), [("vi", SilenceKind.MAINTENANCE, VIETNAMESE), ("en", SilenceKind.SILENCE, ENGLISH)])
def test_texts(language: str, kind: SilenceKind, said: str) -> None:
    """What it covers, why, and what it means for those on duty; never a word about muting."""
    one = silence(kind=kind, family="speaker", rule="hot", severity="major")
    reminder = text_of(notes(language).reminder(one, hidden("a", over=("a",)), START + 105 * MIN))
    digest = text_of(notes(language).digest(one, hidden("tt-1", "b", "c", over=("c",)), START + 10 * MIN))
    assert f"{reminder}\n{digest}" == said


def test_digest_stays_short_and_tells_the_worst_first() -> None:
    """Five lines; a thousand alarms in its document."""
    many = [*hidden(*(f"d{n}" for n in range(1_200))), *hidden("worst", severity=Severity.CRITICAL)]
    message = read_document(notes().digest(silence(), many, START)[0].body)
    lines = message.text.splitlines()
    assert "1201 cảnh báo kỹ thuật (NGHIÊM TRỌNG: 1, CAO: 1200). Còn 1201 chưa hết:" in lines[0]
    assert lines[1].startswith("- Cụm loa worst")
    assert (len(lines), lines[-1], len(message.alarms)) == (7, "… và 1196 cảnh báo kỹ thuật khác", 1_000)


def test_what_hid_nothing_ends_without_a_word() -> None:
    """So does everything where digests are switched off."""
    assert notes().digest(silence(), [], START) == ()
    assert notes(digest=False).digest(silence(), hidden("a"), START) == ()


def test_all_over_is_said_in_a_line() -> None:
    """Nobody has to do anything."""
    assert text_of(notes().digest(silence(), hidden("a", over=("a",)), START)).endswith("(CAO: 1). Tất cả đã hết.")
