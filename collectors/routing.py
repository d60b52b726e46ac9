"""Where a topic leads: whose it is, who reads it, and what is remembered of its device. Bounded in devices and topics."""

from collections.abc import Collection, Mapping

import msgspec

from collectors.claims import Claims
from collectors.decode import Decoder, compile_decoder
from collectors.dialect import compile_dialect
from collectors.duplicates import RecentMessages
from collectors.timing import DeviceClock, TimeRules
from ioc.domain.dialect import Dialect
from ioc.domain.family import Family
from ioc.domain.sample import Reason, Refusal, Value
from ioc.domain.topic import CHANNELS, COLLECTOR_FAMILY, TopicParts, is_device_id, parse_topic
from ioc.domain.topic_template import DEVICE_LEVEL

UNKNOWN_FAMILY = "unknown"
"""The ledger's family for what belongs to none."""
EVENTS = "event"
"""The measurement of all families' events."""
MAX_DEVICES = 50_000
MAX_TOPICS = 200_000


class DeviceTrace:
    """What is remembered of one device while its messages come in."""

    __slots__ = ("clock", "last", "newest", "newest_event", "own_events", "own_samples", "recent", "told", "topics")

    def __init__(self, newest: int, *, own_samples: bool = True, own_events: bool = True) -> None:
        self.own_samples, self.own_events = own_samples, own_events
        """Whether nobody else may tell the same."""
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


class FamilyReader:
    """How a family's messages, or a dialect's, are read and timed."""

    def __init__(self, family: Family, history_limit: int, dialect: Dialect | None = None) -> None:
        self.name = family.family
        self.dialect = "" if dialect is None else dialect.id
        self.decode: Decoder = compile_decoder(family) if dialect is None else compile_dialect(family, dialect)
        self.rules = TimeRules(family.cadence, min(family.history, history_limit))


class Route(msgspec.Struct, frozen=True, gc=False):
    """A topic that can be read; `device` in its parts is empty where only the payload tells it."""

    parts: TopicParts
    reader: FamilyReader
    device: DeviceTrace


class Misfit(msgspec.Struct, frozen=True, gc=False):
    """A topic that nothing can be read from; who published there is known as far as the topic tells."""

    refusal: Refusal
    family: str = UNKNOWN_FAMILY
    device: str | None = None


class Routes:
    """One source's topics and devices."""

    def __init__(
        self,
        families: Mapping[str, Family],
        *,
        topic_root: str,
        history_limit: int,
        dialects: Collection[str] = (),
        most: int = MAX_DEVICES,
        told_until: int = 0,
        source: str = "",
        claims: Claims | None = None,
    ) -> None:
        """`dialects`: the ids of those that are listened to. `told_until`: no device told a later time before our start, Unix ms.

        `claims`: shared with the other sources.
        """
        self._source = source
        self._claims = claims or Claims()
        spoken = ((family, dialect) for family in families.values() for dialect in family.dialects if dialect.id in dialects)
        self._dialects = [(dialect.template, FamilyReader(family, history_limit, dialect)) for family, dialect in spoken]
        self._readers = {name: FamilyReader(family, history_limit) for name, family in families.items()}
        self._root = topic_root
        self._devices: dict[tuple[str, str], DeviceTrace] = {}
        self._routes: dict[bytes, Route] = {}
        self._most = most
        self._told_until = told_until

    @property
    def devices(self) -> int:
        """How many devices are remembered."""
        return len(self._devices)

    @property
    def topics(self) -> int:
        """How many topics lead to a device without a second look."""
        return len(self._routes)

    def forget(self) -> None:
        """All devices and topics."""
        self._devices.clear()
        self._routes.clear()

    def find(self, topic: bytes) -> Route | Misfit | None:
        """The topic's route, why there is none, or None for a collector's own topic."""
        known = self._routes.get(topic)
        if known is not None:
            return known
        route = self._find_route(topic)
        if isinstance(route, Route):  # of other topics there may be any number, of any length
            if len(self._routes) >= MAX_TOPICS:
                self._look_again()
            self._routes[topic] = route
            route.device.topics.append(topic)
        return route

    def _look_again(self) -> None:
        self._routes.clear()
        for device in self._devices.values():
            device.topics.clear()

    def _find_route(self, topic: bytes) -> Route | Misfit | None:
        try:
            text = topic.decode()
        except UnicodeDecodeError:
            return Misfit(Refusal(Reason.TOPIC, "the topic is not UTF-8"))
        parts = parse_topic(text, self._root)
        if isinstance(parts, str):
            return self._dialect_route(text) or Misfit(Refusal(Reason.TOPIC, parts))
        if parts.family == COLLECTOR_FAMILY:
            return None
        reader = self._readers.get(parts.family)
        if reader is None:
            detail = f"no family {parts.family!r} is declared; known: {', '.join(self._readers)}"
            return Misfit(Refusal(Reason.UNKNOWN_FAMILY, detail), device=parts.device)
        if parts.channel not in CHANNELS or parts.channel == "cmd":
            refusal = Refusal(Reason.UNKNOWN_CHANNEL, f"channel {parts.channel[:40]!r} is none of telemetry, event, status")
            # What comes on `cmd` is said to the device, not by it.
            return Misfit(refusal, UNKNOWN_FAMILY if parts.channel == "cmd" else parts.family, parts.device)
        return Route(parts, reader, self.device(parts))

    def _dialect_route(self, topic: str) -> Route | Misfit | None:
        """A vendor's topic; its device is empty where only the payload tells it."""
        for template, reader in self._dialects:
            named = template.match(topic)
            if named is None:
                continue
            device = named.get(DEVICE_LEVEL, "")
            if DEVICE_LEVEL in named and not is_device_id(device):
                return Misfit(Refusal(Reason.TOPIC, f"device {device[:80]!r} does not match [A-Za-z0-9._-]{{1,64}}"), reader.name)
            return self.to(reader, device)
        return None

    def to(self, reader: FamilyReader, device: str) -> Route:
        """A dialect's route to a device."""
        parts = TopicParts(reader.name, device, "telemetry")
        return Route(parts, reader, self.device(parts) if device else DeviceTrace(self._told_until))

    def device(self, parts: TopicParts) -> DeviceTrace:
        """What is remembered of a device; the one that came first makes room for a new one."""
        key = (parts.family, parts.device)
        device = self._devices.get(key)
        if device is None:
            if len(self._devices) >= self._most:
                self._forget(*next(iter(self._devices)))
            by = self._source, parts.family
            device = self._devices[key] = DeviceTrace(
                self._told_until,
                own_samples=self._claims.take(parts.family, parts.device, by),
                own_events=self._claims.take(EVENTS, parts.device, by),
            )
        return device

    def _forget(self, family: str, name: str) -> None:
        """The one that came first makes room; its topics too, which would keep it in memory."""
        device = self._devices.pop((family, name))
        self._told_until = max(self._told_until, device.newest, device.newest_event)
        for topic in device.topics:
            self._routes.pop(topic, None)
