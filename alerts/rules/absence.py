"""Nothing has been heard of the device for longer than its family allows."""

from collections.abc import Iterator
from typing import Literal

from alerts.rules.condition import OFFLINE, Compiled, Condition, Fault, Path, Sides, Values
from ioc.domain.family import Family


class Absence(Condition):
    """Holds while the device is offline; the engine decides it by changes of liveness, never by samples."""

    kind: Literal["absence"]

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:  # noqa: ARG002  every family has a cadence
        """It stands alone, or in a group: of a silent device no value is known."""
        if path != ("when",) and "of" not in path:
            yield Fault(path, "`absence` can't be combined: of a silent device no value is known", "make it a rule of its own")

    def compiled(self, family: Family, path: Path) -> Compiled:  # noqa: ARG002  it remembers nothing
        """A test that no sample decides; in a group whether a member is offline."""
        position = family.index.get(OFFLINE)
        if position is not None:
            return Compiled(holds=lambda values, _on, _event: bool(values[position]))

        def untold(_values: Values, _on: Sides, _event: str | None) -> bool | None:
            return None

        return Compiled(holds=untold)
