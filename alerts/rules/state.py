"""A named state, a text, a yes or no, or a whole number that is, is not, or is one of some values."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from alerts.rules.condition import Compiled, Condition, Fault, Need, Path, Sides, Values, metric_faults, metric_of, unknown
from ioc.domain.family import Family, Metric, MetricType
from ioc.domain.sample import Value

_TRUTH = {"true": 1, "yes": 1, "on": 1, "1": 1, "false": 0, "no": 0, "off": 0, "0": 0}


class State(Condition):
    """Holds while the metric has (or has not) one of the values."""

    kind: Literal["state"]
    metric: str
    is_: str | None = Field(default=None, alias="is")
    is_not: str | None = None
    in_: tuple[str, ...] | None = Field(default=None, alias="in")

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        if sum(given is not None for given in (self.is_, self.is_not, self.in_)) != 1:
            msg = "a state needs `is`, `is_not` or `in`; write exactly one of them"
            raise ValueError(msg)
        if self.in_ == ():
            msg = "`in` lists no values; write some, for example [held, suspended]"
            raise ValueError(msg)
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric that is compared."""
        return (self.metric,)

    @property
    def wanted(self) -> tuple[tuple[Path, str], ...]:
        """Each value named, with the place where it stands."""
        if self.in_ is not None:
            return tuple((("in", position), value) for position, value in enumerate(self.in_))
        key, value = ("is", self.is_) if self.is_ is not None else ("is_not", self.is_not)
        return (((key,), value or ""),)

    def faults(self, family: Family, path: Path) -> Iterator[Fault]:
        """No such metric, a metric without states, no such value, all values of an enum."""
        if self.metric not in family.index:
            yield from metric_faults(family, self.metric, path)
            return
        _, metric = metric_of(family, self.metric)
        if metric.type is MetricType.FLOAT:
            yield Fault((*path, "metric"), f"metric `{self.metric}` is a float, which has no states", "use kind `threshold`")
            return
        wrong = [Fault((*path, *place), *complaint) for place, value in self.wanted if (complaint := _complaint(metric, value)) is not None]
        yield from wrong
        if not wrong and self.in_ is not None and metric.type is MetricType.ENUM and set(self.in_) == set(metric.values):
            yield Fault((*path, "in"), f"all values of `{self.metric}` are listed: it always holds", "leave some out")

    def compiled(self, family: Family, path: Path) -> Compiled:  # noqa: ARG002  it remembers nothing
        """Compares the value at the metric's position."""
        position, metric = metric_of(family, self.metric)
        wanted = frozenset(_value(metric, value) for _, value in self.wanted)
        only = next(iter(wanted)) if len(wanted) == 1 else None

        def equals(values: Values, _on: Sides, _event: str | None) -> bool | None:
            value = values[position]
            return None if value is None else value == only

        def differs(values: Values, _on: Sides, _event: str | None) -> bool | None:
            value = values[position]
            return None if value is None else value != only

        def among(values: Values, _on: Sides, _event: str | None) -> bool | None:
            value = values[position]
            return None if value is None else value in wanted

        if self.is_not is not None:
            return Compiled(holds=differs)
        return Compiled(holds=among if only is None else equals, needs=((Need(position=position, among=wanted),),))


def _complaint(metric: Metric, text: str) -> tuple[str, str] | None:
    if metric.type is MetricType.ENUM and text not in metric.values:
        return unknown(f"value of `{metric.name}`", text, metric.values)
    if metric.type is MetricType.BOOL and text.casefold() not in _TRUTH:
        return f"`{text}` is not a value of `{metric.name}`, which is true or false", "write true or false"
    if metric.type is MetricType.INT:
        try:
            number = int(text)
        except ValueError:
            return f"`{text}` is not a whole number, as `{metric.name}` is", "write a whole number, or use kind `threshold`"
        if not metric.in_range(number):
            return f"`{metric.name}` never is {number}: its range excludes it", "write a value within its range"
    return None


def _value(metric: Metric, text: str) -> Value:
    if metric.type is MetricType.BOOL:
        return _TRUTH[text.casefold()]
    return int(text) if metric.type is MetricType.INT else text
