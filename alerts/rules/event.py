"""A named happening that the device reports."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from alerts.rules.condition import Compiled, Condition, Fault, Path, Sides, Values
from ioc.domain.family import Family


class Event(Condition):
    """Holds at the moment of the event only; the rule's `keep_firing_for` prolongs it."""

    kind: Literal["event"]
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:  # noqa: ARG002  any event may come from any family
        """None: families don't declare their events."""
        return iter(())

    def compiled(self, family: Family, path: Path) -> Compiled:  # noqa: ARG002  it looks at no metric and remembers nothing
        """Compares the event's name."""
        name = self.name

        def happens(_values: Values, _on: Sides, event: str | None) -> bool | None:
            return event == name

        return Compiled(holds=happens, needs=((),))
