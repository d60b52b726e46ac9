"""A store that may be away when we start: it is prepared before the first thing is asked of it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from ioc.app.metric_types import ChangedTypesError, changed_metrics
from ioc.domain.family import Family
from ioc.domain.point import FieldValue, Point, PointRefusal, SeriesRow
from ioc.domain.rollup import DeviceMinute, Rolled


class TimeSeriesStore(Protocol):
    """Either store; both are held to the same contract tests."""

    async def prepare(self, retention_ms: int) -> None:
        """Everything stands as configured."""

    async def ping(self) -> None:
        """StoreUnavailableError when it does not answer."""

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        """Refusals, once the rest is durable."""

    async def latest(self, measurement: str, *, since: int = 0) -> dict[str, dict[str, tuple[int, FieldValue]]]:
        """Device → field → (ts, value)."""

    async def series(  # noqa: PLR0917  the stores' order
        self, measurement: str, tags: Mapping[str, str], field: str, start: int, end: int, every_ms: int | None
    ) -> list[SeriesRow]:
        """Values over time."""

    async def count(self, measurement: str, start: int, end: int, field: str = "lag_ms") -> int:
        """Points that carry the field."""

    async def field_types(self, measurement: str) -> dict[str, str]:
        """Field → float, integer, string or boolean."""

    async def prepare_rollups(self, retention_ms: int) -> None:
        """There is a place for them, which keeps them so long."""

    def summarise(
        self, measurement: str, metrics: Sequence[str], start: int, end: int, *, devices: Sequence[str] = ()
    ) -> AsyncIterator[list[DeviceMinute]]:
        """Minutes as the points tell them, some devices at once."""

    async def write_rollups(self, measurement: str, minutes: Sequence[DeviceMinute]) -> None:
        """Replaces what stands there."""

    async def rollups(self, measurement: str, device: str, metric: str, start: int, end: int) -> list[tuple[int, Rolled]]:
        """Minutes as they were rolled up."""

    async def close(self) -> None:
        """Ends its connections."""


class LateStore:
    """Prepares the store once it answers; until then every call fails as unavailable.

    It fails with ChangedTypesError while the store has a metric of these families with another type.
    """

    def __init__(self, store: TimeSeriesStore, retention_ms: int, families: Collection[Family] = ()) -> None:
        self._store = store
        self._retention_ms = retention_ms
        self._families = families
        self.prepared = False
        """Whether it has answered since our start, and is as configured."""
        self._lock = asyncio.Lock()

    async def _ready(self) -> TimeSeriesStore:
        if not self.prepared:
            async with self._lock:
                if not self.prepared:
                    await self._store.prepare(self._retention_ms)
                    if changed := await changed_metrics(self._store, self._families):
                        raise ChangedTypesError(changed)
                    self.prepared = True
        return self._store

    async def ping(self) -> None:
        """Answers, and is as configured."""
        await (await self._ready()).ping()

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        """Refusals, once the rest is durable."""
        return await (await self._ready()).write(points)

    async def latest(self, measurement: str, *, since: int = 0) -> dict[str, dict[str, tuple[int, FieldValue]]]:
        """Device → field → (ts, value)."""
        return await (await self._ready()).latest(measurement, since=since)

    async def series(  # noqa: PLR0917  the stores' order
        self, measurement: str, tags: Mapping[str, str], field: str, start: int, end: int, every_ms: int | None
    ) -> list[SeriesRow]:
        """Values over time."""
        return await (await self._ready()).series(measurement, tags, field, start, end, every_ms)

    async def count(self, measurement: str, start: int, end: int, field: str) -> int:
        """Points of start ≤ ts < end that carry the field."""
        return await (await self._ready()).count(measurement, start, end, field)

    async def prepare_rollups(self, retention_ms: int) -> None:
        """There is a place for them, which keeps them so long."""
        await (await self._ready()).prepare_rollups(retention_ms)

    async def summarise(
        self, measurement: str, metrics: Sequence[str], start: int, end: int, *, devices: Sequence[str] = ()
    ) -> AsyncIterator[list[DeviceMinute]]:
        """Minutes as the points tell them, some devices at once."""
        async for minutes in (await self._ready()).summarise(measurement, metrics, start, end, devices=devices):
            yield minutes

    async def write_rollups(self, measurement: str, minutes: Sequence[DeviceMinute]) -> None:
        """Replaces what stands there."""
        await (await self._ready()).write_rollups(measurement, minutes)

    async def rollups(self, measurement: str, device: str, metric: str, start: int, end: int) -> list[tuple[int, Rolled]]:
        """Minutes as they were rolled up."""
        return await (await self._ready()).rollups(measurement, device, metric, start, end)

    async def close(self) -> None:
        """Ends its connections."""
        await self._store.close()
