"""The declared model of a rule's `suppressed_while:`: what explains its alarms, so that nobody need be told of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag

from alerts.clock_rules import CLOCK_RULES
from alerts.rules import AnyCondition
from alerts.rules.condition import Condition, Fault, Path, unknown
from alerts.rules.event import Event
from alerts.rules.group import Group
from ioc.domain.family import Family

KEY = "suppressed_while"


class WhileAlarm(BaseModel):
    """While an alarm of the rule `rule` holds on the same device, or anywhere in the same unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    on: Literal["device", "unit"] = "device"


def _readable(data: object) -> object:
    if not isinstance(data, Mapping | WhileAlarm | Condition):
        msg = "it is a mapping; write `rule: …`, or a condition on the device's own values"
        raise ValueError(msg)  # noqa: TRY004  pydantic reports ValueErrors with their place
    return data


def _tag(data: Any) -> str:  # noqa: ANN401  whatever a file holds
    return "alarm" if isinstance(data, WhileAlarm) or (isinstance(data, Mapping) and "rule" in data) else "condition"


SuppressedWhile = Annotated[
    Annotated[WhileAlarm, Tag("alarm")] | Annotated[AnyCondition, Tag("condition")], Discriminator(_tag), BeforeValidator(_readable)
]


def own_faults(guard: WhileAlarm | Condition, family: Family, *, is_group: bool) -> Iterator[Fault]:
    """What is wrong with it for devices of this family, whatever the other rules are."""
    path: Path = (KEY,)
    if isinstance(guard, WhileAlarm):
        if is_group and guard.on == "device":
            yield Fault((*path, "on"), "a rule about a group has no device", "write `on: unit`")
        return
    if is_group:
        yield Fault(path, "a rule about a group has no values of its own", "name another rule: `rule: …` and `on: unit`")
        return
    yield from guard.faults(family, path)
    for part in guard.parts():
        if isinstance(part, Event | Group):
            yield Fault(path, "an event or a group does not hold on one device for a while", "name a rule that watches it: `rule: …`")
        elif _knows(part, family) and part.derived(family) is not None:
            yield Fault(path, "what looks back over a time is not looked at here", "make it a rule of its own, and name that: `rule: …`")


def _knows(part: Condition, family: Family) -> bool:
    return all(name in family.index for name in part.metrics)


def joint_faults(guards: Mapping[str, tuple[str, WhileAlarm]], families: Mapping[str, str]) -> Iterator[tuple[str, Fault]]:
    """What is wrong among rules, with the rule that it is wrong in. `guards`: rule → its family and guard; `families`: of all rules."""
    for_all = [rule.id for rule in CLOCK_RULES]
    for rule, (family, guard) in guards.items():
        if guard.rule not in families and guard.rule not in for_all:
            yield rule, Fault((KEY, "rule"), *unknown("rule", guard.rule, [*families, *for_all]))
        elif guard.on == "device" and families.get(guard.rule, family) != family:
            what = f"the rule `{guard.rule}` is about another family: never about the same device"
            yield rule, Fault((KEY, "rule"), what, "write `on: unit`")
        elif rule in _chain(rule, {one: other.rule for one, (_, other) in guards.items()}):
            what = "the rules suppress each other: nobody would ever be told"
            yield rule, Fault((KEY, "rule"), what, "leave `suppressed_while` out of one of them")


def _chain(rule: str, named: Mapping[str, str]) -> Iterable[str]:
    """What a rule's guard names, what that one's names, and so on; once round a circle at most."""
    seen: dict[str, None] = {}
    while (after := named.get(rule)) is not None and after not in seen:
        seen[after] = None
        rule = after
    return seen
