"""InfluxDB 2 as the time-series store: writes end in 204 or in named refusals, reads are InfluxQL."""

import asyncio
import copy
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from ioc.adapters import influx_query as ql
from ioc.adapters import influx_rollup
from ioc.adapters.influx_http import Answer, InfluxHttp, raise_unless_ok
from ioc.adapters.influx_setup import DEFAULT_SHARD_MS, prepare_bucket
from ioc.adapters.influx_write import POINTS_MOST, BatchWrite, Failures
from ioc.adapters.line_protocol import LineEncoder
from ioc.domain.columns import Columns, Row
from ioc.domain.point import FieldValue, Point, PointRefusal, SeriesRow, StoreDeniedError, StoreUnavailableError
from ioc.domain.rollup import DeviceMinute, Rolled

log = structlog.get_logger("ioc.influx")

_WRITE = "/api/v2/write"
_STORED, _FAILED = 204, 500
_ABOUT_POINTS = frozenset({_STORED, 400, 413, 422})
"""Answers that speak of the points sent, not of the server or of us."""
_PATIENCE = 6
"""A look over all devices may take so many times longer than other requests."""
_PREFERRED = ("float", "integer", "unsigned", "string", "boolean")
"""Which of several types of one field a query answers with."""
_CHUNK_ROWS = "10000"
_LEFT_ALONE_MOST_S = 900.0
"""A server that asks for longer is asked again after this."""


