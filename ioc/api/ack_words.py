"""The words of the page behind a link that acknowledges, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AckWords:
    """Patterns take named values."""

    title: str
    waiting: str
    done: str
    done_now: str
    cleared: str
    button: str
    comment: str
    forged: str
    expired: str
    via: str


ACK_WORDS = {
    "vi": AckWords(
        title="Xác nhận cảnh báo kỹ thuật",
        waiting="{n} cảnh báo kỹ thuật chưa được xác nhận. Bấm nút nếu đã tiếp nhận.",
        done="Cảnh báo kỹ thuật đã được xác nhận.",
        done_now="Đã ghi nhận: {by} xác nhận {n} cảnh báo kỹ thuật.",
        cleared="đã khắc phục",
        button="Tôi đã tiếp nhận",
        comment="Ghi chú (không bắt buộc)",
        forged="Liên kết không hợp lệ hoặc đã bị thu hồi. Hãy xác nhận trên phần mềm điều hành.",
        expired="Liên kết đã hết hạn. Hãy xác nhận trên phần mềm điều hành.",
        via="xác nhận qua liên kết gửi tới kênh {channel}",
    ),
    "en": AckWords(
        title="Acknowledge technical alarms",
        waiting="Technical alarms that are not acknowledged: {n}. Press the button if you take care of them.",
        done="The technical alarms are acknowledged.",
        done_now="Noted: acknowledged by {by}, technical alarms: {n}.",
        cleared="over",
        button="I take care of it",
        comment="Remark (optional)",
        forged="This link is not valid, or was revoked. Acknowledge in the operations software.",
        expired="This link has expired. Acknowledge in the operations software.",
        via="acknowledged by the link sent to channel {channel}",
    ),
}
