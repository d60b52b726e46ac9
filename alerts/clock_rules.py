"""Alarms about devices' clocks: they hold for every family, so no family's file declares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.own import OwnRule
from alerts.text import LANGUAGES, number_text
from ioc.domain.alarm import Severity
from ioc.domain.family import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRule(OwnRule):
    """What people are told of a clock that is off by more than `beyond_ms`, until it is off by less than `clear_within_ms`."""

    beyond_ms: int
    clear_within_ms: int

    def truth(self, offset_ms: int) -> bool | None:
        """Whether the clock is off; None between the two limits, where an alarm stays and none begins."""
        if abs(offset_ms) > self.beyond_ms:
            return True
        return None if abs(offset_ms) >= self.clear_within_ms else False

    def document(self) -> Mapping[str, Any]:
        """As the list of rules shows it; it has no family, since it holds for all."""
        return {
            "id": self.id,
            "when": {"kind": "clock", "beyond": f"{self.beyond_ms // 1000}s", "clear_within": f"{self.clear_within_ms // 1000}s"},
            "severity": self.severity.value,
            **{name: label.model_dump() for name, label in self.texts.items()},
        }

    @property
    def texts(self) -> dict[str, Label]:
        """What people are told, by the name of the field."""
        return {"summary": self.summary, "cause": self.cause, "consequence": self.consequence, "action": self.action}


_WORDS = {"vi": ("chậm {} giây", "nhanh {} giây"), "en": ("{} s slow", "{} s fast")}


def offset_text(offset_ms: int) -> dict[str, str]:
    """How far a clock is off, in whole seconds and words: `nhanh 45 giây`, `45 s fast`."""
    seconds = abs(offset_ms) // 1000
    return {language: _WORDS[language][offset_ms < 0].format(number_text(seconds, language)) for language in LANGUAGES}


CLOCK_RULES = (
    ClockRule(
        id="device_clock_wrong",
        severity=Severity.MAJOR,
        beyond_ms=120_000,
        clear_within_ms=90_000,
        summary=Label(vi="đồng hồ sai nhiều ({value})", en="clock far off ({value})"),
        cause=Label(
            vi="Thiết bị không lấy được giờ qua mạng, sai múi giờ, hoặc hỏng pin đồng hồ.",
            en="The device gets no network time, its time zone is wrong, or its clock battery is dead.",
        ),
        consequence=Label(
            vi="Lịch chạy tại chỗ sai giờ: bản tin phát sớm hoặc muộn; giờ trong sự kiện của thiết bị không tin được.",
            en="Schedules fire locally at the wrong time: the bulletin plays early or late; times in the device's events can't be trusted.",
        ),
        action=Label(
            vi="đặt lại giờ, múi giờ và máy chủ NTP của thiết bị trước bản tin tới; nếu nhiều thiết bị cùng sai, kiểm tra đồng hồ máy chủ",
            en="set the device's time, zone and NTP server before the next bulletin; if many are off at once, check the server's clock",
        ),
    ),
    ClockRule(
        id="device_clock_off",
        severity=Severity.MINOR,
        beyond_ms=30_000,
        clear_within_ms=20_000,
        summary=Label(vi="đồng hồ lệch ({value})", en="clock off ({value})"),
        cause=Label(
            vi="Đồng hồ của thiết bị trôi vì đã lâu không đồng bộ giờ qua mạng.",
            en="The device's clock drifts: it has not been set by network time for long.",
        ),
        consequence=Label(
            vi="Lịch chạy tại chỗ lệch giờ: bản tin phát sớm hoặc muộn.",
            en="Schedules fire locally at the wrong time: the bulletin plays early or late.",
        ),
        action=Label(
            vi="kiểm tra máy chủ NTP và đồng bộ giờ của thiết bị trong lần bảo trì gần nhất",
            en="check the device's NTP server and time synchronisation at the next maintenance visit",
        ),
    ),
)
"""Gravest first."""
