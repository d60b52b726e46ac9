"""From deliveries to Samples, events and refusals: pure, in arrival order, one batch at a time."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from collectors.decode import Decoder, Fields, compile_decoder
from collectors.delivery import Delivery
from collectors.dialect import compile_dialect
from collectors.duplicates import RecentMessages
from collectors.events import EventFields, decode_event, decode_status
from collectors.lenient import RefusedError
from collectors.redelivery import RedeliveryMemory, fingerprint
from collectors.timing import DeviceClock, Timed, TimeRules, is_correction
from ioc.domain.dialect import Dialect
from ioc.domain.family import Family
from ioc.domain.point import Point
from ioc.domain.sample import ClockOffset, DeviceEvent, DeviceStatus, Reason, Refusal, Sample, Value
from ioc.domain.topic import CHANNELS, COLLECTOR_FAMILY, TopicParts, is_device_id, parse_topic
from ioc.domain.topic_template import DEVICE_LEVEL

UNKNOWN_FAMILY = "unknown"
"""The ledger's family for what belongs to none."""
MAX_DEVICES = 50_000
MAX_TOPICS = 200_000


class Taken(msgspec.Struct, gc=False):
    """What became of one delivery before any store was asked."""

    delivery: Delivery
    mark: int
    family: str
    """For the ledger."""
    device: str | None = None
    outcome: str = "stored"
    """stored (to be), quarantined, duplicate, retained; empty = a collector's own, not counted."""
    news: Sample | DeviceEvent | DeviceStatus | None = None
    refusals: tuple[Refusal, ...] = ()
    """For the whole message when quarantined, else for fields (`partial`)."""
    clock: ClockOffset | None = None
    """What it tells of the device's clock, where that is news."""
    clock_corrected: bool = False
    overwritten: bool = False
    fresh: bool = False
    """Its point's time is later than all that the device ever told: surely a point of its own."""
    assigned: int | None = None
    unmapped: tuple[str, ...] = ()
    dialect: str = ""
    """The vendor's dialect that it was told in; empty = the contract's own."""
    point: Point | None = None
    """As the store takes it; set for Samples and events."""

    @property
    def is_arrival(self) -> bool:
        """Whether the device was heard: live, not a repetition, not a Will, whatever the payload was worth."""
        delivery = self.delivery
        if self.device is None or self.family == UNKNOWN_FAMILY or delivery.retain or delivery.dup or delivery.backlog:
            return False
        return not (isinstance(self.news, DeviceStatus) and not self.news.online)


class _Device:
    __slots__ = ("clock", "last", "newest", "newest_event", "recent", "told", "topics")

    def __init__(self, newest: int) -> None:
        self.newest = self.newest_event = newest
        """The latest time of its samples, and of its events; where it is not known, a time that none can be later than."""
        self.clock = DeviceClock()
        self.recent = RecentMessages()
        self.last: tuple[int, tuple[Value, ...]] | None = None
        """Time of the last sample, and all values that came at that time."""
        self.told: int | None = None
        """The time that its last message told itself; what waited at the broker without one came right after it."""
        self.topics: list[bytes] = []
        """Those that lead to it without a second look."""


class _FamilyReader:
    def __init__(self, family: Family, history_limit: int, dialect: Dialect | None = None) -> None:
        self.name = family.family
        self.dialect = "" if dialect is None else dialect.id
        self.decode: Decoder = compile_decoder(family) if dialect is None else compile_dialect(family, dialect)
        self.rules = TimeRules(family.cadence, min(family.history, history_limit))


class _Route(msgspec.Struct, frozen=True, gc=False):
    parts: TopicParts
    reader: _FamilyReader
    device: _Device


class _Misfit(msgspec.Struct, frozen=True, gc=False):
    """A topic that nothing can be read from; who published there is known as far as the topic tells."""

    refusal: Refusal
    family: str = UNKNOWN_FAMILY
    device: str | None = None


class _Pending(msgspec.Struct, gc=False):
    taken: Taken
    route: _Route
    fields: Fields | EventFields
    timed: Timed


