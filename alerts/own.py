"""Alarms about ourselves: no device is their cause, and no file can switch them off."""

from dataclasses import dataclass

from ioc.domain.alarm import Severity
from ioc.domain.family import Label

BLIND = "ioc_blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """What people are told when one of our own conditions holds."""

    id: str
    severity: Severity
    summary: Label
    cause: Label
    consequence: Label
    action: Label


def own_rule(name: str) -> OwnRule:
    """The rule of one of our own conditions; a condition without texts of its own gets general ones."""
    return OWN_RULES.get(name) or OwnRule(
        id=name,
        severity=Severity.MAJOR,
        summary=Label(vi=f"hệ thống giám sát gặp sự cố ({name})", en=f"the monitoring system has a problem ({name})"),
        cause=Label(vi="{detail}", en="{detail}"),
        consequence=Label(vi="Một phần việc giám sát có thể không hoạt động.", en="Part of the monitoring may not work."),
        action=Label(
            vi="mở trang trạng thái /readyz và nhật ký của ioc, báo quản trị hệ thống",
            en="look at /readyz and the log of ioc, tell the administrator",
        ),
    )


_RULES = (
    OwnRule(
        id=BLIND,
        severity=Severity.CRITICAL,
        summary=Label(vi="hệ thống giám sát không nhận được dữ liệu", en="the monitoring system hears nothing"),
        cause=Label(
            vi="Bản tin tự kiểm tra không quay về qua máy chủ MQTT: máy chủ MQTT, mạng, hoặc kết nối của bộ thu bị gián đoạn.",
            en="Our own test message does not come back through the broker: broker, network or the collector's connection is down.",
        ),
        consequence=Label(
            vi="Không biết tình trạng của bất kỳ thiết bị nào; cảnh báo kỹ thuật mới sẽ không xuất hiện cho đến khi nhận lại được dữ liệu.",
            en="Nothing is known of any device; no new technical alarms appear until we hear again.",
        ),
        action=Label(
            vi="kiểm tra máy chủ MQTT và đường mạng tới máy chủ này, gọi quản trị hệ thống",
            en="check the broker and the network to it, call the administrator",
        ),
    ),
    OwnRule(
        id="ioc_was_down",
        severity=Severity.MAJOR,
        summary=Label(
            vi="hệ thống giám sát đã ngừng đột ngột ({detail}), nay chạy lại",
            en="the monitoring system was down unexpectedly ({detail}), it runs again",
        ),
        cause=Label(
            vi="Tiến trình bị dừng mà không kết thúc đúng cách: mất điện, hết bộ nhớ, bị kill, hoặc lỗi phần mềm.",
            en="The process did not end in order: power cut, out of memory, killed, or a fault of the program.",
        ),
        consequence=Label(
            vi="Trong thời gian đó không ai theo dõi thiết bị; bản tin còn ở máy chủ MQTT được nhận bù, không thiết bị nào bị coi là hỏng.",
            en="Nobody watched the devices in that time; messages that the broker kept are taken in late, and no device is blamed for it.",
        ),
        action=Label(
            vi="tìm nguyên nhân: nhật ký của ioc (journalctl -u ioc), dmesg, nguồn điện của máy chủ",
            en="find the cause: the log of ioc (journalctl -u ioc), dmesg, the server's power supply",
        ),
    ),
    OwnRule(
        id="ioc_clock_off",
        severity=Severity.MAJOR,
        summary=Label(vi="đồng hồ máy chủ giám sát bị lệch", en="the monitoring server's own clock is off"),
        cause=Label(
            vi="Đồng hồ máy chủ vừa bị chỉnh, và phần lớn thiết bị không khớp với giờ mới: {detail}",
            en="The server's clock was set, and most devices do not agree with the new time: {detail}",
        ),
        consequence=Label(
            vi="Thời điểm của số liệu và cảnh báo kỹ thuật bị sai; đồng hồ của thiết bị vẫn được so như trước khi chỉnh.",
            en="Times of data and technical alarms are wrong; devices' clocks are judged as before it was set.",
        ),
        action=Label(
            vi="kiểm tra đồng bộ giờ (NTP/chrony) của máy chủ này ngay, gọi quản trị hệ thống",
            en="check this server's time synchronisation (NTP, chrony) at once, call the administrator",
        ),
    ),
    OwnRule(
        id="ioc_store_down",
        severity=Severity.CRITICAL,
        summary=Label(vi="kho số liệu không ghi được", en="the time-series store takes no data"),
        cause=Label(
            vi="Kho số liệu không phản hồi hoặc từ chối ghi: {detail}", en="The store does not answer or refuses to write: {detail}"
        ),
        consequence=Label(
            vi="Số liệu được giữ tạm trên đĩa; biểu đồ dừng lại; cảnh báo kỹ thuật vẫn hoạt động.",
            en="Data is kept on disk for the time being; charts stand still; technical alarms go on working.",
        ),
        action=Label(
            vi="kiểm tra InfluxDB (dịch vụ, dung lượng đĩa, mã truy cập), gọi quản trị hệ thống",
            en="check InfluxDB (service, disk space, token), call the administrator",
        ),
    ),
    OwnRule(
        id="ioc_spool_full",
        severity=Severity.CRITICAL,
        summary=Label(vi="bộ nhớ tạm trên đĩa đã đầy", en="the spool on disk is full"),
        cause=Label(vi="Kho số liệu ngừng ghi quá lâu: {detail}", en="The store has been away too long: {detail}"),
        consequence=Label(
            vi="Bộ thu ngừng nhận; bản tin chờ ở máy chủ MQTT và có thể bị mất ở đó.",
            en="The collector takes in nothing more; messages wait at the broker and may be lost there.",
        ),
        action=Label(vi="khôi phục kho số liệu hoặc tăng dung lượng đĩa ngay", en="bring the store back or add disk space at once"),
    ),
    OwnRule(
        id="ioc_rules_not_loaded",
        severity=Severity.MAJOR,
        summary=Label(vi="quy tắc mới chưa được áp dụng", en="new rules are not at work"),
        cause=Label(
            vi="Tệp quy tắc có lỗi, hoặc quy tắc sẽ tạo quá nhiều cảnh báo kỹ thuật cùng lúc: {detail}",
            en="The rule files have mistakes, or a rule would raise too many alarms at once: {detail}",
        ),
        consequence=Label(
            vi="Các quy tắc đang chạy được giữ nguyên; thay đổi trong tệp chưa có hiệu lực.",
            en="The rules in force stay as they are; what the files say anew has no effect.",
        ),
        action=Label(
            vi="sửa tệp rồi chạy ioc rules reload; nếu đúng là muốn nhiều cảnh báo kỹ thuật như vậy: ioc rules reload --force",
            en="mend the files and run ioc rules reload; if so many alarms are what you want: ioc rules reload --force",
        ),
    ),
    OwnRule(
        id="ioc_schema_drift",
        severity=Severity.MINOR,
        summary=Label(vi="thiết bị gửi dữ liệu khác trước", en="devices tell their data otherwise than before"),
        cause=Label(vi="Thường là sau khi cập nhật phần mềm thiết bị: {detail}", en="As a rule after a firmware update: {detail}"),
        consequence=Label(
            vi="Một số trường có thể không được lưu hoặc không còn được theo dõi.",
            en="Some fields may not be stored, or not be watched.",
        ),
        action=Label(
            vi="xem ioc families drift, so sánh với tài liệu nhà cung cấp; bổ sung dialect hoặc họ thiết bị, rồi xác nhận: "
            "ioc families drift --ack ID",
            en="look at ioc families drift, compare with the vendor's documents; add a dialect or declare the field, then acknowledge: "
            "ioc families drift --ack ID",
        ),
    ),
    OwnRule(
        id="ioc_quarantine_filling",
        severity=Severity.MAJOR,
        summary=Label(vi="khu cách ly bản tin lỗi sắp đầy", en="the quarantine is filling up"),
        cause=Label(vi="Bản tin chưa đọc được chiếm nhiều chỗ: {detail}", en="Messages that can't be read take up much room: {detail}"),
        consequence=Label(
            vi="Khi đầy, bản sao cũ nhất của thiết bị gửi lỗi nhiều nhất bị bỏ.",
            en="Once it is full, the oldest copies of the noisiest device are dropped.",
        ),
        action=Label(
            vi="xem ai làm đầy: ioc quarantine list --by device; sửa thiết bị hoặc bổ sung họ thiết bị rồi chạy ioc quarantine replay, "
            "hoặc tăng limits.quarantine",
            en="see who fills it: ioc quarantine list --by device; mend the device or declare what it sends and run ioc quarantine replay, "
            "or raise limits.quarantine",
        ),
    ),
    OwnRule(
        id="ioc_ledger_mismatch",
        severity=Severity.CRITICAL,
        summary=Label(vi="kho số liệu không khớp với sổ cái", en="the store does not hold what the ledger says"),
        cause=Label(
            vi="Số điểm trong kho khác với số đã ghi sổ (thiếu −, thừa +; trong ngoặc là số điểm trong kho): {detail}",
            en="The store's points differ from those that were booked (missing −, too many +; in brackets: in the store): {detail}",
        ),
        consequence=Label(
            vi="Số liệu đã lưu có thể đã mất, hoặc có nguồn khác ghi vào kho; báo cáo của các giờ này không đáng tin.",
            en="Stored data may be gone, or somebody else writes into the store; reports of these hours can't be trusted.",
        ),
        action=Label(
            vi="chạy `ioc ledger audit --hour`, kiểm tra ai đã xoá hoặc ghi vào kho, khôi phục từ bản sao lưu",
            en="run `ioc ledger audit --hour`, find who deleted from the store or wrote into it, restore from a backup",
        ),
    ),
    OwnRule(
        id="ioc_quarantine_full",
        severity=Severity.CRITICAL,
        summary=Label(vi="khu cách ly bản tin lỗi đã đầy", en="the quarantine is full"),
        cause=Label(vi="Quá nhiều bản tin không đọc được: {detail}", en="Too many messages that can't be read: {detail}"),
        consequence=Label(
            vi="Bản sao cũ nhất của thiết bị gửi lỗi nhiều nhất bị bỏ.", en="The oldest copies of the noisiest device are dropped."
        ),
        action=Label(
            vi="mở danh sách bản tin bị cách ly, tìm thiết bị gửi lỗi nhiều nhất, liên hệ nhà cung cấp",
            en="open the quarantine, find the noisiest device, call its vendor",
        ),
    ),
)
OWN_RULES = {rule.id: rule for rule in _RULES}
