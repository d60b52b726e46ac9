"""Reports of a province that tests make up."""

from collections.abc import Callable, Mapping, Sequence

from alerts.duty_report import DutyReport, Gap, Uncovered, Watch
from alerts.why import Line
from ioc.domain.alarm import Alarm
from ioc.domain.alarm_load import AlarmLoad, alarm_load


class FakeWhy:
    """Two sentences about any alarm that there is, one about any person."""

    def __init__(self, alarms: Mapping[str, Alarm], now: int) -> None:
        self._alarms, self._now = alarms, now

    async def alarm(self, alarm: str, may_see: Callable[[str | None], bool] = lambda _: True) -> Sequence[Line] | None:
        found = self._alarms.get(alarm)
        return None if found is None or not may_see(found.unit) else [Line(self._now, "it was raised"), Line(self._now, "nobody was told")]

    async def person(self, person: str, at: int, around: int, may_see: Callable[[str | None], bool] = lambda _: True) -> Sequence[Line]:
        del may_see
        return [Line(at - around, f"{person} was not called")]


class FakeLoad:
    """Of a site without alarms."""

    async def load(self, start: int, end: int, operators: int, units: frozenset[str] | None = None) -> AlarmLoad:
        del units
        return alarm_load((), (), start=start, end=end, operators=operators)


class FakeDuty:
    """An is on duty for ever; nobody answers for two units."""

    def report(self, at: int, team: str | None = None) -> DutyReport:
        watch = Watch(team="truc-ca", name="Tổ trực ca", people={"an": "Nguyễn Văn An"}, since=None, until=None, override=False)
        return DutyReport(
            at=at,
            teams=(watch,) if team in {None, "truc-ca"} else (),
            uncovered=(Uncovered(unit="04792-2025", devices=3), Uncovered(unit="u9", devices=1)),
            gaps=(Gap(team="truc-ca", start=at, end=at + 1, units=("04792-2025", "u9")),),
        )
