"""A number above or below a limit; a second limit on the way back keeps it from flapping."""

from collections.abc import Iterator
from typing import Literal

from alerts.rules.condition import Compiled, Fault, Path, metric_faults, metric_of
from alerts.rules.limits import Limits
from ioc.domain.family import Family


class Threshold(Limits):
    """Compares what holds now."""

    kind: Literal["threshold"]
    metric: str

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric that is compared."""
        return (self.metric,)

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such metric, not a number, the clear limit on the wrong side, never or always true."""
        if self.metric not in family.index:
            yield from metric_faults(family, self.metric, path)
            return
        _, metric = metric_of(family, self.metric)
        if not metric.is_number:
            do = "use kind `state`" if metric.type != "string" else "a text has no limits; use kind `state`"
            yield Fault((*path, "metric"), f"metric `{self.metric}` is a {metric.type.value}, not a number", do)
            return
        yield from self.wrong_side(path)
        yield from self.out_of_range(metric, path)

    def compiled(self, family: Family, path: Path) -> Compiled:
        """Compares the value at the metric's position."""
        return self.compared(family.index[self.metric], path)
