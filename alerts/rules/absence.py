"""Nothing has been heard of the device for longer than its family allows."""

from collections.abc import Iterator
from typing import Literal

from alerts.rules.condition import Compiled, Condition, Fault, Path, Sides, Values
from ioc.domain.family import Family


class Absence(Condition):
    """Holds while the device is offline; the engine decides it by changes of liveness, never by samples."""

    kind: Literal["absence"]

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:  # noqa: ARG002  every family has a cadence
        """It stands alone: of a silent device no value is known."""
        if path != ("when",):
            yield Fault(path, "`absence` can't be combined: of a silent device no value is known", "make it a rule of its own")

    def compiled(self, family: Family, path: Path) -> Compiled:  # noqa: ARG002  no sample decides it
        """A test that no sample decides."""

        def untold(_values: Values, _on: Sides, _event: str | None) -> bool | None:
            return None

        return Compiled(holds=untold)
