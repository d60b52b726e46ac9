"""Which messages are looked at for schema drift: the first ones of a device or firmware, whatever is odd, and one now and then."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from collectors.drift import MESSAGES, DriftTracker, Observation
from collectors.ingest import Taken
from collectors.lenient import Json, RefusedError, convert, parse_object
from ioc.domain.drift import NATIVE, Drift
from ioc.domain.family import Family, MetricType
from ioc.domain.payload_path import look_up, parse_path
from ioc.domain.sample import DeviceStatus, Reason, Sample

LOOKS = 6
"""Messages of a new device or firmware that are looked at."""
EVERY_MS = 3_600_000
"""Later on one in so long, and the first MESSAGES that are odd in a way of their own."""
MOST_ODD = 8
MOST_DEVICES = 100_000
MAX_SAMPLE = 512
_MAX_FIRMWARE = 64
_UNREADABLE = (Reason.NO_USABLE_FIELD, Reason.NO_KNOWN_METRIC)
_GOT = re.compile(r", got (\w+)")
"""How the lenient path words what stood in a field's place."""
_JSON = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_DECLARED = {
    MetricType.BOOL: "boolean",
    MetricType.INT: "number",
    MetricType.FLOAT: "number",
    MetricType.STRING: "string",
    MetricType.ENUM: "string",
}


class _Told(msgspec.Struct):
    family: str
    firmware_at: int
    """Where among its values a device tells its firmware; -1 = nowhere."""
    firmware: str = ""
    left: int = LOOKS
    due: int = 0
    odd: dict[object, int] = msgspec.field(default_factory=dict)
    """How often it was odd in which way."""


class DriftWatch:
    """Hands a tracker what is worth a look; most messages cost it a few comparisons."""

    def __init__(self, tracker: DriftTracker, families: Mapping[str, Family]) -> None:
        self._tracker = tracker
        self._families = families
        self._types = {name: [(one.name, _DECLARED[one.type]) for one in family.metrics] for name, family in families.items()}
        self._told: dict[str | None, _Told] = {}
        self.news: list[Drift] = []
        """Raised and not yet told to anybody."""

    def note(self, batch: Iterable[Taken]) -> None:
        """Looks at a batch."""
        seen: list[Observation] = []
        get = self._told.get
        for taken in batch:
            told, news = get(taken.device), taken.news
            if (
                told is not None
                and taken.delivery.arrival < told.due
                and type(news) is Sample
                and not taken.unmapped
                and not taken.refusals
                and told.family == taken.family
                and (told.firmware_at < 0 or (firmware := news.values[told.firmware_at]) is None or firmware == told.firmware)
            ):
                continue
            observation = None if taken.device is None else self._look(taken, taken.device)
            if observation is not None:
                seen.append(observation)
        if seen:
            self.news += self._tracker.observe(seen)

    def _look(self, taken: Taken, device: str) -> Observation | None:
        family = self._families.get(taken.family)
        if family is None:
            return None
        told = self._known(device, family)
        news = taken.news
        if isinstance(news, DeviceStatus):
            if news.online:
                _update(told, _object(taken).get("fw"))
            return None
        if isinstance(news, Sample):
            if not news.live:
                return None
            _update(told, None if told.firmware_at < 0 else news.values[told.firmware_at])
        elif not any(refusal.reason in _UNREADABLE for refusal in taken.refusals):
            return None
        oddity = (taken.unmapped, tuple((refusal.field, refusal.reason) for refusal in taken.refusals))
        often = told.odd.get(oddity, 0)
        if told.left <= 0 and taken.delivery.arrival < told.due and often >= MESSAGES:
            return None
        if len(told.odd) >= MOST_ODD:
            told.odd.clear()
        told.odd[oddity] = often + 1
        told.left -= 1
        told.due = 0 if told.left > 0 else taken.delivery.arrival + EVERY_MS
        fields = self._fields(taken, family)
        sample = taken.delivery.payload[:MAX_SAMPLE].decode(errors="backslashreplace")
        undeclared = frozenset(field for field in fields if field not in family.index)
        dialect = taken.dialect or NATIVE
        return Observation(
            taken.delivery.arrival, family.family, dialect, device, told.firmware, tuple(sorted(fields.items())), undeclared, sample
        )

    def _fields(self, taken: Taken, family: Family) -> dict[str, str]:
        """Field → JSON type of what the message tells; what was understood has the declared type."""
        fields: dict[str, str] = {}
        if isinstance(taken.news, Sample):
            said = zip(self._types[family.family], taken.news.values, strict=True)
            fields = {name: kind for (name, kind), value in said if value is not None}
        if taken.dialect:
            _add_odd_of_dialect(fields, taken, family)
        elif taken.refusals or taken.unmapped:
            _add_odd(fields, taken, family)
        return fields

    def _known(self, device: str, family: Family) -> _Told:
        told = self._told.get(device)
        if told is None or told.family != family.family:
            if len(self._told) >= MOST_DEVICES:
                del self._told[next(iter(self._told))]
            told = self._told[device] = _Told(family.family, family.index.get("fw", -1))
        return told


def _update(told: _Told, firmware: object) -> None:
    if isinstance(firmware, str) and firmware and firmware[:_MAX_FIRMWARE] != told.firmware:
        told.firmware = firmware[:_MAX_FIRMWARE]
        told.left, told.due = LOOKS, 0
        told.odd.clear()


def _object(taken: Taken) -> Json:
    try:
        return parse_object(taken.delivery.payload)
    except RefusedError:
        return {}


def _add_odd_of_dialect(fields: dict[str, str], taken: Taken, family: Family) -> None:
    """A vendor's own keys by their paths; a field of ours that did not fit, with the type that stood in its place."""
    document = _object(taken) if taken.unmapped else {}
    for name in taken.unmapped:
        try:
            value = look_up(document, parse_path(name))
        except ValueError:
            continue
        fields[name] = _JSON.get(type(value), "value")
    for refusal in taken.refusals:
        if refusal.field in family.index:
            said = _GOT.search(refusal.detail) if refusal.reason is Reason.WRONG_TYPE else None
            fields[refusal.field] = said[1] if said else _DECLARED[family.metrics[family.index[refusal.field]].type]


def _add_odd(fields: dict[str, str], taken: Taken, family: Family) -> None:
    """What the message tells beside what was understood."""
    for name, value in _object(taken).items():
        metric = family.index.get(name)
        if name in fields or name in {"ts", "seq"} or value is None:
            continue
        kind = _JSON[type(value)]
        if metric is None:
            if name[:64] in taken.unmapped or not isinstance(taken.news, Sample):
                fields[name[:64]] = kind
            continue
        fields[name] = _DECLARED[family.metrics[metric].type]
        try:
            convert(family.metrics[metric], value)
        except RefusedError as error:
            fields[name] = kind if error.reason is Reason.WRONG_TYPE else fields[name]
