"""The points we write about ourselves and our judgements: availability, alarm, unit_status, ledger."""

from collections.abc import Iterable, Mapping

import msgspec

from ioc.domain.alarm import Alarm, Step, Transition
from ioc.domain.ledger import LedgerTerms
from ioc.domain.liveness_change import Cause, Liveness
from ioc.domain.point import FieldValue, Point
from ioc.domain.views import UnitView


def tags(**values: str | None) -> tuple[tuple[str, str], ...]:
    """Tags sorted by name, without those that have no value."""
    return tuple(sorted((name, value) for name, value in values.items() if value))


def availability_point(device: str, unit: str | None, *, state: Liveness, cause: Cause, at: int) -> Point:
    """A device's availability at one instant."""
    fields: dict[str, FieldValue] = {"online": int(state is Liveness.ONLINE), "state": state.value, "cause": cause.value}
    return Point("availability", tags(device=device, unit=unit), fields, at)


def alarm_points(transitions: Iterable[Transition], alarms: Mapping[str, Alarm]) -> list[Point]:
    """One point a journal entry, at the time of what it tells.

    Where an alarm ends and the next one of its rule begins in the same millisecond, the later entry's point comes a millisecond
    later: two of one time would be one.
    """
    points = []
    taken: set[tuple[str, str | None, int]] = set()
    for entry in transitions:
        at = entry.at
        while (entry.rule, entry.device, at) in taken:
            at += 1
        taken.add((entry.rule, entry.device, at))
        alarm = alarms.get(entry.alarm)
        acked = entry.step is Step.ACKNOWLEDGED or (alarm is not None and alarm.acknowledged)
        fields: dict[str, FieldValue] = {"id": entry.alarm, "transition": entry.step.value, "acked": int(acked), "by": entry.by}
        labels = tags(device=entry.device, unit=entry.unit, rule=entry.rule, severity=entry.severity.value)
        points.append(Point("alarm", labels, fields, at))
    return points


def unit_status_points(units: Iterable[UnitView], at: int) -> list[Point]:
    """Each unit's counts by family."""
    return [
        Point("unit_status", tags(unit=view.unit, family=family), dict(msgspec.structs.asdict(counts)), at)
        for view in units
        for family, counts in view.families.items()
    ]


def ledger_point(family: str, collector: str, minute: int, terms: LedgerTerms) -> Point:
    """One minute of the ledger."""
    return Point("ledger", tags(family=family, collector=collector), dict(msgspec.structs.asdict(terms)), minute)
