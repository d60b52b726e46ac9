"""What nobody answers for, as metrics: how many units, and how much of the week to come."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.duty_report import Duty


class DutyMetrics(Collector):
    """Nothing as long as no people are declared."""

    def __init__(self, duty: Duty, *, clock: Callable[[], int]) -> None:
        self._duty = duty
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As of now."""
        if not self._duty.declared:
            return
        report = self._duty.report(self._clock())
        text = "Units that have devices but nobody who answers for them."
        yield GaugeMetricFamily("ioc_duty_uncovered_units", text, value=len(report.uncovered))
        gaps = dict.fromkeys((watch.team for watch in report.teams), 0)
        for gap in report.gaps:
            gaps[gap.team] += gap.end - gap.start
        unmanned = GaugeMetricFamily("ioc_duty_gap_seconds", "Time of the week to come in which nobody is on duty.", labels=["team"])
        for team, ms in gaps.items():
            unmanned.add_metric([team], ms / 1000)
        yield unmanned
