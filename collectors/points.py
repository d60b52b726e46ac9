"""Samples and events as points of the time-series store."""

from collections.abc import Mapping
from types import MappingProxyType

from collectors.deadband import DeadbandMemory
from collectors.ingest import Taken
from collectors.routing import EVENTS
from ioc.domain.family import Family
from ioc.domain.point import FieldValue, Point
from ioc.domain.sample import DeviceEvent, Sample, Value


class PointEncoder:
    """Makes one point of each Sample and event; fields in the family's order, `lag_ms` last.

    With `deadbands` (by family) values that say nothing new are left out; the point itself is always made.
    """

    def __init__(self, families: Mapping[str, Family], deadbands: Mapping[str, DeadbandMemory] = MappingProxyType({})) -> None:
        self._names = {name: tuple(metric.name for metric in family.metrics) for name, family in families.items()}
        self._deadbands = deadbands

    def point(self, taken: Taken) -> Point | None:
        """The point of what was taken in; None for what the store doesn't hold."""
        news = taken.news
        if isinstance(news, Sample):
            if self._deadbands and (memory := self._deadbands.get(news.family)) is not None:
                return self._point(news, memory.news(news, corrected=taken.clock_corrected))
            return self.sample(news)
        if isinstance(news, DeviceEvent):
            return Point(EVENTS, (("device", news.device), ("event", news.name)), {"body": news.body}, news.ts)
        return None

    def sample(self, sample: Sample) -> Point:
        """A Sample's point, whole."""
        return self._point(sample, sample.values)

    def _point(self, sample: Sample, values: tuple[Value, ...]) -> Point:
        fields: dict[str, FieldValue] = {
            name: value for name, value in zip(self._names[sample.family], values, strict=True) if value is not None
        }
        fields["lag_ms"] = sample.lag_ms
        return Point(sample.family, (("device", sample.device),), fields, sample.ts)
