"""The embedded time-series store: one SQLite file, answering as InfluxDB does."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from ioc.adapters import embedded_read, embedded_rollup
from ioc.adapters.embedded_format import SCHEMA, merge_fields, merge_latest, slot_of
from ioc.adapters.embedded_write import PointWriter
from ioc.adapters.sqlite_file import SqliteFile
from ioc.domain.columns import Columns
from ioc.domain.point import FieldValue, Point, PointRefusal, SeriesRow
from ioc.domain.rollup import DeviceMinute, Rolled

_CHECKPOINT_PAGES = 4_000
_EXPIRE_EVERY_MS = 1_000
_EXPIRE_ROWS = 5_000
_EXPIRE = f"""
DELETE FROM point WHERE (slot, series, at) IN
    (SELECT slot, series, at FROM point WHERE slot < ? ORDER BY slot, series, at LIMIT {_EXPIRE_ROWS})
"""  # noqa: S608 - a constant


class EmbeddedStore:
    """Points in `path`. `clock` (Unix ms) tells what has become too old. Every method raises StoreUnavailableError."""

    def __init__(self, path: Path, *, clock: Callable[[], int]) -> None:
        functions = (("merge_fields", 2, merge_fields), ("merge_latest", 2, merge_latest))
        self._writer = PointWriter()
        self._file = SqliteFile(path, SCHEMA, functions=functions, rolled_back=self._writer.forget, checkpoint_pages=_CHECKPOINT_PAGES)
        self._clock = clock
        self._series = embedded_read.SeriesNames()
        self._retention_ms = 0
        self._rollups_kept_ms = 0
        self._expired_at = 0

    async def prepare(self, retention_ms: int) -> None:
        """The file exists; points older than `retention_ms` (0 = kept for ever) are refused and go away piece by piece."""
        await self._file.open()
        self._retention_ms = retention_ms
        await self.ping()

    async def ping(self) -> None:
        """The file can be written."""
        await self._file.write(lambda connection: connection.execute("SELECT 1 FROM point LIMIT 1").fetchone())

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        """Refusals by index, once every other point is on disk. Safe to repeat."""
        now = self._clock()
        oldest = now - self._retention_ms if self._retention_ms else None
        return await self._file.write(lambda connection: self._write(connection, points, oldest, now))

    async def latest(self, measurement: str, *, since: int = 0) -> dict[str, dict[str, tuple[int, FieldValue]]]:
        """Device → field → (ts, value) of its last point at or after `since` (Unix ms)."""
        return await self._file.read(lambda connection: embedded_read.latest(connection, measurement, since))

    async def series(  # noqa: PLR0917 - the port's order
        self, measurement: str, tags: Mapping[str, str], field: str, start: int, end: int, every_ms: int | None
    ) -> list[SeriesRow]:
        """Rows of start ≤ ts < end, ascending: mean, low and high of each bucket for numbers, its last value for strings.

        Buckets begin at multiples of `every_ms`; None = the points as stored. Empty buckets are left out.
        """
        return await self._file.read(lambda connection: embedded_read.series(connection, measurement, tags, field, start, end, every_ms))

    async def columns(self, measurements: Sequence[str], start: int, end: int) -> list[Columns]:
        """Every point of start ≤ ts < end, what is later in later ones: for short spans, since all of it is in memory."""
        return await self._file.read(lambda connection: embedded_read.columns(connection, self._series, measurements, start, end))

    async def count(self, measurement: str, start: int, end: int, field: str = "lag_ms") -> int:
        """Points of start ≤ ts < end that carry the field."""
        return await self._file.read(lambda connection: embedded_read.count(connection, measurement, start, end, field))

    async def field_types(self, measurement: str) -> dict[str, str]:
        """Field → float, integer or string."""
        return await self._file.read(lambda connection: embedded_read.field_types(connection, measurement))

    async def prepare_rollups(self, retention_ms: int) -> None:
        """Rollups older than `retention_ms` go away piece by piece."""
        self._rollups_kept_ms = retention_ms

    async def summarise(
        self, measurement: str, metrics: Sequence[str], start: int, end: int, *, devices: Sequence[str] = ()
    ) -> AsyncIterator[list[DeviceMinute]]:
        """The minutes of start ≤ ts < end, which are whole minutes, as the points tell them; of these devices, or of all."""
        yield await self._file.read(lambda connection: embedded_rollup.summarise(connection, measurement, metrics, start, end, devices))

    async def write_rollups(self, measurement: str, minutes: Sequence[DeviceMinute]) -> None:
        """Replaces what stands there; on disk on return."""
        oldest = self._clock() - self._rollups_kept_ms
        await self._file.write(lambda connection: embedded_rollup.put(connection, measurement, minutes, oldest))

    async def rollups(self, measurement: str, device: str, metric: str, start: int, end: int) -> list[tuple[int, Rolled]]:
        """(minute, rollup) of the minutes that begin in start ≤ minute < end, ascending."""
        return await self._file.read(lambda connection: embedded_rollup.read(connection, measurement, device, metric, start, end))

    async def close(self) -> None:
        """Closes the file."""
        await self._file.close()

    def _write(self, connection: sqlite3.Connection, points: Sequence[Point], oldest: int | None, now: int) -> list[PointRefusal]:
        refusals = self._writer.write(connection, points, oldest)
        self._expire(connection, oldest, now)
        return refusals

    def _expire(self, connection: sqlite3.Connection, oldest: int | None, now: int) -> None:
        """At most 5,000 rows a second: live points never wait for a clean-up."""
        if oldest is not None and abs(now - self._expired_at) >= _EXPIRE_EVERY_MS:
            self._expired_at = now
            connection.execute(_EXPIRE, (slot_of(oldest),))
