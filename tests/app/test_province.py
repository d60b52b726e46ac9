"""The snapshot of units and counts, and how often it is taken."""

from collections.abc import Callable, Iterator
from typing import Any, cast
from zoneinfo import ZoneInfo

from ioc.app.province import Province
from ioc.domain.census import Census
from ioc.domain.units import UnitTree


class Views:
    """Counts how often everything is counted, and lets each count take `cost` ms."""

    def __init__(self, cost: int) -> None:
        self.now, self.cost, self.counted = 1_000_000, cost, 0

    def count(self, _now: int, _alarms: Callable[[str], Any]) -> Census:
        self.counted += 1
        self.now += self.cost
        return Census()


def seconds(views: Views, for_s: int) -> Iterator[int]:
    """How often it was counted after each second of asking once a second."""
    province = Province(
        views=cast("Any", views), tree=UnitTree(()), zone=ZoneInfo("UTC"), alarm_counts=lambda _: {}, state=cast("Any", None),
        register=cast("Any", None), clock=lambda: views.now,
    )  # fmt: skip
    for _ in range(for_s):
        province.snapshot()
        yield views.counted
        views.now += 1_000


def test_cheap_snapshot_is_taken_every_two_seconds() -> None:
    """However often it is asked for."""
    assert list(seconds(Views(cost=1), 6)) == [1, 1, 2, 2, 3, 3]


def test_dear_snapshot_is_taken_less_often() -> None:
    """Half a second's counting is done about once in ten."""
    assert max(seconds(Views(cost=500), 60)) <= 7
