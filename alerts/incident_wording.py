"""The words of messages about mass outages in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWords:
    """Patterns take named values; a sentence ends with its full stop."""

    headline: str
    recovered: str
    share: str
    also: str
    progress: str
    added: str
    over: str
    left: str
    devices: str
    seconds: str
    minutes: str
    together: dict[str, str]
    """Attribute → what its members share."""
    place: dict[str, str]
    """Attribute → what is named at the head of later messages."""


_VI = {
    "unit": "{value}",
    "feeder": "lộ điện {value}",
    "uplink": "đường truyền {value}",
    "cell": "trạm phát sóng {value}",
    "carrier": "nhà mạng {value}",
    "vendor": "nhà cung cấp {value}",
    "family": "toàn hệ thống",
}
_EN = {
    "unit": "{value}",
    "feeder": "power feeder {value}",
    "uplink": "uplink {value}",
    "cell": "cell {value}",
    "carrier": "carrier {value}",
    "vendor": "vendor {value}",
    "family": "the whole system",
}

INCIDENT_WORDS = {
    "vi": IncidentWords(
        headline="Mất kết nối hàng loạt: {n} {kind}, {shared} ({span}).",
        recovered="Đã phục hồi {back}/{n}.",
        share="{n}/{exposed} thiết bị {shared}; {n}/{fallen} thiết bị vừa mất kết nối.",
        also="Cũng {shared}.",
        progress="Mất kết nối hàng loạt, {place}: đã phục hồi {back}/{n}, còn {left} {kind}.",
        added="Thêm {n}.",
        over="Mất kết nối hàng loạt, {place}: đã phục hồi {back}/{n} {kind} (từ {since} đến {until}).",
        left="{left} {kind} chưa phục hồi sẽ được báo riêng.",
        devices="thiết bị",
        seconds="trong {n} giây",
        minutes="trong {n} phút",
        together={attribute: f"cùng {pattern}" for attribute, pattern in _VI.items()} | {"family": "trên toàn hệ thống"},
        place=_VI,
    ),
    "en": IncidentWords(
        headline="Mass outage: {n} {kind}, {shared} ({span}).",
        recovered="{back}/{n} are back.",
        share="{n}/{exposed} devices of {shared}; {n}/{fallen} of the devices that just went offline.",
        also="They also share {shared}.",
        progress="Mass outage, {place}: {back}/{n} are back, {left} {kind} left.",
        added="{n} more.",
        over="Mass outage, {place}: {back}/{n} {kind} are back (from {since} to {until}).",
        left="{left} {kind} not back will be told one by one.",
        devices="devices",
        seconds="within {n} s",
        minutes="within {n} min",
        together={attribute: f"the same {pattern}" for attribute, pattern in _EN.items()} | {"unit": "{value}", "family": "everywhere"},
        place=_EN,
    ),
}
