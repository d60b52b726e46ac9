"""From deliveries to Samples, events and refusals: pure, in arrival order, one batch at a time."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from collectors.claims import Claims
from collectors.decode import Fields
from collectors.delivery import Delivery
from collectors.events import EventFields, decode_event, decode_status
from collectors.lenient import RefusedError
from collectors.redelivery import RedeliveryMemory, fingerprint
from collectors.routing import MAX_DEVICES, UNKNOWN_FAMILY, Misfit, Route, Routes
from collectors.timing import Timed, is_correction
from ioc.domain.family import Family
from ioc.domain.point import Point
from ioc.domain.sample import ClockOffset, DeviceEvent, DeviceStatus, Reason, Refusal, Sample
from ioc.domain.topic import COLLECTOR_FAMILY, TopicParts


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


class _Pending(msgspec.Struct, gc=False):
    taken: Taken
    route: Route
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
        source: str = "",
        claims: Claims | None = None,
    ) -> None:
        """`dialects`: the ids of those that this source listens to. `told_until`: no device told a later time before our start, Unix ms."""
        self._routes = Routes(
            families,
            topic_root=topic_root,
            history_limit=history_limit,
            dialects=dialects,
            most=most,
            told_until=told_until,
            source=source,
            claims=claims,
        )
        self._redelivery = redelivery

    def read(self, deliveries: Iterable[Delivery]) -> list[Taken]:
        """One Taken for each delivery, in order; times that we assigned are in `assigned`."""
        pending: list[_Pending] = []
        taken = [self._read_one(delivery, fingerprint(delivery), pending) for delivery in deliveries]
        self._assign(pending)
        for item in pending:
            item.taken.news = self._news(item.taken, item.route, item.fields, item.timed)
        return taken

    def forget(self) -> None:
        """What comes next is judged by itself: no repetition, no device's clock."""
        self._routes.forget()

    @property
    def devices(self) -> int:
        """How many devices are remembered (bounded)."""
        return self._routes.devices

    def _read_one(self, delivery: Delivery, mark: int, pending: list[_Pending]) -> Taken:
        route = self._routes.find(delivery.topic)
        if route is None:
            return Taken(delivery, mark, COLLECTOR_FAMILY, outcome="")
        who: Misfit | TopicParts = route if isinstance(route, Misfit) else route.parts
        taken = Taken(delivery, mark, who.family, who.device or None)
        if not delivery.retain:
            known = delivery.dup and self._redelivery.is_known(mark)
            self._redelivery.take(mark)
            if known:
                taken.outcome = "duplicate"
                return taken
        if isinstance(route, Misfit):
            taken.outcome = "retained" if delivery.retain else "quarantined"
            taken.refusals = (route.refusal,)
            return taken
        try:
            self._decode(taken, route, pending)
        except RefusedError as error:
            taken.outcome = "quarantined"
            taken.refusals = (error.refusal(),)
            taken.device = taken.device or error.device
        except Exception as error:  # noqa: BLE001  the boundary: a payload that we stumble over is kept for us to look at
            taken.outcome = "quarantined"
            taken.refusals = (Refusal(Reason.FAULT, f"our own error while reading it: {error!r}"[:400]),)
        return taken

    def _decode(self, taken: Taken, route: Route, pending: list[_Pending]) -> None:
        delivery = taken.delivery
        if route.parts.channel == "status":
            online = decode_status(delivery.payload)
            taken.outcome = "retained" if delivery.retain else "stored"
            taken.news = DeviceStatus(route.parts.family, route.parts.device, delivery.arrival, online, delivery.retain)
            return
        if delivery.retain:
            taken.outcome = "retained"
            return
        taken.dialect = route.reader.dialect
        decode: Callable[[bytes], Fields | EventFields] = decode_event if route.parts.channel == "event" else route.reader.decode
        fields = decode(delivery.payload)
        if not route.parts.device and isinstance(fields, Fields) and fields.device:
            route = self._routes.to(route.reader, fields.device)
            taken.device = fields.device
        if _came_twice(delivery, route, fields):
            taken.outcome = "duplicate"
            return
        self._time(taken, route, fields, pending)

    def _time(self, taken: Taken, route: Route, fields: Fields | EventFields, pending: list[_Pending]) -> None:
        """Its time, and with it its news; what a later message of the batch may move waits in `pending`, and all that follows behind it."""
        delivery, device = taken.delivery, route.device
        if fields.ts is not None and not _waited(delivery):
            offset = device.clock.observe(delivery.arrival - fields.ts, delivery.arrival, route.reader.rules.cadence)
            if offset is not None:
                taken.clock = ClockOffset(route.parts.family, route.parts.device, offset, delivery.arrival)
        timed = self._judge(fields.ts, delivery, route)
        taken.refusals = fields.refusals
        taken.clock_corrected = timed.corrected
        if isinstance(fields, Fields):
            taken.unmapped = fields.unmapped
        if pending or timed.assigned or delivery.dup:
            pending.append(_Pending(taken, route, fields, timed))
        else:
            taken.news = self._news(taken, route, fields, timed)

    @staticmethod
    def _judge(ts: int | None, delivery: Delivery, route: Route) -> Timed:
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

    def _news(self, taken: Taken, route: Route, fields: Fields | EventFields, timed: Timed) -> Sample | DeviceEvent:
        parts, device, delivery = route.parts, route.device, taken.delivery
        if isinstance(fields, EventFields):
            if timed.ts > device.newest_event:
                device.newest_event = timed.ts
                taken.fresh = device.own_events
            return DeviceEvent(parts.family, parts.device, timed.ts, delivery.arrival, fields.name, fields.body, timed.lag_ms, timed.live)
        values = fields.values
        if timed.ts > device.newest:
            device.newest = timed.ts
            taken.fresh = device.own_samples
        elif device.last is not None and device.last[0] == timed.ts:
            pairs = list(zip(device.last[1], values, strict=True))
            taken.overwritten = any(new is not None and old is not None and new != old for old, new in pairs)
            values = tuple(old if new is None else new for old, new in pairs)
        device.last = (timed.ts, values)
        heard = not _waited(delivery)
        return Sample(
            parts.family, parts.device, timed.ts, delivery.arrival, fields.values, timed.lag_ms, timed.live, fields.refused, heard
        )


def _came_twice(delivery: Delivery, route: Route, fields: Fields | EventFields) -> bool:
    """Whether the device said the same before; without a time or a count of its own nobody can tell."""
    if fields.ts is None and not fields.has_seq:
        return False
    named = fields.key if isinstance(fields, Fields) else None
    if named is not None:
        return route.device.recent.seen(named, delivery.arrival)
    return route.device.recent.seen(hash((route.parts.channel, delivery.payload)), delivery.arrival, fields.ts)


def _waited(delivery: Delivery) -> bool:
    """Whether it waited at the broker while we were away."""
    return delivery.backlog or delivery.dup
