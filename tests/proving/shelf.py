"""A store in memory, as backtests read it."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from random import Random

from ioc.domain.columns import Columns, Tags
from ioc.domain.point import Point


class Shelf:
    """Hands points out in an order of the devices that the dice tell."""

    def __init__(self, points: Iterable[Point], dice: Random) -> None:
        self._points = list(points)
        self._dice = dice

    async def columns(self, measurements: Sequence[str], start: int, end: int) -> list[Columns]:
        """Those of the span."""
        found = [_columns(one, [point for point in self._points if _fits(point, one, start, end)], self._dice) for one in measurements]
        self._dice.shuffle(found)
        return [one for one in found if one.rows]


def _fits(point: Point, measurement: str, start: int, end: int) -> bool:
    return point.measurement == measurement and start <= point.ts < end


def _columns(measurement: str, points: Iterable[Point], dice: Random) -> Columns:
    series = [list(some) for _, some in groupby(sorted(points, key=_place), key=attrgetter("tags"))]
    dice.shuffle(series)
    told = [one for some in series for one in some]
    return Columns(
        measurement=measurement,
        series=[(some[0].tags, len(some)) for some in series],
        times=[one.ts for one in told],
        rows=[one.fields for one in told],
        keys={name: name for one in told for name in one.names},
    )


def _place(point: Point) -> tuple[Tags, int]:
    return point.tags, point.ts
