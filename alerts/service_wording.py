"""The words of the reminder of what is out of service, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceWords:
    """Patterns take named values."""

    stands: str
    holds: str
    holds_none: str
    give_back: str


SERVICE_WORDS = {
    "vi": ServiceWords(
        stands="[VẪN NGỪNG VẬN HÀNH] {scope}: {reason}. {by} đưa ra khỏi vận hành từ {since}, chưa hẹn ngày đưa vào lại.",
        holds="Đang giữ lại {n} cảnh báo kỹ thuật chưa hết.",
        holds_none="Hiện không giữ lại cảnh báo kỹ thuật nào chưa hết.",
        give_back="Xong việc thì đưa vào lại: ioc service in {order}",
    ),
    "en": ServiceWords(
        stands="[STILL OUT OF SERVICE] {scope}: {reason}. Taken out by {by} at {since}, without an end.",
        holds="Technical alarms that it holds back and that are still active: {n}.",
        holds_none="It holds back no active technical alarm at present.",
        give_back="Give it back once the work is done: ioc service in {order}",
    ),
}
