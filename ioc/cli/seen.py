"""What stands at each place of captured payloads: types, ranges, values."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ioc.domain.family import INT64_MAX, MAX_STRING
from ioc.domain.payload_path import MOST_INDEX, MOST_STEPS, Path

MOST_VALUES = 16
"""Different values remembered of each place."""
_SHOWN = 8
MOST_ITEMS = 8
"""Positions of an array that are looked at."""
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?")


@dataclass(slots=True)
class Seen:
    """One place over all messages."""

    count: int = 0
    kinds: set[str] = field(default_factory=set)
    """bool, int, float, string; `odd` for what no metric can hold."""
    low: float = math.inf
    high: float = -math.inf
    values: set[object] = field(default_factory=set)
    all_values: bool = True
    """Whether `values` are all that came."""

    def note(self, value: object) -> None:
        """One more value."""
        self.count += 1
        kind = _kind(value)
        self.kinds.add(kind)
        if kind in {"int", "float"} and isinstance(value, int | float | str):
            number = float(value)
            self.low, self.high = min(self.low, number), max(self.high, number)
        if value in self.values or kind == "odd":
            return
        if len(self.values) < MOST_VALUES:
            self.values.add(value)
        else:
            self.all_values = False

    @property
    def kind(self) -> str:
        """The one type that holds all that came; `odd` where there is none."""
        if self.kinds == {"int"}:
            return "int" if abs(self.low) <= INT64_MAX and abs(self.high) <= INT64_MAX else "float"
        if self.kinds <= {"int", "float"}:
            return "float"
        return next(iter(self.kinds)) if len(self.kinds) == 1 else "odd"

    @property
    def said(self) -> str:
        """What came, for people."""
        if self.all_values and len(self.values) <= _SHOWN:
            text = "seen: " + ", ".join(str(value)[:24] for value in sorted(self.values, key=str))
        elif self.kind in {"int", "float"}:
            text = f"seen: {self.low:g} to {self.high:g}"
        else:
            text = "seen: many texts"
        return "".join(sign if sign.isprintable() else "?" for sign in text)


def leaves(node: object, at: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every plain value of a document with its place; nulls and what lies too deep are left out."""
    inside: Iterable[tuple[str | int, object]]
    if isinstance(node, dict):
        inside = node.items()
    elif isinstance(node, list):
        inside = enumerate(node[: min(MOST_ITEMS, MOST_INDEX)])
    else:
        if node is not None:
            yield at, node
        return
    if len(at) < MOST_STEPS:
        for step, below in inside:
            if step != "":
                yield from leaves(below, (*at, step))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float" if math.isfinite(value) else "odd"
    if not isinstance(value, str) or len(value) > MAX_STRING or any("\ud800" <= sign <= "\udfff" for sign in value):
        return "odd"
    number = _NUMBER.fullmatch(value)
    return "string" if number is None else "float" if number[2] else "int"
