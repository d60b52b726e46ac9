"""Series as `promtool test rules` writes them: `0x10 1 2 _ stale`, `1+2x3`, `"Bản tin"x5`, `playing _x3`."""

import re
from collections.abc import Iterator

import msgspec

from ioc.domain.family import Metric, MetricType
from ioc.domain.sample import Value

MAX_STEPS = 100_000
"""Values of one series once its repetitions are written out."""
_TOKEN = re.compile(r'"[^"]*"(?:x\d+)?|\S+')
_QUOTED = re.compile(r'"(?P<text>[^"]*)"(?:x(?P<times>\d+))?')
_MISSING = re.compile(r"_(?:x(?P<times>\d+))?")
_NUMBERS = re.compile(r"(?P<first>[+-]?\d+(?:\.\d+)?)(?P<step>[+-]\d+(?:\.\d+)?)?x(?P<times>\d+)")
_WORDS = re.compile(r"(?P<text>.*\D)x(?P<times>\d+)")


class Stale(msgspec.Struct, frozen=True):
    """The device's connection breaks here, and the broker says so (its Will)."""


STALE = Stale()
Step = str | Stale | None
"""A value as text, the break of the connection, or nothing (None)."""
_TRUTHS = {"true": 1, "1": 1, "false": 0, "0": 0}


def parse_series(text: object) -> tuple[Step, ...]:
    """The steps of a series; as in promtool `ax3` and `a+bx3` are four values, `_x3` three missing ones. ValueError says what is wrong."""
    steps: list[Step] = []
    for token in _TOKEN.findall(str(text)):
        for step in _written_out(token):
            steps.append(step)
            if len(steps) > MAX_STEPS:
                msg = f"the series has more than {MAX_STEPS} values; repeat less, or use a longer `interval`"
                raise ValueError(msg)
    if not steps:
        msg = "the series is empty; write values such as `0x10 1 2 _ stale`"
        raise ValueError(msg)
    return tuple(steps)


def _written_out(token: str) -> Iterator[Step]:
    if token == "stale":  # noqa: S105  a word of the notation
        yield STALE
    elif missing := _MISSING.fullmatch(token):
        yield from (None for _ in range(int(missing["times"] or 1)))
    elif quoted := _QUOTED.fullmatch(token):
        yield from (quoted["text"] for _ in range(int(quoted["times"] or 0) + 1))
    elif numbers := _NUMBERS.fullmatch(token):
        yield from _counted(numbers["first"], numbers["step"] or "0", int(numbers["times"]))
    elif words := _WORDS.fullmatch(token):
        yield from (words["text"] for _ in range(int(words["times"]) + 1))
    else:
        yield token


def _counted(first: str, step: str, times: int) -> Iterator[str]:
    places = max(len(part.partition(".")[2]) for part in (first, step))
    for n in range(times + 1):
        yield f"{float(first) + n * float(step):.{places}f}"


def typed(metric: Metric, steps: tuple[Step, ...]) -> list[Value | Stale]:
    """The steps with the values that the metric takes; ValueError names the first that does not fit it."""
    return [step if step is None or isinstance(step, Stale) else _value(metric, step) for step in steps]


def _value(metric: Metric, text: str) -> Value:
    value: float | int | str | None = text
    try:
        if metric.type is MetricType.FLOAT:
            value = float(text)
        elif metric.type is MetricType.INT:
            value = int(text)
        elif metric.type is MetricType.BOOL:
            value = _TRUTHS[text]
    except (ValueError, KeyError):
        msg = f"`{text}` is no value of the type {metric.type.value}"
        raise ValueError(msg) from None
    if metric.type is MetricType.ENUM and text not in metric.values:
        msg = f"`{text}` is not one of {', '.join(metric.values)}"
        raise ValueError(msg)
    if isinstance(value, int | float) and not metric.in_range(value):
        msg = f"{text} is out of the range that the family declares; it would be refused"
        raise ValueError(msg)
    return value
