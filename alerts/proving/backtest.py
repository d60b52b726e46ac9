"""Stored history run through rules and routes, piece by piece: what would have been raised, and whom it would have called."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from alerts.inputs import Input, OwnCondition
from alerts.presence import BLIND
from alerts.proving.course import Course
from alerts.proving.history import History
from alerts.proving.lulls import Lulls
from alerts.rule import Rule
from ioc.domain.columns import Columns
from ioc.domain.family import Family

PIECE_MS = 300_000
"""How much history is in memory at once: some 30,000 points of a province."""
STEP_MS = 5_000
"""As often as the canary comes back live."""
WARM_UP_MS, WARM_UP_MOST_MS = 900_000, 86_400_000
"""Availability is written down every five minutes; a rule's `for` may take longer."""


class PointSource(Protocol):
    """A store that is read."""

    async def columns(self, measurements: Sequence[str], start: int, end: int) -> list[Columns]:
        """Every point of start ≤ ts < end, what is later in later ones."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From `start` (inclusive) to `end` (exclusive), whole steps, Unix ms; rules begin `warm_up` earlier, unreported."""

    start: int
    end: int
    warm_up: int = 0
    step: int = STEP_MS


def warm_up(rules: Iterable[Rule], families: Iterable[Family]) -> int:
    """How long before the span rules have to run, so that what already stood there is not taken for new."""
    longest = max((rule.for_ + rule.keeps_ms for rule in rules), default=0)
    silence = max((family.silence_ms for family in families), default=0)
    return min(WARM_UP_MOST_MS, max(WARM_UP_MS, 2 * longest + silence))


async def run(source: PointSource, history: History, courses: Sequence[Course], span: Span, *, reached: Callable[[int], None]) -> None:
    """Every course over the same history, read once; `reached` is told how far it has come (Unix ms). TooMuchError, and the source's."""
    begin = span.start - span.warm_up
    begin -= begin % span.step
    lulls = {family: Lulls(courses, family) for family in history.families}
    for course in courses:
        course.hold_back(lulls)
    due, hearing, waiting, behind = begin + span.step, True, deque[tuple[int, Input]](), False
    while begin < span.end:
        until = min(begin - begin % PIECE_MS + PIECE_MS, span.end)
        stored = await source.columns(history.measurements, begin, until)
        waiting += history.inputs(stored, lulls, [one for _, one in waiting])
        begin = until
        reached(until)
        if not waiting and all(course.idle(until) for course in courses):
            due += max(0, until - due + span.step) // span.step * span.step
            behind = True
            continue
        if behind:
            _step(courses, (), due - span.step, hearing=hearing)
            behind = False
        while due <= until:
            inputs = _before(waiting, due)
            hearing = _hearing(inputs, before=hearing)
            _step(courses, inputs, due, hearing=hearing)
            due += span.step


def _step(courses: Iterable[Course], inputs: Sequence[Input], now: int, *, hearing: bool) -> None:
    for course in courses:
        course.step(inputs, now, hearing=hearing)


def _before(waiting: deque[tuple[int, Input]], at: int) -> list[Input]:
    """Takes out what happened before a moment."""
    taken = []
    while waiting and waiting[0][0] < at:
        taken.append(waiting.popleft()[1])
    return taken


def _hearing(inputs: Iterable[Input], *, before: bool) -> bool:
    told = [one.since is None for one in inputs if isinstance(one, OwnCondition) and one.rule == BLIND]
    return told[-1] if told else before
