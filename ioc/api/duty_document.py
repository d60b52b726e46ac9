"""Who is on duty and what nobody answers for, as the API and the command line show it. Names, no addresses."""

import msgspec

from alerts.duty_report import DutyReport, Watch
from ioc.domain.alarm_document import Instant
from ioc.domain.rfc3339 import to_rfc3339


class OnDutyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A person on duty."""

    person: str
    name: str


class WatchDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A team's shift: nobody in `people` = nobody is on duty; null = without beginning or end."""

    team: str
    name: str
    people: list[OnDutyDocument]
    since: Instant | None
    until: Instant | None
    override: bool
    """Whether an override says so, not the rotation."""


class GapDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A time within a week in which nobody of a team is on duty, and the units with devices that it answers for."""

    team: str
    start: Instant
    end: Instant
    units: list[str]


class UncoveredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that has devices but nobody who answers for it; null = devices without a unit."""

    unit: str | None
    devices: int


class DutyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on duty at a time, and what is at risk."""

    at: Instant
    complete: bool
    """Whether nothing is at risk."""
    teams: list[WatchDocument]
    uncovered: list[UncoveredDocument]
    gaps: list[GapDocument]


def duty_document(report: DutyReport) -> DutyDocument:
    """The document of a report."""
    return DutyDocument(
        at=to_rfc3339(report.at),
        complete=report.complete,
        teams=[_watch(one) for one in report.teams],
        uncovered=[UncoveredDocument(unit=one.unit, devices=one.devices) for one in report.uncovered],
        gaps=[
            GapDocument(team=one.team, start=to_rfc3339(one.start), end=to_rfc3339(one.end), units=list(one.units)) for one in report.gaps
        ],
    )


def _watch(watch: Watch) -> WatchDocument:
    return WatchDocument(
        team=watch.team,
        name=watch.name,
        people=[OnDutyDocument(person=person, name=name) for person, name in watch.people.items()],
        since=None if watch.since is None else to_rfc3339(watch.since),
        until=None if watch.until is None else to_rfc3339(watch.until),
        override=watch.override,
    )
