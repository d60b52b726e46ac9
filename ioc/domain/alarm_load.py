"""How much a site's alarms ask of its operators, against EEMUA 191 and IEC 62682. Pure; times are Unix milliseconds.

Limits as EEMUA publication 191 (3rd edition) and IEC 62682:2022, table 7, give them for one operator.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from ioc.domain.alarm import Alarm, Severity, Step, Transition

TEN_MINUTES_MS = 600_000
DAY_MS = 86_400_000
FLOOD_FROM, FLOOD_UNTIL = 10, 5
"""A flood begins with more than so many alarms within ten minutes, and ends with the first ten minutes that have fewer than that."""
CHATTERS = 3
"""An alarm that is raised so often within a minute chatters."""
_MINUTE_MS = 60_000
TOP = 10
MEAN_MOST, BUSY_SHARE_MOST, FLOOD_SHARE_MOST, TOP_SHARE_MOST, STANDING_MOST = 1.0, 0.01, 0.01, 0.05, 5


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """A spell in which nobody can look at each alarm."""

    start: int
    end: int
    alarms: int


class Often(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on a device, and how often it was raised."""

    rule: str
    device: str | None
    times: int
    share: float
    """Of all alarms, 0 to 1."""
    chatters: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of the standards: `value` should be at most `limit`."""

    measure: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it is kept."""
        return self.value <= self.limit


class AlarmLoad(msgspec.Struct, frozen=True, kw_only=True):
    """A span's alarms."""

    start: int
    end: int
    operators: int
    raised: int
    by_severity: dict[str, int]
    busiest: Flood | None
    """The ten minutes with the most alarms."""
    floods: list[Flood]
    often: list[Often]
    """The TOP of them."""
    standing: list[str]
    """Ids of alarms that had stood for more than a day at the end."""
    acknowledged: int
    acknowledge_median_ms: int | None
    acknowledge_p95_ms: int | None
    findings: list[Finding]


def alarm_load(entries: Iterable[Transition], standing: Iterable[Alarm], *, start: int, end: int, operators: int = 1) -> AlarmLoad:
    """The load of start ≤ recorded < end; `entries`: the journal of that time, `standing`: alarms that had not ended by `end`."""
    known = sorted((one for one in entries if start <= one.recorded < end), key=lambda one: one.seq)
    raised = [one for one in known if one.step is Step.RAISED]
    counts = _ten_minutes([one.recorded for one in raised], start, end)
    floods = _floods(counts, start, operators)
    often = _often(raised)
    old = sorted(one.id for one in standing if one.since < end - DAY_MS)
    waits = sorted(_acknowledgements(known))
    peak = max(range(len(counts)), key=counts.__getitem__) if any(counts) else None
    flooded = sum(flood.end - flood.start for flood in floods)
    findings = [
        Finding(measure="alarms_per_operator_and_10_min", value=_ratio(len(raised), len(counts) * operators), limit=MEAN_MOST),
        Finding(
            measure="share_of_10_min_with_more_than_10",
            value=_ratio(sum(count > FLOOD_FROM * operators for count in counts), len(counts)),
            limit=BUSY_SHARE_MOST,
        ),
        Finding(measure="share_of_time_in_flood", value=_ratio(flooded, end - start), limit=FLOOD_SHARE_MOST),
        *_of_top(often, len(raised)),
        Finding(measure="chattering_alarms", value=sum(one.chatters for one in often), limit=0),
        Finding(measure="standing_for_a_day", value=len(old), limit=STANDING_MOST),
    ]
    return AlarmLoad(
        start=start,
        end=end,
        operators=operators,
        raised=len(raised),
        by_severity={severity.value: sum(one.severity is severity for one in raised) for severity in Severity},
        busiest=None if peak is None else _slot(counts, peak, peak + 1, start),
        floods=floods,
        often=often,
        standing=old,
        acknowledged=len(waits),
        acknowledge_median_ms=round(statistics.median(waits)) if waits else None,
        acknowledge_p95_ms=waits[min(len(waits) - 1, len(waits) * 95 // 100)] if waits else None,
        findings=findings,
    )


def _of_top(often: Sequence[Often], raised: int) -> list[Finding]:
    """Of few alarms ten are always most."""
    share = _ratio(sum(one.times for one in often), raised)
    return [Finding(measure="share_of_top_10", value=share, limit=TOP_SHARE_MOST)] if raised >= TOP / TOP_SHARE_MOST else []


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _ten_minutes(times: Iterable[int], start: int, end: int) -> list[int]:
    counts = [0] * -(-(end - start) // TEN_MINUTES_MS)
    for at in times:
        counts[(at - start) // TEN_MINUTES_MS] += 1
    return counts


def _floods(counts: Sequence[int], start: int, operators: int) -> list[Flood]:
    floods: list[Flood] = []
    began: int | None = None
    for slot, count in enumerate([*counts, 0]):
        if began is None and count > FLOOD_FROM * operators:
            began = slot
        elif began is not None and count < FLOOD_UNTIL * operators:
            floods.append(_slot(counts, began, slot, start))
            began = None
    return floods


def _slot(counts: Sequence[int], first: int, last: int, start: int) -> Flood:
    return Flood(start=start + first * TEN_MINUTES_MS, end=start + last * TEN_MINUTES_MS, alarms=sum(counts[first:last]))


def _often(raised: Sequence[Transition]) -> list[Often]:
    times: dict[tuple[str, str | None], list[int]] = {}
    for one in raised:
        times.setdefault((one.rule, one.device), []).append(one.recorded)
    found = Counter({key: len(at) for key, at in times.items()}).most_common()
    found.sort(key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    return [
        Often(rule=rule, device=device, times=count, share=count / len(raised), chatters=_chatters(times[rule, device]))
        for (rule, device), count in found[:TOP]
    ]


def _chatters(times: Sequence[int]) -> bool:
    return any(later - earlier < _MINUTE_MS for earlier, later in zip(times, times[CHATTERS - 1 :], strict=False))


def _acknowledgements(entries: Iterable[Transition]) -> Iterable[int]:
    """How long after each raise, as we knew it, somebody acknowledged; only what was raised within the span counts."""
    waiting: dict[str, int] = {}
    for one in entries:
        if one.step is Step.RAISED:
            waiting[one.alarm] = one.recorded
        elif one.step is Step.ACKNOWLEDGED and one.alarm in waiting:
            yield one.recorded - waiting.pop(one.alarm)
