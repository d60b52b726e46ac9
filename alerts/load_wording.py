"""The words of the daily report of the alarm load, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWords:
    """Patterns take named values; each is a line."""

    quiet: str
    headline: str
    counts: str
    busiest: str
    floods: str
    standing: str
    acknowledged: str
    often: str
    one_often: str
    chatters: str
    kept: str


LOAD_WORDS = {
    "vi": LoadWords(
        quiet="[BÁO CÁO] 24 giờ đến {end}: không có cảnh báo kỹ thuật mới.",
        headline="[BÁO CÁO] 24 giờ đến {end}: {n} cảnh báo kỹ thuật{counts}, mỗi người trực {mean} trong 10 phút (nên ≤ {limit}).",
        counts=" ({counts})",
        busiest="Cao điểm: {n} trong 10 phút từ {since}.",
        floods="Dồn dập: {n} đợt, {minutes} phút.",
        standing="Tồn đọng quá 1 ngày: {n}.",
        acknowledged="Đã xác nhận: {n}, một nửa trong {minutes} phút.",
        often="Báo nhiều nhất: {most}.",
        one_often="{what} {n} lần{chatters}",
        chatters=" (dồn trong 1 phút)",
        kept="Đạt {kept}/{of} ngưỡng EEMUA 191, IEC 62682.",
    ),
    "en": LoadWords(
        quiet="[REPORT] 24 hours until {end}: no new technical alarm.",
        headline="[REPORT] 24 hours until {end}: {n} technical alarms{counts}, {mean} per operator and 10 minutes (should be ≤ {limit}).",
        counts=" ({counts})",
        busiest="Busiest: {n} within 10 minutes from {since}.",
        floods="Floods: {n}, {minutes} min.",
        standing="Standing for more than a day: {n}.",
        acknowledged="Acknowledged: {n}, half of them within {minutes} min.",
        often="Most often: {most}.",
        one_often="{what} {n} times{chatters}",
        chatters=" (within a minute)",
        kept="{kept} of {of} limits of EEMUA 191 and IEC 62682 kept.",
    ),
}
