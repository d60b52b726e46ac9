"""The sentences of an alarm's trace in both languages; patterns take named values."""

from dataclasses import dataclass

from ioc.domain.alarm import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyWords:
    """One pattern for each kind of record."""

    steps: dict[Step, str]
    unsent: dict[str, str]
    incident: str
    delivered: str
    handed: str
    refused: str
    waiting: str
    nothing: str
    called: str
    not_called: str
    quiet: str
    elsewhere: str
    later: str
    no_channel: str
    escalated: str


WHY_WORDS = {
    "vi": WhyWords(
        steps={
            Step.RAISED: "{what}: {summary}. Hệ thống biết lúc {known}; quy tắc {rule}{detail}.",
            Step.CLEARED: "Đã hết{detail}.",
            Step.ACKNOWLEDGED: "{by} xác nhận đã tiếp nhận{detail}.",
            Step.ASSIGNED: "{by} giao việc{detail}.",
            Step.COMMENTED: "{by} ghi chú{detail}.",
            Step.SHELVED: "{by} tạm hoãn cảnh báo kỹ thuật{detail}.",
            Step.UNSHELVED: "Hết tạm hoãn ({by}){detail}.",
            Step.WITHDRAWN: "Đã đóng: quy tắc hoặc thiết bị không còn{detail}.",
            Step.LATCHED: "Nguyên nhân đã hết nhưng cảnh báo kỹ thuật được chốt, chờ người đặt lại{detail}.",
            Step.REALARMED: "Xảy ra lại khi đang được chốt{detail}.",
            Step.RESET: "{by} đặt lại cảnh báo kỹ thuật đã chốt{detail}.",
            Step.SUPPRESSED: "Không báo theo thiết kế{detail}.",
            Step.UNSUPPRESSED: "Báo trở lại{detail}.",
            Step.OUT_OF_SERVICE: "{by} đưa thiết bị hoặc đơn vị ra khỏi vận hành{detail}.",
            Step.IN_SERVICE: "{by} đưa thiết bị hoặc đơn vị vào vận hành lại{detail}.",
        },
        unsent={
            "unmatched": "Không có tin nhắn: không tuyến nào trong tệp thông báo nhận cảnh báo kỹ thuật này.",
            "short": "Không có tin nhắn: đã hết trước khi đến lúc gửi.",
            "shelved": "Không có tin nhắn: đã hết trong lúc được tạm hoãn.",
            "suppressed": "Tin nhắn được giữ lại theo thiết kế: {by}.",
            "out_of_service": "Không có tin nhắn: thiết bị hoặc đơn vị đang ra khỏi vận hành ({by}).",
            "silenced": "Tin nhắn được giữ lại: đang tạm hoãn theo {by}.",
            "dependency": "Tin nhắn riêng được giữ lại: thiết bị mà nó phụ thuộc đã hỏng (cảnh báo kỹ thuật {by}).",
            "flapping": "Tin nhắn riêng được giữ lại: chập chờn, sẽ có tin tổng hợp.",
            "incident": "Tin nhắn riêng được giữ lại: mất kết nối hàng loạt {by} báo thay.",
            "flood": "Tin nhắn riêng được giữ lại: kênh {by} đã nhận quá nhiều tin, sẽ có tin tổng hợp.",
            "hours": "Tin nhắn được giữ lại: chờ đến giờ làm việc của {by}, {until}.",
            "nobody": "Không gọi được ai: lúc đó không ai trực cho cảnh báo kỹ thuật này.",
        },
        incident="Thuộc sự cố mất kết nối hàng loạt {incident} (`ioc incidents show {incident}`).",
        delivered="Tin nhắn ({event}) cho {whom} đã gửi xong lúc {done}, lần thử thứ {n}: {detail}.",
        handed="Tin nhắn ({event}) cho {whom} không gửi được, lúc {done} chuyển hoặc dừng sau {n} lần thử: {detail}.",
        refused="Tin nhắn ({event}) cho {whom} chưa gửi được sau {n} lần thử, thử lại lúc {next}: {detail}.",
        waiting="Tin nhắn ({event}) cho {whom} đang chờ gửi.",
        nothing="Chưa có tin nhắn nào nêu cảnh báo kỹ thuật này: đang chờ gom nhóm, hoặc chờ xem có cùng mất kết nối hàng loạt không.",
        called="{person} được gọi: {text}",
        not_called="{person} không được gọi vì {what}: {text}",
        quiet="Từ {start} đến {end} không có cảnh báo kỹ thuật nào.",
        elsewhere="tin nhắn gửi cho {others}; tuyến của nó không có kênh của {person}.",
        later="tin nhắn cho {person} được viết lúc {at}, ngoài khoảng thời gian này.",
        no_channel="Không có kênh nào của {person}; các kênh và người: {known}.",
        escalated="{event}, chuyển cấp trên bước {n}",
    ),
    "en": WhyWords(
        steps={
            Step.RAISED: "{what}: {summary}. We knew at {known}; rule {rule}{detail}.",
            Step.CLEARED: "Over{detail}.",
            Step.ACKNOWLEDGED: "{by} acknowledged it{detail}.",
            Step.ASSIGNED: "{by} assigned it{detail}.",
            Step.COMMENTED: "{by} commented{detail}.",
            Step.SHELVED: "{by} shelved it{detail}.",
            Step.UNSHELVED: "No longer shelved ({by}){detail}.",
            Step.WITHDRAWN: "Closed: its rule or device is gone{detail}.",
            Step.LATCHED: "Its condition is over; latched, it waits for somebody to reset it{detail}.",
            Step.REALARMED: "Its condition holds again while it was latched{detail}.",
            Step.RESET: "{by} reset it{detail}.",
            Step.SUPPRESSED: "Suppressed by design{detail}.",
            Step.UNSUPPRESSED: "No longer suppressed by design{detail}.",
            Step.OUT_OF_SERVICE: "{by} took its device or unit out of service{detail}.",
            Step.IN_SERVICE: "{by} gave its device or unit back to service{detail}.",
        },
        unsent={
            "unmatched": "No message: no route of the notify file takes this technical alarm.",
            "short": "No message: it was over before its first message was due.",
            "shelved": "No message: it was over while it was shelved.",
            "suppressed": "Messages held back by design: {by}.",
            "out_of_service": "No message: its device or unit is out of service ({by}).",
            "silenced": "Messages held back: silence {by}.",
            "dependency": "Its own messages held back: what its device depends on has failed (technical alarm {by}).",
            "flapping": "Its own messages held back: it comes and goes, a summary follows.",
            "incident": "Its own messages held back: mass outage {by} tells of it.",
            "flood": "Its own messages held back: channel {by} has had enough, a summary follows.",
            "hours": "Messages held back: waits until {by} works, {until}.",
            "nobody": "Nobody was called: nobody was on duty for this technical alarm then.",
        },
        incident="Part of mass outage {incident} (`ioc incidents show {incident}`).",
        delivered="Message ({event}) to {whom} delivered at {done}, attempt {n}: {detail}.",
        handed="Message ({event}) to {whom} not delivered; given up or handed on at {done} after {n} attempts: {detail}.",
        refused="Message ({event}) to {whom} not delivered after {n} attempts, next at {next}: {detail}.",
        waiting="Message ({event}) to {whom} waits to be sent.",
        nothing="No message names this technical alarm yet: its group gathers, or it waits for others that may have fallen with it.",
        called="{person} was called: {text}",
        not_called="{person} was not called about {what}: {text}",
        quiet="From {start} to {end} there was no technical alarm.",
        elsewhere="the messages went to {others}; its route names no channel of {person}.",
        later="the message to {person} was written at {at}, outside this time.",
        no_channel="{person} has no channel; channels and people: {known}.",
        escalated="{event}, escalation step {n}",
    ),
}
