"""Metrics that no device sends: numbers computed from the recent samples of one."""

from ioc.domain.duration import format_duration
from ioc.domain.family import Label, Metric, MetricType

_WORDS = {"s": ("giây", "s"), "m": ("phút", "min"), "h": ("giờ", "h"), "d": ("ngày", "d")}
_STEPS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Computed(Metric):
    """A number of a rule's own; `said` is what people read of it, with `{number}` in it."""

    said: Label

    @staticmethod
    def of(name: str, labels: Label, said: Label) -> "Computed":
        """Named as the journal shows it, which need not be a metric's name: `rate(temp_c, 10m)`."""
        return Computed.model_construct(name=name, type=MetricType.FLOAT, labels=labels, said=said)


def length(ms: int) -> Label:
    """A duration as people say it: `10 phút`; `phút` where it is one of a unit."""
    text = format_duration(ms)
    if text.endswith("ms"):
        return Label(vi=text, en=text)
    number, (vi, en) = text[:-1], _WORDS[text[-1]]
    return Label(vi=f"{number} {vi}", en=f"{number} {en}")


def per(ms: int) -> Label:
    """What follows the stroke of a rate: `phút`, or `5 phút`."""
    whole = length(ms)
    return Label(vi=whole.vi.removeprefix("1 "), en=whole.en.removeprefix("1 "))


def scale(ms: int) -> tuple[int, Label]:
    """The unit in which times of about this length are told, in ms, with its name."""
    unit = "d" if ms >= 2 * _STEPS["d"] else "h" if ms >= 2 * _STEPS["h"] else "m"
    vi, en = _WORDS[unit]
    return _STEPS[unit], Label(vi=vi, en=en)
