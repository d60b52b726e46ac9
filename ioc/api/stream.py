"""What happens, as Server-Sent Events: one bounded ring for all clients, each reading it at its own pace.

A client holds no buffer of its own, only its place in the ring. Who falls out of it, or asks for an id that is no longer there,
gets a `reset` and starts again from a snapshot.
"""

import asyncio
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from ioc.api.documents import UnitsEvent

AUDIENCE_MS = 60_000
"""Who was gone for so long starts again from a snapshot, if nobody else was there meanwhile."""
KINDS = ("sample", "alarm", "liveness", "units", "ledger", "own", "drift")


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of the ring, written out once for all its readers."""

    number: int
    kind: str
    unit: str | None
    """Whom it concerns; None = everybody."""
    lines: bytes
    """As on the wire."""


class Reading(msgspec.Struct, frozen=True):
    """What a reader gets next: events, or `reset` because some it should have had are gone."""

    events: list[Event]
    reset: bool
    position: int
    """Number of the newest event taken into account."""


class Hub:
    """Publishes to any number of readers; publish() never waits and never grows beyond its bounds."""

    def __init__(
        self,
        *,
        clock: Callable[[], int],
        boot: str,
        max_events: int = 10_000,
        max_bytes: int = 16 << 20,
        sample_every_ms: int = 10_000,
        max_devices: int = 200_000,
    ) -> None:
        """`boot` names this run of the program: ids of another run mean nothing here."""
        self.boot = boot
        self._clock = clock
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self._ring: deque[Event] = deque()
        self._number = 0
        self._news = asyncio.Event()
        self._sample_every_ms = sample_every_ms
        self._max_devices = max_devices
        self._sample_sent: OrderedDict[str, int] = OrderedDict()
        self._encoder = msgspec.json.Encoder()
        self.readers = 0
        """How many are reading now."""
        self._left_at: int | None = None
        self._passed_over = -1
        """Number of the newest event when a sample was last passed over."""
        self.closed = False

    def close(self) -> None:
        """Lets all readers end: the server stops."""
        self.closed = True
        self._news.set()

    @contextmanager
    def reader(self) -> Iterator[None]:
        """Counts a reader for as long as the block lasts."""
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1
            self._left_at = self._clock()

    @property
    def position(self) -> int:
        """Number of the newest event."""
        return self._number

    def publish(self, kind: str, document: object, *, unit: str | None = None, device: str | None = None) -> None:
        """Hands a JSON-able document to all readers.

        `unit` = whom it concerns (a technician of other units does not get it). Samples are thinned: at most one per `device` in
        `sample_every_ms`; who needs the very latest asks the API.
        """
        if kind == "sample" and device is not None and not self._due(device):
            return
        self._number += 1
        event = Event(self._number, kind, unit, frame(kind, self.event_id(self._number), self._encoder.encode(document)))
        self._ring.append(event)
        self._bytes += len(event.lines)
        while len(self._ring) > self._max_events or (self._bytes > self._max_bytes and len(self._ring) > 1):
            self._bytes -= len(self._ring.popleft().lines)
        self._news.set()

    def has_audience(self) -> bool:
        """Whether somebody reads, or may come back for what it missed; without, samples may be passed over."""
        if self.readers or (self._left_at is not None and 0 <= self._clock() - self._left_at < AUDIENCE_MS):
            return True
        self._passed_over = self._number
        return False

    def wants_sample(self, device: str) -> bool:
        """Whether a device's sample would go out now, so that nobody makes a document in vain."""
        now = self._clock()
        return now - self._sample_sent.get(device, now - self._sample_every_ms) >= self._sample_every_ms

    def _due(self, device: str) -> bool:
        if not self.wants_sample(device):
            return False
        self._sample_sent[device] = self._clock()
        self._sample_sent.move_to_end(device)
        if len(self._sample_sent) > self._max_devices:
            self._sample_sent.popitem(last=False)
        return True

    def find(self, event_id: str | None) -> int | None:
        """The position that an event id of this run names; None when the ring no longer has all that came after it."""
        boot, _, number = (event_id or "").rpartition("-")
        if boot != self.boot or not (number.isascii() and number.isdigit()) or len(number) > 18:  # noqa: PLR2004  fits int64
            return None
        position = int(number)
        return position if max(self._oldest() - 1, self._passed_over + 1) <= position <= self._number else None

    def read(self, position: int, limit: int) -> Reading:
        """At most `limit` events after a position; a reset when the ring no longer reaches back to it."""
        if position < self._oldest() - 1:
            return Reading([], reset=True, position=self._number)
        first = len(self._ring) - (self._number - position)
        events = list(itertools.islice(self._ring, first, first + limit))
        return Reading(events, reset=False, position=position + len(events))

    async def wait(self, position: int, seconds: float) -> bool:
        """Waits until there is something after a position; False when nothing came in time."""
        if self._number > position or self.closed:
            return True
        if self._news.is_set():
            self._news = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def event_id(self, number: int) -> str:
        """`<boot>-<n>`, growing by one with each event."""
        return f"{self.boot}-{number}"

    def _oldest(self) -> int:
        return self._ring[0].number if self._ring else self._number + 1


def frame(kind: str, event_id: str, data: bytes) -> bytes:
    """One event on the wire; JSON holds no line breaks."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event_id.encode(), kind.encode(), data)


def visible(event: Event, units: frozenset[str] | None) -> bytes:
    """The event's lines as a reader of these units may see them (None = reads everything); nothing when it may not."""
    if units is None or event.kind in {"ledger", "own"}:
        return event.lines
    if event.kind == "units":
        return _units_within(event.lines, units)
    return event.lines if event.unit in units else b""


def _units_within(lines: bytes, units: frozenset[str]) -> bytes:
    head, _, data = lines.partition(b"data: ")
    document = msgspec.json.decode(data, type=UnitsEvent)
    items = [item for item in document.items if item.unit in units]
    # The sums over the whole fleet are not a technician's.
    own = msgspec.structs.replace(document, items=items, totals={})
    return head + b"data: " + msgspec.json.encode(own) + b"\n\n" if items else b""


def wanted(kinds: str | None) -> frozenset[str]:
    """The kinds that a comma-separated list names; None = all. ValueError names an unknown one."""
    if kinds is None:
        return frozenset(KINDS)
    chosen: Iterable[str] = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    for kind in chosen:
        if kind not in KINDS:
            msg = f"unknown kind {kind!r}; there are {', '.join(KINDS)}"
            raise ValueError(msg)
    return frozenset(chosen)
