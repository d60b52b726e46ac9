"""What need not be told: samples in which no rule can find anything, until something else comes of their device.

A lull is what a device says in a piece of history while no rule waits for it, where the screen that live samples go through passes
over each sample, and each says anew all that is known of the device. After any number of such samples the same is known as after the
last: only that is told, before whatever comes next of the device. (What was known before it matters only to events that are told late.)
Where any of this isn't so, every sample is told.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache

from alerts.proving.course import Course
from alerts.proving.kept import Kept
from alerts.proving.strip import Strip, Strips
from ioc.domain.columns import Key
from ioc.domain.sample import Sample, Value

_Shape = frozenset[Key]
"""The fields that a sample has."""


class Lulls:
    """Holds back a family's lulls that all courses have in common."""

    def __init__(self, courses: Sequence[Course], family: str) -> None:
        self._calms = [course.calm(family) for course in courses]
        self._kept = Kept()
        self._steady: dict[_Shape, set[str]] = {}
        """The devices that are kept, by the fields that each of their samples has."""

    def before(self, device: str, until: int) -> Sample | None:
        """The last that a device said before a moment, where it is held back."""
        return self._kept.before(device, until)

    def end(self, devices: Iterable[str]) -> Iterator[Strip]:
        """What was held back of devices to which something else happens."""
        for device in devices:
            strip = self._kept.take(device)
            if strip is not None:
                yield strip
                for steady in self._steady.values():
                    steady.discard(device)

    def told(self, strips: Strips, awake: set[str]) -> Iterator[Strip]:
        """The strips that have to be told, with what was held back before; their devices are then `awake`, too."""
        awake.update(strip.device for strip in strips.others)
        lulls = self._lulls(strips, strips.spans.keys() - awake) if strips.spans else set[str]()
        told = strips.spans.keys() - lulls
        awake |= told
        yield from self.end(awake)
        yield from map(strips.of, told)
        yield from strips.others
        self._kept.put(strips, lulls)

    def _lulls(self, strips: Strips, devices: AbstractSet[str]) -> set[str]:
        marked = self._marked(strips)
        if marked is None:
            return set()
        until = max(strips.columns.times)
        quiet = devices - marked.union(*(calm.waiting(until) for calm in self._calms))
        found = set[str]()
        for shape, those in _by_shape(strips, quiet).items():
            found |= self._steadied(strips, shape, those)
        return found

    def _marked(self, strips: Strips) -> set[str] | None:
        """The devices of samples in which a rule may find something; None = any."""

        @cache
        def column(position: int) -> Sequence[Value]:
            """Computed ones come after the device's own, and are None in a lull."""
            metrics, columns = strips.metrics, strips.columns
            return columns.column(metrics[position]) if position < len(metrics) else [None] * len(columns.rows)

        found = set[int]()
        for calm in self._calms:
            marked = calm.marked(column)
            if marked is None:
                return None
            found |= marked
        names, begins = list(strips.spans), [begin for begin, _ in strips.spans.values()]
        return {names[bisect_right(begins, number) - 1] for number in found}

    def _steadied(self, strips: Strips, shape: _Shape, devices: AbstractSet[str]) -> set[str]:
        """Those of the devices of whose samples each says anew all that is known."""
        keys = strips.columns.keys
        told = frozenset(place for place, metric in enumerate(strips.metrics) if keys.get(metric) in shape)
        if any(calm.counts(told) for calm in self._calms):
            return set()
        steady = self._steady.setdefault(shape, set())
        others = set[str]().union(*(some for one, some in self._steady.items() if one != shape))
        steady |= {one for one in devices - steady - others if all(calm.replaced(one, told) for calm in self._calms)}
        return steady & devices


def _by_shape(strips: Strips, devices: AbstractSet[str]) -> Mapping[_Shape, AbstractSet[str]]:
    """The devices each sample of which has the same fields."""
    rows = strips.columns.rows
    every = frozenset[Key]().union(*rows)
    if all(size == len(every) for size in {*map(len, rows)}):
        return {every: devices}
    found: dict[_Shape, set[str]] = {}
    for device in devices:
        begin, end = strips.spans[device]
        shapes = {*map(frozenset, rows[begin:end])}
        if len(shapes) == 1:
            found.setdefault(shapes.pop(), set()).add(device)
    return found
