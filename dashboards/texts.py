"""Texts of the boards, with the colours of values, in the site's language. Pure."""

from collections.abc import Mapping

from dashboards.panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW
from dashboards.site import Site
from ioc.domain.family import Metric, MetricType

Values = Mapping[str, tuple[str, str]]
"""Value → its text and colour."""

_STATE_COLOURS = {"fault": RED, "aborted": RED, "stopped": ORANGE, "off": GREY, "idle": BLUE, "playing": GREEN, "execute": GREEN}
_COLOURS = (BLUE, GREEN, YELLOW, ORANGE, "purple", "semi-dark-blue", "semi-dark-green", "semi-dark-orange", "light-purple", "light-red")
_SEVERITIES = {
    "critical": ("Nghiêm trọng", "Critical", RED),
    "major": ("Cao", "Major", ORANGE),
    "minor": ("Thấp", "Minor", YELLOW),
    "info": ("Thông tin", "Info", BLUE),
}
_COUNTS = {
    "devices": ("Thiết bị", "Devices"),
    "online": ("Trực tuyến", "Online"),
    "working": ("Hoạt động thật", "Working"),
    "unknown": ("Chưa rõ", "Unknown"),
}
_STEPS = {
    "raised": ("Mới phát sinh", "Raised", RED),
    "acknowledged": ("Đã tiếp nhận", "Acknowledged", BLUE),
    "assigned": ("Đã giao xử lý", "Assigned", BLUE),
    "commented": ("Có ghi chú", "Commented", BLUE),
    "shelved": ("Tạm hoãn", "Shelved", GREY),
    "unshelved": ("Hết tạm hoãn", "Unshelved", RED),
}
_CAUSES = {
    "silence": ("Không còn gửi tin", "Silence", ""),
    "will": ("Mất phiên kết nối", "Session lost", ""),
    "arrival": ("Có tin mới", "Heard", ""),
    "blind": ("Hệ thống không nghe được", "We were blind", ""),
}
_OUTCOMES = {
    "stored": ("Đã lưu", "Stored"),
    "spooled": ("Chờ lưu", "Spooled"),
    "quarantined": ("Cách ly", "Quarantined"),
    "duplicate": ("Trùng", "Duplicate"),
    "retained": ("Bản giữ lại", "Retained"),
    "returned": ("Trả lại", "Returned"),
    "in_flight": ("Đang xử lý", "In flight"),
}


def count_title(site: Site, count: str) -> str:
    """A unit's count, such as `online` or `critical`."""
    vi, en = _COUNTS.get(count) or _SEVERITIES[count][:2]
    return site.text(vi, en)


def severities(site: Site) -> Values:
    """Severities as people call them."""
    return _in_language(site, _SEVERITIES)


def steps(site: Site) -> Values:
    """Journal steps after which an alarm is still open."""
    return _in_language(site, _STEPS)


def causes(site: Site) -> Values:
    """Why a device counts as online or offline."""
    return _in_language(site, _CAUSES)


def outcomes(site: Site) -> dict[str, str]:
    """Terms of the ledger."""
    return {term: site.text(vi, en) for term, (vi, en) in _OUTCOMES.items()}


def unit_names(site: Site) -> Values:
    """Units by id."""
    return {unit.unit: (unit.name, "") for unit in site.units}


def values_of(site: Site, metric: Metric) -> Values:
    """Texts and colours of an enum's or a bool's values."""
    if metric.type is MetricType.BOOL:
        return {"0": (site.text("Không", "No"), GREY), "1": (site.text("Có", "Yes"), BLUE)}
    named = {value: metric.value_labels[value].text(site.language) if value in metric.value_labels else value for value in metric.values}
    return {value: (text, _STATE_COLOURS.get(value, _COLOURS[i % len(_COLOURS)])) for i, (value, text) in enumerate(named.items())}


def _in_language(site: Site, table: Mapping[str, tuple[str, str, str]]) -> Values:
    return {value: (site.text(vi, en), colour) for value, (vi, en, colour) in table.items()}
