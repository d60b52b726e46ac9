"""Which routes take an alarm, and which group it joins there. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from alerts.notify_file import Match, Route
from ioc.domain.alarm import Alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """A route and its identity.

    The identity follows from what it matches and groups by: reordering, or changing times or channels, leaves running groups as they are.
    """

    id: str
    route: Route

    def group_of(self, alarm: Alarm) -> str:
        """The key of the group that the alarm belongs to."""
        return digest(self.id, *(_value(alarm, name) for name in self.route.group_by))


class Policy:
    """The routes in the order of the file."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.plans = tuple(_plans(routes))
        self._by_id = {plan.id: plan for plan in self.plans}

    def plan(self, route_id: str) -> RoutePlan | None:
        """The route of that identity, if the file still has it."""
        return self._by_id.get(route_id)

    def plans_for(self, alarm: Alarm) -> list[RoutePlan]:
        """The routes that take the alarm: the first that matches, further ones where it says `continue`."""
        taken = []
        for plan in self.plans:
            if matches(plan.route.match, alarm):
                taken.append(plan)
                if not plan.route.continue_:
                    break
        return taken


def matches(match: Match, alarm: Alarm) -> bool:
    """Whether the alarm has one of the asked values for every asked key."""
    return (
        (not match.severity or alarm.severity in match.severity)
        and (not match.rule or alarm.rule in match.rule)
        and (not match.family or alarm.family in match.family)
        and (not match.unit or alarm.unit in match.unit)
        and (not match.device or alarm.device in match.device)
        and _labels_match(match.label, alarm.labels)
    )


def digest(*parts: str) -> str:
    """24 hex digits that stand for the parts; unambiguous whatever the parts contain."""
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def _labels_match(pairs: tuple[str, ...], labels: dict[str, str]) -> bool:
    wanted: dict[str, set[str]] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        wanted.setdefault(key, set()).add(value)
    return all(labels.get(key) in values for key, values in wanted.items())


def _value(alarm: Alarm, name: str) -> str:
    match name:
        case "rule" | "unit" | "device" | "severity" | "family":
            value = getattr(alarm, name)
            return "" if value is None else str(value)
        case _:
            return alarm.labels.get(name.removeprefix("label:"), "")


def _plans(routes: Iterable[Route]) -> Iterable[RoutePlan]:
    seen: dict[str, int] = {}
    for route in routes:
        content = digest(route.match.model_dump_json(), *route.group_by)
        copies = seen[content] = seen.get(content, 0) + 1
        yield RoutePlan(id=digest(content, str(copies)), route=route)
