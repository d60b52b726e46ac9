"""The fixed words of messages in both languages. Vietnamese says "cảnh báo kỹ thuật": a bare "cảnh báo" is a disaster warning."""

from dataclasses import dataclass

from ioc.domain.alarm import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Patterns take named values; a sentence ends with its full stop."""

    severity: dict[Severity, str]
    cleared: str
    withdrawn: str
    reminder: str
    ourselves: str
    active: str
    ended: str
    count: str
    standing: str
    over: str
    change: str
    change_added: str
    change_ended: str
    change_left: str
    gone: str
    more: str
    more_counts: str
    action: str
    action_for: str
    on_day: str
    acknowledge: str
    flapping: str
    flood: str
    flood_escalated: str
    escalated: str
    overdue: str
    overdue_called: str
    gathered: str


WORDS = {
    "vi": Words(
        severity={
            Severity.CRITICAL: "NGHIÊM TRỌNG",
            Severity.MAJOR: "CAO",
            Severity.MINOR: "THẤP",
            Severity.INFO: "THÔNG TIN",
        },
        cleared="ĐÃ KHẮC PHỤC",
        withdrawn="ĐÃ ĐÓNG",
        reminder="NHẮC LẠI",
        ourselves="Hệ thống giám sát",
        active="{what} từ {since}",
        ended="{what} từ {since} đến {until}",
        count="{n} cảnh báo kỹ thuật: {counts}.",
        standing="{n} cảnh báo kỹ thuật chưa xác nhận: {counts}.",
        over="{n} cảnh báo kỹ thuật đã hết: {counts}.",
        change="{changes}: {counts}.",
        change_added="thêm {n}",
        change_ended="đã hết {n}",
        change_left="còn {n} cảnh báo kỹ thuật",
        gone="đã hết: {line}",
        more="… và {n} cảnh báo kỹ thuật khác",
        more_counts="loại khác: {n}",
        action="Việc cần làm: {action}.",
        action_for="Việc cần làm ({summary}): {action}.",
        on_day="{time} ngày {day}",
        escalated="CHUYỂN CẤP TRÊN",
        overdue="Quá hạn xử lý: sau {n} phút chưa ai xác nhận{called}.",
        overdue_called=" (đã gọi {names})",
        gathered="Chờ đến giờ làm việc từ {since}:",
        acknowledge="Xác nhận đã tiếp nhận: {link}",
        flapping="{what} (chập chờn {n} lần)",
        flood="[TÓM TẮT] {n} tin nhắn được gộp từ {since} (quá {most} tin nhắn trong {minutes} phút): "
        "{active} cảnh báo kỹ thuật chưa hết{counts}, {over} đã hết. "
        "Xem màn hình lớn (/wall/) hoặc danh sách cảnh báo kỹ thuật (/api/v1/alarms).",
        flood_escalated="Quá hạn chưa ai xác nhận, đã chuyển cấp trên ({n}):",
    ),
    "en": Words(
        severity={
            Severity.CRITICAL: "CRITICAL",
            Severity.MAJOR: "MAJOR",
            Severity.MINOR: "MINOR",
            Severity.INFO: "INFO",
        },
        cleared="CLEARED",
        withdrawn="CLOSED",
        reminder="REMINDER",
        ourselves="Monitoring system",
        active="{what} since {since}",
        ended="{what} from {since} to {until}",
        count="{n} technical alarms: {counts}.",
        standing="{n} technical alarms not acknowledged: {counts}.",
        over="{n} technical alarms over: {counts}.",
        change="{changes}: {counts}.",
        change_added="{n} more",
        change_ended="{n} over",
        change_left="{n} technical alarms left",
        gone="over: {line}",
        more="… and {n} more technical alarms",
        more_counts="others: {n}",
        action="To do: {action}.",
        action_for="To do ({summary}): {action}.",
        on_day="{time} on {day}",
        escalated="ESCALATED",
        overdue="Overdue: nobody acknowledged within {n} min{called}.",
        overdue_called=" (called: {names})",
        gathered="Waited for working hours since {since}:",
        acknowledge="Acknowledge: {link}",
        flapping="{what} (came and went {n} times)",
        flood="[SUMMARY] {n} messages in one since {since} (more than {most} within {minutes} min): "
        "{active} technical alarms active{counts}, {over} over. See the wall (/wall/) or the list of technical alarms (/api/v1/alarms).",
        flood_escalated="Overdue, nobody acknowledged, escalated ({n}):",
    ),
}
