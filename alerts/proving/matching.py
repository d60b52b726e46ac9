"""Which alarm of one run is the same as which of another: same rule and device, at overlapping times."""

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

TOLERANCE_MS = 60_000
"""Two spells this far apart still are one: live decisions come by arrivals, a backtest's by the devices' times."""
_END = 2**62


class Spell(Protocol):
    """An alarm from its beginning to its end (None = before, or after, all that is looked at)."""

    @property
    def rule(self) -> str:
        """By which rule."""

    @property
    def device(self) -> str | None:
        """Of which device."""

    @property
    def begin(self) -> int | None:
        """Unix ms."""

    @property
    def end(self) -> int | None:
        """Unix ms."""


One = TypeVar("One", bound=Spell)
Other = TypeVar("Other", bound=Spell)


class Matched(msgspec.Struct, Generic[One, Other], frozen=True):
    """Pairs, and what has no partner; all in the order of their beginnings."""

    pairs: Sequence[tuple[One, Other]]
    only_one: Sequence[One]
    only_other: Sequence[Other]


def match(ones: Iterable[One], others: Iterable[Other]) -> Matched[One, Other]:
    """Each spell with the first of the other side that it overlaps with and that has no partner yet."""
    waiting: dict[tuple[str, str | None], list[Other]] = {}
    for other in sorted(others, key=_begin):
        waiting.setdefault((other.rule, other.device), []).append(other)
    pairs: list[tuple[One, Other]] = []
    alone: list[One] = []
    for one in sorted(ones, key=_begin):
        among = waiting.get((one.rule, one.device), [])
        partner = next((other for other in among if _overlap(one, other)), None)
        if partner is None:
            alone.append(one)
        else:
            among.remove(partner)
            pairs.append((one, partner))
    return Matched(pairs, alone, sorted((other for left in waiting.values() for other in left), key=_begin))


def _overlap(one: Spell, other: Spell) -> bool:
    return _begin(one)[0] <= _end(other) + TOLERANCE_MS and _begin(other)[0] <= _end(one) + TOLERANCE_MS


def _begin(spell: Spell) -> tuple[int, str, str]:
    return -_END if spell.begin is None else spell.begin, spell.rule, spell.device or ""


def _end(spell: Spell) -> int:
    return _END if spell.end is None else spell.end
