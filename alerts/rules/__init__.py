"""The kinds of conditions: one module each; this table is the only place that knows them all."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Discriminator, Tag

from alerts.rules.absence import Absence
from alerts.rules.combination import AllOf, AnyOf, Not
from alerts.rules.condition import Condition, unknown
from alerts.rules.event import Event
from alerts.rules.forecast import Forecast
from alerts.rules.group import Group
from alerts.rules.increase import Increase
from alerts.rules.rate import Rate
from alerts.rules.state import State
from alerts.rules.stuck import Stuck
from alerts.rules.threshold import Threshold
from alerts.rules.window import WindowOf

KINDS: dict[str, type[Condition]] = {
    "threshold": Threshold,
    "state": State,
    "event": Event,
    "absence": Absence,
    "rate": Rate,
    "increase": Increase,
    "window": WindowOf,
    "stuck": Stuck,
    "forecast": Forecast,
    "group": Group,
}
JOINTS = {"all": "all_of", "any": "any_of", "not": "not_of"}


def _readable(data: object) -> object:
    """A mapping with a known kind, or one of all, any, not; ValueError says what to write instead."""
    if isinstance(data, Condition):
        return data
    if not isinstance(data, Mapping):
        msg = "a condition is a mapping; write `kind: …` lines, or one of all, any, not"
        raise ValueError(msg)  # noqa: TRY004  pydantic reports ValueErrors with their place
    if not JOINTS.keys() & data.keys():
        kind = data.get("kind")
        if kind is None:
            msg = f"a condition has no kind; write `kind:` and one of {', '.join(KINDS)}, or one of all, any, not"
            raise ValueError(msg)
        if kind not in KINDS:
            raise ValueError("; ".join(unknown("kind of condition", str(kind), KINDS)))
    return data


def _tag(data: Any) -> str | None:  # noqa: ANN401  whatever a file holds
    if isinstance(data, Condition):
        return next((tag for tag, model in _TAGS.items() if isinstance(data, model)), None)
    joint = next((tag for key, tag in JOINTS.items() if key in data), None)
    return joint or data.get("kind")


AnyCondition: TypeAlias = Annotated[
    Annotated[Threshold, Tag("threshold")]
    | Annotated[State, Tag("state")]
    | Annotated[Event, Tag("event")]
    | Annotated[Absence, Tag("absence")]
    | Annotated[Rate, Tag("rate")]
    | Annotated[Increase, Tag("increase")]
    | Annotated[WindowOf, Tag("window")]
    | Annotated[Stuck, Tag("stuck")]
    | Annotated[Forecast, Tag("forecast")]
    | Annotated[Group, Tag("group")]
    | Annotated[AllOf, Tag("all_of")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[Not, Tag("not_of")],
    Discriminator(_tag),
    BeforeValidator(_readable),
]
"""Any condition that may stand in a rule's `when`."""

_TAGS: dict[str, type[Condition]] = {**KINDS, "all_of": AllOf, "any_of": AnyOf, "not_of": Not}

for _joint in (AllOf, AnyOf, Not, Group):
    _joint.model_rebuild(_types_namespace={"AnyCondition": AnyCondition})
