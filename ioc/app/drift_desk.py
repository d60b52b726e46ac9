"""Schema drift as people meet it: written down, logged, told to the stream, acknowledged."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from alerts.inputs import OwnCondition
from collectors.drift import DriftTracker, Event, Group, GroupKey
from collectors.drift_watch import DriftWatch
from ioc.api.documents import drift_document
from ioc.api.stream import Hub
from ioc.app.supervision import forever
from ioc.domain.drift import Drift, DriftKind
from ioc.domain.state import CursorError, StateUnavailableError

log = structlog.get_logger("ioc.drift")

TURN_S = 1.0
GROUPS_EVERY = 30
"""Turns after which what the groups teach is written too; a drift is written at once."""
_GROUP, _EVENT = "group", "event"
_LONGEST_COUNT = 9


class Shelf(Protocol):
    """Where bodies are kept by key."""

    async def put(self, bodies: dict[str, bytes | None]) -> None:
        """Inserts or replaces them; None removes. StateUnavailableError when they can't be written now."""

    async def all(self) -> dict[str, bytes]:
        """Every body."""


class DriftDesk:
    """Keeps what the tracker knows, and hands out what it found."""

    def __init__(self, tracker: DriftTracker, watch: DriftWatch, shelf: Shelf, *, hub: Hub, clock: Callable[[], int]) -> None:
        self._tracker = tracker
        self._watch = watch
        self._shelf = shelf
        self._hub = hub
        self._clock = clock
        self._since: int | None = None

    async def restore(self) -> None:
        """What an earlier run knew."""
        groups, events = [], []
        for key, body in (await self._shelf.all()).items():
            kind, *name = msgspec.json.decode(key, type=list[str])
            if kind == _GROUP:
                groups.append(((name[0], name[1], name[2]), msgspec.msgpack.decode(body, type=Group)))
            else:
                events.append(msgspec.msgpack.decode(body, type=Event))
        self._tracker.restore(groups, events)

    async def watch(self) -> None:
        """Runs for ever: tells what is new, writes what changed."""
        turn = 0

        async def look() -> None:
            nonlocal turn
            turn += 1
            news, self._watch.news = self._watch.news, []
            for drift in news:
                self._tell(drift)
            if news or turn % GROUPS_EVERY == 0:
                await self.save()

        await forever("drift", look, lambda: TURN_S)

    async def save(self) -> None:
        """Writes what changed; tried again later where that is not possible now."""
        changed = self._tracker.take_changed()
        if not any(changed):
            return
        bodies = {_key(_GROUP, *key): self._group(key) for key in changed[0]}
        bodies |= {_key(_EVENT, one): self._event(one) for one in changed[1]}
        try:
            await self._shelf.put(bodies)
        except StateUnavailableError as error:
            self._tracker.give_back(changed)
            log.warning("drift_not_written", detail=str(error))

    async def drifts(self, *, acknowledged: bool | None, limit: int, cursor: str | None) -> tuple[list[Drift], str | None]:
        """Newest first."""
        if cursor is not None and not (cursor.isdecimal() and len(cursor) <= _LONGEST_COUNT):
            msg = f"{cursor[:60]!r} is no cursor of this list"
            raise CursorError(msg)
        after = int(cursor or 0)
        everything = [event.now() for event in self._tracker.events.values()]
        wanted = [one for one in everything if acknowledged is None or (one.acknowledged_at is not None) == acknowledged]
        found = sorted(wanted, key=lambda drift: (-drift.first_seen, drift.id))[after : after + limit + 1]
        return found[:limit], str(after + limit) if len(found) > limit else None

    async def acknowledge_drift(self, drift: str, *, by: str) -> Drift | None:
        """The drift, known to a person from now on; None where there is none."""
        found = self._tracker.acknowledge(drift, at=self._clock(), by=by)
        if found is not None:
            await self.save()
            self._hub.publish("drift", drift_document(found))
        return found

    def condition(self, now: int) -> OwnCondition:
        """Our own condition `ioc_schema_drift`: it lasts while a drift is not acknowledged."""
        waiting = self._tracker.unacknowledged()
        if not waiting:
            self._since = None
        elif self._since is None:
            self._since = now
        return OwnCondition("ioc_schema_drift", now, self._since, _said(waiting))

    def _tell(self, drift: Drift) -> None:
        log.info(  # each is news of its own; warnings are thinned like what lasts
            "schema_drift", family=drift.family, dialect=drift.dialect, firmware=drift.firmware, before=drift.before, kind=drift.kind.value,
            field=drift.field, old_type=drift.old_type, new_type=drift.new_type, devices=drift.devices,
        )  # fmt: skip
        self._hub.publish("drift", drift_document(drift))

    def _group(self, key: GroupKey) -> bytes | None:
        group = self._tracker.groups.get(key)
        return None if group is None else msgspec.msgpack.encode(group)

    def _event(self, one: str) -> bytes | None:
        event = self._tracker.events.get(one)
        return None if event is None else msgspec.msgpack.encode(event)


def _key(*parts: str) -> str:
    return msgspec.json.encode(parts).decode()


def _said(waiting: Sequence[Drift]) -> str:
    newest = sorted(waiting, key=lambda drift: -drift.first_seen)[:3]
    more = f"; {len(waiting) - len(newest)} more" if len(waiting) > len(newest) else ""
    return "; ".join(_phrase(drift) for drift in newest) + more


def _phrase(drift: Drift) -> str:
    group = f"{drift.family} {drift.firmware}".strip()
    types = {DriftKind.NEW: f"+{drift.new_type}", DriftKind.LOST: "lost", DriftKind.RETYPED: f"{drift.old_type} → {drift.new_type}"}
    return f"{group}: {drift.field} ({types[drift.kind]})"
