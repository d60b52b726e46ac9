"""One batch into InfluxDB until the server has answered 204 for everything that it will ever take.

Only 204 counts as stored: after a 422 the other points usually are stored too, but the answer names one of several
troubles, so the rest is sent again until nothing is left to be refused. Writing a point twice changes nothing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from ioc.adapters.influx_answers import FieldConflict, beyond_retention, field_conflict, type_name, unreadable_lines
from ioc.adapters.influx_http import Answer
from ioc.adapters.line_protocol import LineEncoder
from ioc.domain.point import Point, PointRefusal, StoreUnavailableError

POINTS_MOST = 5_000
"""Points in one request; a batch for this module holds no more."""
REQUESTS_MOST = 64
_STORED, _BAD_REQUEST, _UNPROCESSABLE, _FAILED = 204, 400, 422, 500
_FAILURES_MOST = 5
_CONFLICTS_ONE_BY_ONE = 2
_GO_ZERO_TO_1970_MS = 62_135_596_800_000
"""Shards are aligned to Go's zero time, the year 1."""

Send = Callable[[bytes], Awaitable[Answer]]
AskTypes = Callable[[str], Awaitable[Mapping[str, AbstractSet[str]]]]


class Failures:
    """Counts answers 500 to one and the same batch: after some of them the trouble may be a point, not the server."""

    def __init__(self) -> None:
        self._batch: tuple[int, Point, Point] | None = None
        self._count = 0

    def again(self, batch: Sequence[Point]) -> bool:
        """Notes one more; whether the batch should be taken apart now."""
        key = (len(batch), batch[0], batch[-1]) if batch else None
        self._count = self._count + 1 if key == self._batch else 1
        self._batch = key
        return key is not None and self._count > _FAILURES_MOST


