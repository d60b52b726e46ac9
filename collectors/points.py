"""Samples and events as points of the time-series store."""

from collections.abc import Mapping
from types import MappingProxyType

from collectors.deadband import DeadbandMemory
from collectors.ingest import Taken
from collectors.routing import EVENTS
from ioc.domain.family import Family
from ioc.domain.point import Point
from ioc.domain.sample import DeviceEvent, Sample, Value


class PointEncoder:
    """Makes one point of each Sample and event; fields in the family's order, `lag_ms` last.

    With `deadbands` (by family) values that say nothing new are left out; the point itself is always made.
    """

    def __init__(self, families: Mapping[str, Family], deadbands: Mapping[str, DeadbandMemory] = MappingProxyType({})) -> None:
        self._names = {name: (*(metric.name for metric in family.metrics), "lag_ms") for name, family in families.items()}
        self._deadbands = deadbands

    def point(self, taken: Taken) -> Point | None:
        """The point of what was taken in; None for what the store doesn't hold."""
        news = taken.news
        if isinstance(news, Sample):
            if self._deadbands and (memory := self._deadbands.get(news.family)) is not None:
                return self._point(news, memory.news(news, corrected=taken.clock_corrected))
            return self.sample(news)
        if isinstance(news, DeviceEvent):
            return Point.of(EVENTS, (("device", news.device), ("event", news.name)), {"body": news.body}, news.ts)
        return None

    def sample(self, sample: Sample) -> Point:
        """A Sample's point, whole."""
        return self._point(sample, sample.values)

    def _point(self, sample: Sample, values: tuple[Value, ...]) -> Point:
        tags = (("device", sample.device),)
        return Point(sample.family, tags, self._names[sample.family], (*values, sample.lag_ms), sample.ts)