class InfluxStore:
    """One bucket. Every method raises StoreUnavailableError, or StoreDeniedError where a person must act.

    Nothing is written, whoever asks, before the time that the server has named by Retry-After.
    """

    def __init__(
        self,
        url: str,
        *,
        org: str,
        bucket: str,
        token: str,
        timeout_ms: int = 10_000,
        ca_file: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = InfluxHttp(url, token=token, timeout_ms=timeout_ms, ca_file=ca_file)
        self._org = org
        self._bucket = bucket
        self._encoder = LineEncoder()
        self._shard_ms = DEFAULT_SHARD_MS
        self._types: dict[str, dict[str, str]] = {}
        self._failures = Failures()
        self._monotonic = monotonic
        self._closed_until = 0.0
        self._rolled: InfluxStore | None = None

    async def prepare(self, retention_ms: int) -> None:
        """Bucket, retention (0 = for ever) and query mapping exist and are as configured; access is proved."""
        bucket = await prepare_bucket(self._http, self._org, self._bucket, retention_ms)
        self._shard_ms = bucket.shard_ms
        await self.ping()
        await self._query("SHOW MEASUREMENTS LIMIT 1")

    async def ping(self) -> None:
        """The server answers, knows the token, and lets it write into the bucket: an empty write says so and stores nothing."""
        answer = await self._send(b"", ())
        raise_unless_ok(answer, self._http.url, "writing")

    async def write(self, points: Sequence[Point]) -> list[PointRefusal]:
        """Refusals by index, once every other point is stored and durable. Safe to repeat."""
        refusals: list[PointRefusal] = []
        for begin in range(0, len(points), POINTS_MOST):
            part = points[begin : begin + POINTS_MOST]
            batch = BatchWrite(part, encoder=self._encoder, shard_ms=self._shard_ms)
            refused = await batch.run(lambda lines, part=part: self._send(lines, part), self._stored_types)  # type: ignore[misc]
            refusals += (PointRefusal(begin + refusal.index, refusal.field, refusal.detail) for refusal in refused)
        return refusals

    async def latest(self, measurement: str, *, since: int = 0) -> dict[str, dict[str, tuple[int, FieldValue]]]:
        """Device → field → (ts, value) of its last point at or after `since` (Unix ms)."""
        types = await self.field_types(measurement)
        if not types:
            return {}
        source = f'FROM {ql.name(measurement)} WHERE time >= {since}ms GROUP BY "device"'
        # The newest point of each device has nearly all; a last() for every field takes some seconds for 6,000 devices.
        newest = await self._query(f"SELECT *::field {source} ORDER BY time DESC LIMIT 1", patience=_PATIENCE)
        devices = {rows.tags["device"]: _present(rows, types) for rows in newest if rows.tags.get("device")}
        for field, kind in types.items():
            if all(field in fields for fields in devices.values()):
                continue
            for rows in await self._query(f"SELECT last({ql.name(field)}) {source}", patience=_PATIENCE):
                ts, value = rows.values[0]
                if rows.tags.get("device") in devices:
                    devices[rows.tags["device"]].setdefault(field, (ts, _typed(value, kind)))
        return devices

    async def series(  # noqa: PLR0917 - the port's order
        self, measurement: str, tags: Mapping[str, str], field: str, start: int, end: int, every_ms: int | None
    ) -> list[SeriesRow]:
        """Rows of start ≤ ts < end, ascending: mean, low and high of each bucket for numbers, its last value for strings.

        Buckets begin at multiples of `every_ms`; None = the points as stored. Empty buckets are left out.
        """
        if not ql.can_ask(measurement, field, *tags, *tags.values()):
            return []
        kind = await self._type_of(measurement, field)
        if kind is None:
            return []
        column = ql.name(field)
        what = column
        if every_ms is not None:
            what = f"last({column})" if kind == "string" else f"mean({column}), min({column}), max({column})"
        where = ql.during(start, end) + ql.tagged(tags)
        buckets = "" if every_ms is None else f" GROUP BY time({every_ms}ms) fill(none)"
        found = await self._query(f"SELECT {what} FROM {ql.name(measurement)} WHERE {where}{buckets}")  # noqa: S608 - quoted
        as_type = "float" if every_ms is not None and kind == "integer" else kind
        return [_series_row(values, as_type) for rows in found for values in rows.values]

    async def columns(self, measurements: Sequence[str], start: int, end: int) -> list[Columns]:
        """Every point of start ≤ ts < end, what is later in later ones: for short spans, since all of it is in memory."""
        found: list[Columns] = []
        for measurement in measurements:
            types = await self.field_types(measurement)
            if types:
                question = f"SELECT *::field FROM {ql.name(measurement)} WHERE {ql.during(start, end)} GROUP BY *"  # noqa: S608 - quoted
                rows = await self._query(question, patience=_PATIENCE)
                found.append(await asyncio.to_thread(_columns, measurement, rows, types))
        return [one for one in found if one.rows]

    async def count(self, measurement: str, start: int, end: int, field: str = "lag_ms") -> int:
        """Points of start ≤ ts < end that carry the field."""
        where = ql.during(start, end)
        found = await self._query(f"SELECT count({ql.name(field)}) FROM {ql.name(measurement)} WHERE {where}")  # noqa: S608 - quoted
        return sum(int(values[1]) for rows in found for values in rows.values)

    async def field_types(self, measurement: str) -> dict[str, str]:
        """Field → float, integer, string or boolean, as the store has it now."""
        types = {field: min(kinds, key=_PREFERRED.index) for field, kinds in (await self._stored_types(measurement)).items()}
        self._types[measurement] = types
        return types

    async def prepare_rollups(self, retention_ms: int) -> None:
        """A second bucket, `<bucket>_1m`, is there and keeps points so long; StoreDeniedError says what a person has to do."""
        name = self._bucket + influx_rollup.SUFFIX
        try:
            await prepare_bucket(self._http, self._org, name, retention_ms)
        except StoreDeniedError as error:
            detail = f"rollups need the bucket {name!r}: make it, and let the token read and write it ({error.detail})"
            raise StoreDeniedError(detail) from None

    async def summarise(
        self, measurement: str, metrics: Sequence[str], start: int, end: int, *, devices: Sequence[str] = ()
    ) -> AsyncIterator[list[DeviceMinute]]:
        """The minutes of start ≤ ts < end, which are whole minutes, as the points tell them; of these devices, or of all, some at once."""
        known = await self.field_types(measurement)
        types = {metric: known[metric] for metric in metrics if metric in known}
        if not types:
            return
        for those in influx_rollup.slices(devices or await self._devices(measurement, start, end), len(types)):
            rolling = influx_rollup.Rolling(types)
            for begin, until in influx_rollup.pieces(start, end):
                found = await self._query(influx_rollup.question(measurement, types, begin, until, those), patience=_PATIENCE)
                await asyncio.to_thread(rolling.add, found)
            yield rolling.minutes()

    async def write_rollups(self, measurement: str, minutes: Sequence[DeviceMinute]) -> None:
        """Replaces what stands there; stored and durable on return."""
        refusals = await self._of_rollups().write([influx_rollup.point(measurement, one) for one in minutes])
        if refusals:
            log.warning("rollups_refused", count=len(refusals), detail=refusals[0].detail)

    async def rollups(self, measurement: str, device: str, metric: str, start: int, end: int) -> list[tuple[int, Rolled]]:
        """(minute, rollup) of the minutes that begin in start ≤ minute < end, ascending."""
        if not ql.can_ask(measurement, device, metric):
            return []
        found = await self._of_rollups()._query(influx_rollup.stored_question(measurement, device, metric, start, end))  # noqa: SLF001
        return list(influx_rollup.stored(found))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close()

    async def _devices(self, measurement: str, start: int, end: int) -> list[str]:
        found = await self._query(influx_rollup.devices_question(measurement, start, end), patience=_PATIENCE)
        return [str(device) for rows in found for _, device in rows.values]

    def _of_rollups(self) -> "InfluxStore":
        """The bucket of the rollups as a store of its own, over the same connections."""
        if self._rolled is None:
            self._rolled = copy.copy(self)
            self._rolled._bucket += influx_rollup.SUFFIX  # noqa: SLF001
            self._rolled._types = {}  # noqa: SLF001
            self._rolled._failures = Failures()  # noqa: SLF001
        return self._rolled

    async def _stored_types(self, measurement: str) -> dict[str, set[str]]:
        """Field → its types: several where shards differ."""
        types: dict[str, set[str]] = {}
        for rows in await self._query(f"SHOW FIELD KEYS FROM {ql.name(measurement)}"):
            for field, kind in rows.values:
                types.setdefault(str(field), set()).add(str(kind))
        return types

    async def _type_of(self, measurement: str, field: str) -> str | None:
        known = self._types.get(measurement, {}).get(field)
        return known or (await self.field_types(measurement)).get(field)

    async def _send(self, lines: bytes, part: Sequence[Point]) -> Answer:
        left_s = self._closed_until - self._monotonic()
        if left_s > 0:
            detail = f"{self._http.url} asked to be left alone for another {left_s:.0f} s"
            raise StoreUnavailableError(detail, retry_after_ms=math.ceil(left_s * 1000))
        answer = await self._http.post_lines(_WRITE, {"org": self._org, "bucket": self._bucket, "precision": "ms"}, lines)
        if answer.retry_after_ms is not None:
            left_s = min(answer.retry_after_ms / 1000, _LEFT_ALONE_MOST_S)
            self._closed_until = max(self._closed_until, self._monotonic() + left_s)
        if answer.status in _ABOUT_POINTS:
            return answer
        if answer.status == _FAILED and self._failures.again(part):
            return answer
        raise_unless_ok(answer, self._http.url, f"writing to bucket {self._bucket!r}")
        detail = f"{self._http.url} answers a write with {answer.status} instead of 204: it is not InfluxDB 2; check store.url"
        raise StoreDeniedError(detail)

    async def _query(self, statements: str, *, patience: int = 1) -> list[ql.Rows]:
        query = {"db": self._bucket, "epoch": "ms", "q": statements, "chunked": "true", "chunk_size": _CHUNK_ROWS}
        answer = await self._http.get("/query", query, patience=patience)
        raise_unless_ok(answer, self._http.url, "a query")
        return list(ql.read_rows(answer.body))


def _present(rows: ql.Rows, types: Mapping[str, str]) -> dict[str, tuple[int, FieldValue]]:
    ts, *values = rows.values[0]
    found = zip(rows.columns[1:], values, strict=True)
    return {field: (ts, _typed(value, types[field])) for field, value in found if value is not None and field in types}


def _columns(measurement: str, found: Sequence[ql.Rows], types: Mapping[str, str]) -> Columns:
    """The answer's rows."""
    series, times, told = [], list[int](), list[Row]()
    for rows in found:
        series.append((tuple(sorted((tag, value) for tag, value in rows.tags.items() if value)), len(rows.values)))
        for ts, *values in rows.values:
            named = zip(rows.columns[1:], values, strict=True)
            times.append(ts)
            told.append({field: _typed(value, types[field]) for field, value in named if value is not None and field in types})
    return Columns(measurement=measurement, series=series, times=times, rows=told, keys={name: name for name in types})


def _typed(value: FieldValue, kind: str) -> FieldValue:
    """JSON writes a float 70.0 as 70."""
    return float(value) if kind == "float" else value


def _series_row(values: Sequence[Any], kind: str) -> SeriesRow:
    ts, value, *bounds = values
    low, high = (float(bound) for bound in bounds) if bounds else (None, None)
    return SeriesRow(ts, _typed(value, kind), low, high)
