"""The daily report of the alarm load: when it is due, and its text for a phone. Pure; times are Unix ms."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

import msgspec

from alerts.load_plan import LoadReportPlan
from alerts.load_wording import LOAD_WORDS
from alerts.message import Wording, Writer, plain
from alerts.note import note
from alerts.text import number_text
from ioc.domain.alarm import OutboxMessage, Severity, notification_key
from ioc.domain.alarm_load import AlarmLoad, Often

SHOWN = 3
"""Of those that were raised most often."""
_MINUTE_MS = 60_000


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The span start ≤ t < end that a report is about; `date`: the local one on which it ends."""

    date: str
    start: int
    end: int


def last_day(plan: LoadReportPlan, now: int, zone: tzinfo) -> Day:
    """The newest span whose report is due by `now`."""
    local = datetime.fromtimestamp(now / 1000, zone)
    end = local.replace(hour=plan.at // 60, minute=plan.at % 60, second=0, microsecond=0)
    if end > local:
        end -= timedelta(days=1)
    start = end - timedelta(days=1)
    return Day(date=end.date().isoformat(), start=round(start.timestamp() * 1000), end=round(end.timestamp() * 1000))


def report_key(site: str, day: Day) -> str:
    """The idempotency key of a site's report of a day."""
    return notification_key(f"load/{site}/{day.date}", "updated", 1)


def load_report(load: AlarmLoad, plan: LoadReportPlan, *, key: str, now: int, wording: Wording) -> tuple[OutboxMessage, ...]:
    """The report to each of its channels."""
    return note(plan.channels, load_text(load, now=now, wording=wording), key=key, at=now)


def load_text(load: AlarmLoad, *, now: int, wording: Wording) -> str:
    """The numbers of the load in a few short lines."""
    return "\n".join(_lines(load, Writer(wording, now)))


def _lines(load: AlarmLoad, writer: Writer) -> Iterator[str]:
    wording = writer.wording
    words, end = LOAD_WORDS[wording.key], writer.moment(load.end)
    if load.raised:
        names = wording.words.severity
        counts = ", ".join(f"{names[one]}: {load.by_severity[one]}" for one in Severity if load.by_severity.get(one))
        mean = load.findings[0]
        yield words.headline.format(
            end=end,
            n=load.raised,
            counts=words.counts.format(counts=counts),
            mean=number_text(round(mean.value, 2), wording.language),
            limit=number_text(mean.limit, wording.language),
        )
    else:
        yield words.quiet.format(end=end)
    if load.busiest is not None:
        yield words.busiest.format(n=load.busiest.alarms, since=writer.time(load.busiest.start))
    if load.floods:
        flooded = sum(flood.end - flood.start for flood in load.floods)
        yield words.floods.format(n=len(load.floods), minutes=flooded // _MINUTE_MS)
    if load.standing:
        yield words.standing.format(n=len(load.standing))
    if load.acknowledge_median_ms is not None:
        yield words.acknowledged.format(n=load.acknowledged, minutes=-(-load.acknowledge_median_ms // _MINUTE_MS))
    if repeated := [one for one in load.often[:SHOWN] if one.times > 1]:
        yield words.often.format(most="; ".join(_often(one, wording) for one in repeated))
    if load.raised or load.standing:
        yield words.kept.format(kept=sum(one.holds for one in load.findings), of=len(load.findings))


def _often(often: Often, wording: Wording) -> str:
    words = LOAD_WORDS[wording.key]
    device = None if often.device is None else wording.device(often.device)
    name = often.device if device is None else device.name or often.device
    what = plain(" ".join(part for part in (name, often.rule) if part))
    return words.one_often.format(what=what, n=often.times, chatters=words.chatters if often.chatters else "")
