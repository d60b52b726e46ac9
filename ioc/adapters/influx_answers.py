"""What InfluxDB means by its answer to a write: which lines or fields it refused, in its own words."""

import re
from collections.abc import Iterable

import msgspec

from ioc.domain.point import FieldValue, Point

_CONFLICT = re.compile(r"input field (?P<field>.+?) on measurement (?P<measurement>.+?) is type (?P<type>\w+), already exists as type \w+")
_BEYOND = re.compile(r"dropped (\d+) points? outside retention policy")
_UNREADABLE = "unable to parse '"
_REASON = "': "


class FieldConflict(msgspec.Struct, frozen=True):
    """A field that the store knows with another type; every value of type `type` is refused in that shard."""

    measurement: str
    field: str
    type: str
    detail: str

    def concerns(self, point: Point) -> bool:
        """Whether the point carries the field with the refused type."""
        return point.measurement == self.measurement and type_name(point.fields.get(self.field)) == self.type


def type_name(value: FieldValue | None) -> str:
    """InfluxDB's name for a value's type, empty for none."""
    if isinstance(value, float):
        return "float"
    if isinstance(value, int):
        return "integer"
    return "string" if isinstance(value, str) else ""


def field_conflict(message: str, points: Iterable[Point]) -> FieldConflict | None:
    """The conflict that a 422 names, if it is one of these points'.

    Names are quoted as Go does, so ours are found by comparing, not by undoing the quotes.
    """
    named = _CONFLICT.search(message)
    if named is None:
        return None
    for point in points:
        if not _same(named["measurement"], point.measurement):
            continue
        for name, value in point.fields.items():
            if _same(named["field"], name) and type_name(value) == named["type"]:
                return FieldConflict(point.measurement, name, named["type"], named[0])
    return None


def _same(quoted: str, name: str) -> bool:
    return quoted == f'"{name}"' or quoted.replace(r"\"", '"').replace("\\\\", "\\") == f'"{name}"'


def beyond_retention(message: str) -> int:
    """How many points a 422 says were older than the store keeps."""
    told = _BEYOND.search(message)
    return int(told[1]) if told else 0


def unreadable_lines(message: str, lines: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Index → reason of the lines that a 400 quotes in full."""
    quoted = message.split(_UNREADABLE)[1:]
    if not quoted:
        return {}
    indexes: dict[str, list[int]] = {}
    for index, line in lines:
        indexes.setdefault(line, []).append(index)
    refused: dict[int, str] = {}
    for quote in quoted:
        end = quote.rfind(_REASON)
        while end >= 0 and quote[:end] not in indexes:
            end = quote.rfind(_REASON, 0, end)
        if end >= 0:
            refused |= dict.fromkeys(indexes[quote[:end]], quote[end + len(_REASON) :].strip())
    return refused
