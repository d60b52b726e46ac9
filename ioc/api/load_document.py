"""The alarm-load report, as the API and the command line show it."""

import msgspec

from ioc.domain.alarm_document import Instant
from ioc.domain.alarm_load import AlarmLoad, Flood, Often
from ioc.domain.rfc3339 import to_rfc3339


class FloodDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A spell with many alarms."""

    start: Instant
    end: Instant
    alarms: int


class FindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A measure of EEMUA 191 or IEC 62682, and whether it is kept."""

    measure: str
    value: float
    limit: float
    holds: bool


class LoadDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How much the alarms of a span asked of the operators."""

    start: Instant
    end: Instant
    operators: int
    raised: int
    by_severity: dict[str, int]
    busiest: FloodDocument | None
    floods: list[FloodDocument]
    often: list[Often]
    standing: list[str]
    acknowledged: int
    acknowledge_median_ms: int | None
    acknowledge_p95_ms: int | None
    findings: list[FindingDocument]


def load_document(load: AlarmLoad) -> LoadDocument:
    """The document of a report."""
    return LoadDocument(
        start=to_rfc3339(load.start),
        end=to_rfc3339(load.end),
        operators=load.operators,
        raised=load.raised,
        by_severity=load.by_severity,
        busiest=None if load.busiest is None else _flood(load.busiest),
        floods=[_flood(one) for one in load.floods],
        often=load.often,
        standing=load.standing,
        acknowledged=load.acknowledged,
        acknowledge_median_ms=load.acknowledge_median_ms,
        acknowledge_p95_ms=load.acknowledge_p95_ms,
        findings=[
            FindingDocument(measure=one.measure, value=round(one.value, 4), limit=one.limit, holds=one.holds) for one in load.findings
        ],
    )


def _flood(flood: Flood) -> FloodDocument:
    return FloodDocument(start=to_rfc3339(flood.start), end=to_rfc3339(flood.end), alarms=flood.alarms)
