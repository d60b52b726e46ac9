"""What the families make of captured messages, as people see it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from collectors.delivery import Delivery
from collectors.ingest import Ingest, Taken
from collectors.redelivery import RedeliveryMemory
from ioc.app.clock import now_ms
from ioc.cli.captured import Captured
from ioc.cli.output import printable
from ioc.domain.family import Family
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.sample import DeviceEvent, DeviceStatus, Sample

_OLDEST_MS = 1_420_070_400_000
"""2015: a time before it was read in a wrong unit, or comes from a clock that was never set."""
_AHEAD_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One message and what became of it."""

    place: str
    topic: str
    family: str
    device: str | None
    outcome: str
    ts: int | None
    """What the device itself told, Unix ms."""
    values: Mapping[str, Any]
    units: Mapping[str, str]
    refusals: tuple[tuple[str | None, str, str], ...]
    """(field or None, reason, detail)."""
    unmapped: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing of it was refused."""
        return self.outcome != "quarantined" and not self.refusals

    def lines(self) -> list[str]:
        """As people read it."""
        mark = "ok" if self.fits else "WRONG"
        when = "" if self.outcome != "stored" else "no time of its own, " if self.ts is None else f"{to_rfc3339(self.ts)}, "
        head = f"{mark:<6} {self.place}: {self.topic} → {self.family} {self.device or '(no device)'}, {when}{self.outcome}"
        shown = [f"         {name} = {value}{_unit(self.units.get(name))}" for name, value in self.values.items()]
        refused = [f"         refused {field or 'the message'}: {detail} ({reason})" for field, reason, detail in self.refusals]
        left = [f"         unmapped: {', '.join(self.unmapped)}"] if self.unmapped else []
        return [printable(line) for line in (head, *shown, *refused, *left)]

    def document(self) -> dict[str, Any]:
        """As scripts read it."""
        return {
            "place": self.place,
            "topic": self.topic,
            "family": self.family,
            "device": self.device,
            "outcome": self.outcome,
            "fits": self.fits,
            "ts": None if self.ts is None else to_rfc3339(self.ts),
            "values": dict(self.values),
            "units": {name: self.units[name] for name in self.values if self.units.get(name)},
            "refusals": [{"field": field, "reason": reason, "detail": detail} for field, reason, detail in self.refusals],
            "unmapped": list(self.unmapped),
        }


def read_samples(
    messages: Iterable[Captured], families: Mapping[str, Family], dialects: Collection[str], *, topic_root: str
) -> list[Reading]:
    """Each message as a collector would take it; one that tells no arrival arrives now."""
    reader = Ingest(families, topic_root=topic_root, history_limit=2**62, redelivery=RedeliveryMemory(), dialects=dialects)
    now = now_ms()
    readings = []
    for number, message in enumerate(messages):
        arrival = now if message.arrival is None else message.arrival
        topic = message.topic.encode("utf-8", errors="surrogateescape")
        (taken,) = reader.read([Delivery(topic, message.payload, arrival, number % 65_535 + 1, 1, retain=message.retain)])
        readings.append(_reading(message, taken, families))
    return readings


def _reading(message: Captured, taken: Taken, families: Mapping[str, Family]) -> Reading:
    news, values, ts = taken.news, {}, None
    refusals = [(refusal.field, refusal.reason.value, refusal.detail) for refusal in taken.refusals]
    family = families.get(taken.family)
    if isinstance(news, Sample) and family is not None:
        names = (metric.name for metric in family.metrics)
        values = {name: value for name, value in zip(names, news.values, strict=True) if value is not None}
    elif isinstance(news, DeviceEvent):
        values = {"event": news.name}
    elif isinstance(news, DeviceStatus):
        values = {"online": news.online}
    if isinstance(news, Sample | DeviceEvent) and (news.lag_ms or taken.assigned is None):
        ts = news.arrival - news.lag_ms
        if not _OLDEST_MS <= ts <= news.arrival + _AHEAD_MS:
            refusals.append(("ts", "bad_time", f"{to_rfc3339(min(ts, 2**47))} can't be; check the unit of the time"))
    return Reading(
        place=message.place,
        topic=message.topic,
        family=taken.family,
        device=taken.device,
        outcome=taken.outcome,
        ts=None if ts is None else min(ts, 2**47),
        values=values,
        units={} if family is None else {metric.name: metric.unit for metric in family.metrics},
        refusals=tuple(refusals),
        unmapped=taken.unmapped,
    )


def _unit(unit: str | None) -> str:
    return "" if not unit else unit if unit == "%" else f" {unit}"