class BatchWrite:
    """The course of one batch: what is still to be sent, what was refused and why."""

    def __init__(self, points: Sequence[Point], *, encoder: LineEncoder, shard_ms: int) -> None:
        self._points = dict(enumerate(points))
        self._encoder = encoder
        self._shard_ms = shard_ms
        self._lines: dict[int, bytes] = {}
        self._whole: dict[int, str] = {}
        self._fields: dict[int, dict[str, str]] = {}
        self._conflicts: Counter[str] = Counter()
        self._any_stored = False
        self._suspects: dict[int, str] = {}

    async def run(self, send: Send, ask_types: AskTypes) -> list[PointRefusal]:
        """The refusals, once all else is stored; what the two raise passes through. `ask_types`: measurement → field → stored types."""
        await asyncio.to_thread(self._encode, list(self._points.values()))
        groups = deque([sorted(self._lines)])
        requests = 0
        while groups:
            group = [index for index in groups.popleft() if index in self._lines]
            if not group:
                continue
            if requests == REQUESTS_MOST:
                self._give_up([group, *groups])
                break
            answer = await send(b"\n".join([self._lines[index] for index in group]))
            requests += 1
            groups += await asyncio.to_thread(self._after, group, answer)
            await self._settle_types(ask_types)
        self._judge_suspects()
        return self._refusals()

    async def _settle_types(self, ask_types: AskTypes) -> None:
        """Each answer names one conflict; a measurement that has several is compared with the store's types at once."""
        for measurement in [name for name, times in self._conflicts.items() if times == _CONFLICTS_ONE_BY_ONE]:
            self._conflicts[measurement] += 1
            stored = await ask_types(measurement)
            await asyncio.to_thread(self._refuse_other_types, measurement, stored)

    def _refuse_other_types(self, measurement: str, stored: Mapping[str, AbstractSet[str]]) -> None:
        for index, point in list(self._points.items()):
            if point.measurement != measurement or index not in self._lines:
                continue
            for name, value in point.fields.items():
                known, kind = stored.get(name, set()), type_name(value)
                # With two types in the store it depends on the shard, and the server has to say.
                if len(known) == 1 and kind not in known:
                    told = f'field "{name}" on measurement "{measurement}" is type {kind}, already exists as type {next(iter(known))}'
                    self._refuse_field(index, FieldConflict(measurement, name, kind, told))

    def _encode(self, points: Sequence[Point]) -> None:
        for index, line in enumerate(self._encoder.lines(points)):
            if isinstance(line, bytes):
                self._lines[index] = line
            else:
                self._refuse(index, str(line))

    def _after(self, group: list[int], answer: Answer) -> list[list[int]]:
        """Which groups to send next."""
        if answer.status == _STORED:
            self._any_stored = True
            return []
        message = answer.message or f"refused with {answer.status}"
        named = self._named(group, answer.status, message)
        if named is not None:
            return named
        if len(group) > 1:
            return [group[: len(group) // 2], group[len(group) // 2 :]]
        if answer.status == _FAILED:
            self._suspects[group[0]] = message
            return []
        return self._without(group, {group[0]: message})

    def _named(self, group: list[int], status: int, message: str) -> list[list[int]] | None:
        """What to send once that is taken out which the answer names; None when it names nothing of ours."""
        if status == _UNPROCESSABLE:
            conflict = field_conflict(message, (self._points[index] for index in group))
            if conflict is not None:
                return self._without_field(group, conflict)
            beyond = beyond_retention(message)
            if beyond:
                oldest = sorted(group, key=lambda index: self._points[index].ts)[:beyond]
                return self._without(group, dict.fromkeys(oldest, message))
        if status == _BAD_REQUEST:
            unreadable = unreadable_lines(message, ((index, self._lines[index].decode()) for index in group))
            if unreadable:
                return self._without(group, unreadable)
        return None

    def _without(self, group: list[int], refused: dict[int, str]) -> list[list[int]]:
        for index, detail in refused.items():
            self._refuse(index, detail)
        return [group]

    def _without_field(self, group: list[int], conflict: FieldConflict) -> list[list[int]]:
        """Types are fixed shard by shard: where the answer may mean one of several, each is asked for itself."""
        shards: dict[int, list[int]] = {}
        for index in group:
            if conflict.concerns(self._points[index]):
                shards.setdefault((self._points[index].ts + _GO_ZERO_TO_1970_MS) // self._shard_ms, []).append(index)
        if len(shards) > 1:
            concerned = {index for indexes in shards.values() for index in indexes}
            return [*shards.values(), [index for index in group if index not in concerned]]
        self._conflicts[conflict.measurement] += 1
        for index in next(iter(shards.values())):
            self._refuse_field(index, conflict)
        return [group]

    def _refuse_field(self, index: int, conflict: FieldConflict) -> None:
        point = self._points[index]
        left = {name: value for name, value in point.fields.items() if name != conflict.field}
        if not left:
            self._refuse(index, conflict.detail)
            return
        self._fields.setdefault(index, {})[conflict.field] = conflict.detail
        self._points[index] = Point.of(point.measurement, point.tags, left, point.ts)
        self._lines[index] = self._encoder.line(self._points[index])

    def _refuse(self, index: int, detail: str) -> None:
        self._whole[index] = detail
        self._fields.pop(index, None)
        self._lines.pop(index, None)

    def _give_up(self, groups: Sequence[Sequence[int]]) -> None:
        """A batch that stays unclear is refused where it is unclear: kept whole in quarantine it can be replayed, and blocks nothing."""
        for group in groups:
            for index in group:
                self._refuse(index, f"InfluxDB's answers left unclear within {REQUESTS_MOST} requests which point it refuses")

    def _judge_suspects(self) -> None:
        """A point on which the server fails by itself is refused only if the server does take others."""
        if self._suspects and not self._any_stored:
            raise StoreUnavailableError(next(iter(self._suspects.values())))
        for index, detail in self._suspects.items():
            self._refuse(index, detail)

    def _refusals(self) -> list[PointRefusal]:
        whole = [PointRefusal(index, None, detail) for index, detail in self._whole.items()]
        single = [PointRefusal(index, name, detail) for index, fields in self._fields.items() for name, detail in fields.items()]
        return sorted(whole + single, key=lambda refusal: (refusal.index, refusal.field or ""))
