"""What every kind of condition offers: its declared model, its check against a family, and its compiled test."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from alerts.computed import Computed
from ioc.domain.family import Family, Metric
from ioc.domain.sample import Value

Path = tuple[str | int, ...]
"""Keys and positions that lead from a rule to one of its nodes."""
Values = tuple[Value, ...]
"""What holds now, in the order of the family's metrics; None = not known."""
Sides = frozenset[str]
"""Thresholds with hysteresis that have been crossed and not yet left again."""
NO_SIDES: Sides = frozenset()
OFFLINE = "offline()"
"""What stands after all other values of a group's member: whether it is offline."""

Test = Callable[[Values, Sides, str | None], bool | None]
"""Whether a condition holds, given what holds now and the event that just happened; None = can't be told."""
SidesAfter = Callable[[Values, Sides], Sides]
"""The sides on which the thresholds stand once the whole condition holds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a node of a rule, and what to do about it."""

    path: Path
    what: str
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one metric's value must be: beyond a limit, or one of some values."""

    position: int
    above: float | None = None
    below: float | None = None
    among: frozenset[Value] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A condition as functions."""

    holds: Test
    sides: SidesAfter | None = None
    needs: tuple[tuple[Need, ...], ...] = ()
    """While no threshold has been crossed and nothing happens, it holds only where of each of these one is met; empty = can't be told."""


class History(Protocol):
    """What is remembered of one metric of one device, in the samples' time."""

    value: float | None
    """What it comes to at present; None = not enough has been seen."""

    def take(self, ts: int, value: Value) -> None:
        """The metric's next value; `ts` grows from one to the next."""

    def __len__(self) -> int:
        """Samples that it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A number computed from a metric's recent values; rules that ask for the same one share it."""

    metric: Computed
    source: str
    """The metric that it is computed from."""
    start: Callable[[], History]
    """An empty history for one more device."""
    most: int
    """The most samples that a history holds."""


class Condition(BaseModel):
    """One condition as files write it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """What is wrong with it for devices of this family."""
        raise NotImplementedError

    def compiled(self, family: Family, path: Path) -> Compiled:
        """Its functions; it must be free of faults."""
        raise NotImplementedError

    def derived(self, family: Family) -> Derived | None:  # noqa: ARG002  most look at what holds now only
        """The number that this one node compares, where no device sends it."""
        return None

    def parts(self) -> Iterator["Condition"]:
        """Itself and every condition inside it."""
        yield self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that this one node looks at."""
        return ()


def node_key(path: Path) -> str:
    """The name under which a node's memory is kept: the same after a restart."""
    return ".".join(map(str, path))


def unknown(noun: str, word: str, known: Iterable[str]) -> tuple[str, str]:
    """What is wrong with a misspelt name and what to do: the nearest known one, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=0.6)
    do = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(names)}"
    return f"unknown {noun} `{word}`", do


def metric_faults(family: Family, name: str, path: Path) -> Iterator[Fault]:
    """A fault when the family has no such metric."""
    if name not in family.index:
        what, do = unknown("metric", name, family.index)
        yield Fault((*path, "metric"), f"{what} of family `{family.family}`", do)


def metric_of(family: Family, name: str) -> tuple[int, Metric]:
    """A metric's position in a sample's values and its declaration."""
    position = family.index[name]
    return position, family.metrics[position]
