"""The points we write about ourselves and our judgements: availability, alarm, unit_status, ledger."""

from collections.abc import Callable, Iterable, Mapping, Sequence

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
    return Point.of("availability", tags(device=device, unit=unit), fields, at)


def alarm_points(transitions: Iterable[Transition], alarms: Mapping[str, Alarm]) -> list[Point]:
    """One point a journal entry, at the time of what it tells; `alarms`: every alarm they touch, as it stands after them."""
    return _points(
        transitions, lambda entry: entry.step is Step.ACKNOWLEDGED or (entry.alarm in alarms and alarms[entry.alarm].acknowledged)
    )


def retold_alarm_points(journal: Sequence[Transition], open_alarms: Mapping[str, Alarm]) -> list[Point]:
    """The same points for the journal's last entries, long after; `open_alarms`: all that are not cleared and acknowledged."""
    acknowledged: dict[str, int] = {}
    for entry in journal:
        if entry.step is Step.ACKNOWLEDGED:
            acknowledged.setdefault(entry.alarm, entry.seq)

    def acked(entry: Transition) -> bool:
        since = acknowledged.get(entry.alarm)
        if since is not None:
            return entry.seq >= since
        return entry.alarm not in open_alarms or open_alarms[entry.alarm].acknowledged

    return _points(journal, acked)


def _points(transitions: Iterable[Transition], acked: Callable[[Transition], bool]) -> list[Point]:
    points: dict[tuple[tuple[tuple[str, str], ...], int], Point] = {}
    for entry in transitions:
        fields: dict[str, FieldValue] = {
            "id": entry.alarm,
            "transition": entry.step.value,
            "acked": int(acked(entry)),
            "by": entry.by,
        }
        labels = tags(device=entry.device, unit=entry.unit, rule=entry.rule, severity=entry.severity.value)
        at = entry.at
        while (labels, at) in points:  # raised and cleared at one moment: neither may hide the other
            at += 1
        points[labels, at] = Point.of("alarm", labels, fields, at)
    return list(points.values())


def unit_status_points(units: Iterable[UnitView], at: int) -> list[Point]:
    """Each unit's counts by family."""
    return [
        Point.of("unit_status", tags(unit=view.unit, family=family), dict(msgspec.structs.asdict(counts)), at)
        for view in units
        for family, counts in view.families.items()
    ]


def ledger_point(family: str, collector: str, minute: int, terms: LedgerTerms) -> Point:
    """One minute of the ledger."""
    return Point.of("ledger", tags(family=family, collector=collector), dict(msgspec.structs.asdict(terms)), minute)