class Ingest:
    """Decodes one source's deliveries; keeps per device a clock, the recent messages and the last sample."""

    def __init__(
        self,
        families: Mapping[str, Family],
        *,
        topic_root: str,
        history_limit: int,
        redelivery: RedeliveryMemory,
        dialects: Collection[str] = (),
        most: int = MAX_DEVICES,
        told_until: int = 0,
    ) -> None:
        """`dialects`: the ids of those that this source listens to. `told_until`: no device told a later time before our start, Unix ms."""
        spoken = ((family, dialect) for family in families.values() for dialect in family.dialects if dialect.id in dialects)
        self._dialects = [(dialect.template, _FamilyReader(family, history_limit, dialect)) for family, dialect in spoken]
        self._readers = {name: _FamilyReader(family, history_limit) for name, family in families.items()}
        self._root = topic_root
        self._redelivery = redelivery
        self._devices: dict[tuple[str, str], _Device] = {}
        self._routes: dict[bytes, _Route] = {}
        self._most = most
        self._told_until = told_until

    def read(self, deliveries: Iterable[Delivery]) -> list[Taken]:
        """One Taken for each delivery, in order; times that we assigned are in `assigned`."""
        taken: list[Taken] = []
        pending: list[_Pending] = []
        for delivery in deliveries:
            mark = fingerprint(delivery)
            outcome = self._read_one(delivery, mark)
            if isinstance(outcome, _Pending):
                pending.append(outcome)
                outcome = outcome.taken
            taken.append(outcome)
        self._assign(pending)
        for item in pending:
            item.taken.news = self._news(item)
        return taken

    def forget(self) -> None:
        """What comes next is judged by itself: no repetition, no device's clock."""
        self._devices.clear()
        self._routes.clear()

    @property
    def devices(self) -> int:
        """How many devices are remembered (bounded)."""
        return len(self._devices)

    def _read_one(self, delivery: Delivery, mark: int) -> Taken | _Pending:
        route = self._route(delivery.topic)
        if route is None:
            return Taken(delivery, mark, COLLECTOR_FAMILY, outcome="")
        who: _Misfit | TopicParts = route if isinstance(route, _Misfit) else route.parts
        taken = Taken(delivery, mark, who.family, who.device or None)
        if not delivery.retain and self._came_before(delivery, mark):
            taken.outcome = "duplicate"
            return taken
        if isinstance(route, _Misfit):
            taken.outcome = "retained" if delivery.retain else "quarantined"
            taken.refusals = (route.refusal,)
            return taken
        try:
            return self._decode(taken, route)
        except RefusedError as error:
            taken.outcome = "quarantined"
            taken.refusals = (error.refusal(),)
        except Exception as error:  # noqa: BLE001  the boundary: a payload that we stumble over is kept for us to look at
            taken.outcome = "quarantined"
            taken.refusals = (Refusal(Reason.FAULT, f"our own error while reading it: {error!r}"[:400]),)
        return taken

    def _came_before(self, delivery: Delivery, mark: int) -> bool:
        known = delivery.dup and self._redelivery.is_known(mark)
        self._redelivery.take(mark)
        return known

    def _decode(self, taken: Taken, route: _Route) -> Taken | _Pending:
        delivery = taken.delivery
        if route.parts.channel == "status":
            online = decode_status(delivery.payload)
            taken.outcome = "retained" if delivery.retain else "stored"
            taken.news = DeviceStatus(route.parts.family, route.parts.device, delivery.arrival, online, delivery.retain)
            return taken
        if delivery.retain:
            taken.outcome = "retained"
            return taken
        taken.dialect = route.reader.dialect
        decode: Callable[[bytes], Fields | EventFields] = decode_event if route.parts.channel == "event" else route.reader.decode
        fields = decode(delivery.payload)
        if not route.parts.device and isinstance(fields, Fields) and fields.device:
            route = self._route_to(route.reader, fields.device)
            taken.device = fields.device
        return self._time(taken, route, fields)

    def _time(self, taken: Taken, route: _Route, fields: Fields | EventFields) -> Taken | _Pending:
        delivery, device = taken.delivery, route.device
        if fields.ts is not None or fields.has_seq:
            named = fields.key if isinstance(fields, Fields) else None
            key = hash((route.parts.channel, delivery.payload)) if named is None else named
            if device.recent.seen(key, delivery.arrival):
                taken.outcome = "duplicate"
                return taken
        if fields.ts is not None and not (delivery.dup or delivery.backlog):
            offset = device.clock.observe(delivery.arrival - fields.ts, delivery.arrival, route.reader.rules.cadence)
            if offset is not None:
                taken.clock = ClockOffset(route.parts.family, route.parts.device, offset, delivery.arrival)
        timed = self._judge(fields.ts, delivery, route)
        taken.refusals = fields.refusals
        taken.clock_corrected = timed.corrected
        if isinstance(fields, Fields):
            taken.unmapped = fields.unmapped
        return _Pending(taken, route, fields, timed)

    @staticmethod
    def _judge(ts: int | None, delivery: Delivery, route: _Route) -> Timed:
        """Under which time it is stored; what waited while we were away came right after what the device told last, not when it arrived."""
        device, rules = route.device, route.reader.rules
        if ts is None and device.told is not None and _waited(delivery):
            device.told = min(device.told + 1, delivery.arrival)
            return device.clock.place(device.told, delivery.arrival, rules)
        timed = device.clock.judge(ts, delivery.arrival, rules)
        if not timed.assigned:
            device.told = timed.ts
        return timed

    def _assign(self, pending: Sequence[_Pending]) -> None:
        """Latest first, so that a burst keeps its order while no time lies after its arrival; nor after what the device told next."""
        following: dict[int, int] = {}
        for item in reversed(pending):
            clock, timed, mark = item.route.device.clock, item.timed, item.taken.mark
            earlier = self._redelivery.assigned_time(mark) if item.taken.delivery.dup else None
            if earlier is not None:
                clock.take(earlier)
                timed.ts = earlier
                item.taken.clock_corrected = is_correction(item.fields.ts, earlier)
            elif timed.assigned:
                after = following.get(id(clock))
                if item.fields.ts is None and after is not None and after <= timed.ts and _waited(item.taken.delivery):
                    timed = item.timed = clock.place(after - 1, item.taken.delivery.arrival, item.route.reader.rules)
                timed.ts = clock.assign(timed.ts)
            else:
                following[id(clock)] = timed.ts
                continue
            item.taken.assigned = timed.ts
            self._redelivery.assign(mark, timed.ts)

    def _news(self, item: _Pending) -> Sample | DeviceEvent:
        parts, timed, arrival = item.route.parts, item.timed, item.taken.delivery.arrival
        device = item.route.device
        if isinstance(item.fields, EventFields):
            fields = item.fields
            if timed.ts > device.newest_event:
                device.newest_event = timed.ts
                item.taken.fresh = True
            return DeviceEvent(parts.family, parts.device, timed.ts, arrival, fields.name, fields.body, timed.lag_ms, timed.live)
        values, refused = item.fields.values, item.fields.refused
        sample = Sample(parts.family, parts.device, timed.ts, arrival, values, timed.lag_ms, timed.live, refused)
        if timed.ts > device.newest:
            device.newest = timed.ts
            item.taken.fresh = True
        elif device.last is not None and device.last[0] == sample.ts:
            pairs = list(zip(device.last[1], values, strict=True))
            item.taken.overwritten = any(new is not None and old is not None and new != old for old, new in pairs)
            values = tuple(old if new is None else new for old, new in pairs)
        device.last = (sample.ts, values)
        return sample

    def _route(self, topic: bytes) -> _Route | _Misfit | None:
        known = self._routes.get(topic)
        if known is not None:
            return known
        route = self._find_route(topic)
        if isinstance(route, _Route):  # of other topics there may be any number, of any length
            if len(self._routes) >= MAX_TOPICS:
                self._routes.clear()
            self._routes[topic] = route
            route.device.topics.append(topic)
        return route

    def _find_route(self, topic: bytes) -> _Route | _Misfit | None:
        try:
            text = topic.decode()
        except UnicodeDecodeError:
            return _Misfit(Refusal(Reason.TOPIC, "the topic is not UTF-8"))
        parts = parse_topic(text, self._root)
        if isinstance(parts, str):
            return self._dialect_route(text) or _Misfit(Refusal(Reason.TOPIC, parts))
        if parts.family == COLLECTOR_FAMILY:
            return None
        reader = self._readers.get(parts.family)
        if reader is None:
            detail = f"no family {parts.family!r} is declared; known: {', '.join(self._readers)}"
            return _Misfit(Refusal(Reason.UNKNOWN_FAMILY, detail), device=parts.device)
        if parts.channel not in CHANNELS or parts.channel == "cmd":
            refusal = Refusal(Reason.UNKNOWN_CHANNEL, f"channel {parts.channel[:40]!r} is none of telemetry, event, status")
            # What comes on `cmd` is said to the device, not by it.
            return _Misfit(refusal, UNKNOWN_FAMILY if parts.channel == "cmd" else parts.family, parts.device)
        return _Route(parts, reader, self._device(parts))

    def _dialect_route(self, topic: str) -> _Route | _Misfit | None:
        """A vendor's topic; its device is empty where only the payload tells it."""
        for template, reader in self._dialects:
            named = template.match(topic)
            if named is None:
                continue
            device = named.get(DEVICE_LEVEL, "")
            if DEVICE_LEVEL in named and not is_device_id(device):
                return _Misfit(Refusal(Reason.TOPIC, f"device {device[:80]!r} does not match [A-Za-z0-9._-]{{1,64}}"), reader.name)
            return self._route_to(reader, device)
        return None

    def _route_to(self, reader: _FamilyReader, device: str) -> _Route:
        parts = TopicParts(reader.name, device, "telemetry")
        return _Route(parts, reader, self._device(parts) if device else _Device(self._told_until))

    def _device(self, parts: TopicParts) -> _Device:
        key = (parts.family, parts.device)
        device = self._devices.get(key)
        if device is None:
            if len(self._devices) >= self._most:
                self._forget(*next(iter(self._devices)))
            device = self._devices[key] = _Device(self._told_until)
        return device

    def _forget(self, family: str, name: str) -> None:
        """The one that came first makes room; its topics too, which would keep it in memory."""
        device = self._devices.pop((family, name))
        self._told_until = max(self._told_until, device.newest, device.newest_event)
        for topic in device.topics:
            self._routes.pop(topic, None)


def _waited(delivery: Delivery) -> bool:
    """Whether it waited at the broker while we were away."""
    return delivery.backlog or delivery.dup
