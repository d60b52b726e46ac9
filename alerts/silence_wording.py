"""The words about a silence's end in both languages. Vietnamese says "tạm hoãn": words about muting belong to the loudspeakers."""

from dataclasses import dataclass

from ioc.domain.silence import SilenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceWords:
    """Patterns take named values."""

    ends: dict[SilenceKind, str]
    ended: dict[SilenceKind, str]
    reminder: str
    holds: str
    holds_none: str
    digest: str
    active: str
    over: str
    rule: str
    severity: str


SILENCE_WORDS = {
    "vi": SilenceWords(
        ends={SilenceKind.SILENCE: "[SẮP HẾT TẠM HOÃN]", SilenceKind.MAINTENANCE: "[SẮP HẾT LỊCH BẢO TRÌ]"},
        ended={SilenceKind.SILENCE: "[HẾT TẠM HOÃN]", SilenceKind.MAINTENANCE: "[HẾT LỊCH BẢO TRÌ]"},
        reminder="{tag} {scope}: {reason}. Hết lúc {until}, còn {minutes} phút.",
        holds="Đang giữ lại {n} cảnh báo kỹ thuật chưa hết. Chưa làm xong thì gia hạn.",
        holds_none="Hiện không giữ lại cảnh báo kỹ thuật nào chưa hết.",
        digest="{tag} {scope}: {reason}. Đã giữ lại {n} cảnh báo kỹ thuật ({counts}).",
        active="Còn {n} chưa hết:",
        over="Tất cả đã hết.",
        rule="quy tắc {rule}",
        severity="mức {severity}",
    ),
    "en": SilenceWords(
        ends={SilenceKind.SILENCE: "[SILENCE ENDS SOON]", SilenceKind.MAINTENANCE: "[MAINTENANCE ENDS SOON]"},
        ended={SilenceKind.SILENCE: "[SILENCE OVER]", SilenceKind.MAINTENANCE: "[MAINTENANCE OVER]"},
        reminder="{tag} {scope}: {reason}. Ends at {until}, in {minutes} min.",
        holds="Technical alarms that it holds back and that are still active: {n}. Extend it if the work goes on.",
        holds_none="It holds back no active technical alarm at present.",
        digest="{tag} {scope}: {reason}. Technical alarms held back: {n} ({counts}).",
        active="{n} still active:",
        over="All of them are over.",
        rule="rule {rule}",
        severity="severity {severity}",
    ),
}
