"""How many devices of a unit, or with the same label, something holds of at once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from alerts.rules.condition import Compiled, Condition, Fault, Path, Sides, Values
from ioc.domain.family import Family

if TYPE_CHECKING:
    from alerts.rules import AnyCondition

UNIT = "unit"


def _amount(text: object) -> str:
    written = str(text).replace(" ", "")
    number = written.removesuffix("%")
    if not number.isdecimal() or not (0 < int(number) <= (100 if written.endswith("%") else 1_000_000)):
        msg = f"{text!r} is no part of a group; write a share such as 30%, or a number of devices"
        raise ValueError(msg)
    return written


class Group(Condition):
    """Holds of each group of at least `min_members` approved devices while `of` holds for `at_least` of them."""

    kind: Literal["group"]
    by: str = Field(default=UNIT, min_length=1, max_length=64)
    """`unit`, or the key of a device's label."""
    at_least: Annotated[str, BeforeValidator(_amount)]
    min_members: int = Field(default=3, ge=1)
    of: "AnyCondition"

    @property
    def share(self) -> float | None:
        """The part of the members that is needed, 0…1; None where a number is."""
        return int(self.at_least.removesuffix("%")) / 100 if self.at_least.endswith("%") else None

    def needed(self, members: int) -> float:
        """The number of devices that is needed of so many."""
        return int(self.at_least) if self.share is None else self.share * members

    def parts(self) -> Iterator[Condition]:
        """Itself and every condition inside it."""
        yield self
        yield from self.of.parts()

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """It stands alone; inside nothing that remembers a side, happens but for a moment, or is a group again."""
        if path != ("when",):
            yield Fault(path, "`group` can't be combined: it is about many devices at once", "make it a rule of its own")
        inner = (*path, "of")
        yield from self.of.faults(family, inner)
        if any(getattr(part, "has_hysteresis", False) for part in self.of.parts()):
            yield Fault(inner, "a limit with a clear limit can't stand in a `group`", "leave the clear limit out; use `keep_firing_for`")
        if any(getattr(part, "kind", "") == "event" for part in self.of.parts()):
            yield Fault(inner, "an event can't stand in a `group`: it lasts but a moment", "use a state")

    def compiled(self, family: Family, path: Path) -> Compiled:  # noqa: ARG002  no device's sample decides it
        """A test that no single device's sample decides."""

        def untold(_values: Values, _on: Sides, _event: str | None) -> bool | None:
            return None

        return Compiled(holds=untold, needs=())
