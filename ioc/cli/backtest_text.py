"""What a backtest came to, as JSON and for people."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alerts.clock_rules import CLOCK_RULES
from alerts.proving.history import LiveAlarm
from alerts.proving.report import Raised, Report, Sent, difference, found_later, nights_in
from ioc.cli.backtest import Ran, local
from ioc.config.settings import Site
from ioc.domain.rfc3339 import to_rfc3339

SHOWN = 20
"""Alarms of a kind that are listed for people; JSON has all."""
_NOT_TRIED = frozenset(rule.id for rule in CLOCK_RULES)


def backtest_document(ran: Ran) -> dict[str, Any]:
    """The run as JSON; times RFC 3339."""
    [found] = ran.reports
    later, missed = _beside_live(ran)
    return {
        **_head(ran),
        "standing_at_start": found.standing,
        "alarms": [_alarm(one) for one in found.alarms],
        "messages": [_message(one) for one in found.messages],
        "nights": _nights(found),
        "found_later": [_alarm(one) for one in later],
        "only_live": [_live(one) for one in missed],
    }


def backtest_lines(ran: Ran) -> Iterator[str]:
    """The run for people."""
    [found] = ran.reports
    later, missed = _beside_live(ran)
    yield ran.headline
    yield f"{len(found.alarms)} alarms, {len(found.messages)} messages; {found.standing} alarms stood at the beginning."
    counts, of_later, of_missed = (Counter(one.rule for one in some) for some in (found.alarms, later, missed))
    for rule in sorted({*counts, *of_missed}, key=lambda rule: (-counts[rule], rule)):
        devices = len({one.device for one in found.alarms if one.rule == rule})
        beside = f"; found later {of_later[rule]}, only live {of_missed[rule]}" if of_later[rule] or of_missed[rule] else ""
        yield f"  {rule}: {counts[rule]} alarms of {devices} devices{beside}"
    yield from _message_lines(found)
    yield from _listed("Found later: live did not raise them", [_line(one, ran.site) for one in later])
    yield from _listed("Only live: the backtest does not raise them", [_live_line(one, ran.site) for one in missed])


def diff_document(ran: Ran) -> dict[str, Any]:
    """Two runs beside each other as JSON."""
    old, new = ran.reports
    found = difference(old, new)
    return {
        **_head(ran),
        "new": [_alarm(one) for one in found.new],
        "gone": [_alarm(one) for one in found.gone],
        "earlier": [_moved(*pair) for pair in found.earlier],
        "later": [_moved(*pair) for pair in found.later],
        "messages": {"old": len(old.messages), "new": len(new.messages)},
        "nights": {"old": _nights(old), "new": _nights(new), "more_a_night": _more_a_night(ran)},
    }


def diff_lines(ran: Ran) -> Iterator[str]:
    """Two runs beside each other for people."""
    old, new = ran.reports
    found = difference(old, new)
    yield ran.headline
    yield f"Alarms: {len(old.alarms)} before, {len(new.alarms)} now. Messages: {len(old.messages)} before, {len(new.messages)} now."
    yield f"Messages a night (22–06): {_more_a_night(ran):+.1f}."
    yield from _listed("New", [_line(one, ran.site) for one in found.new])
    yield from _listed("Gone", [_line(one, ran.site) for one in found.gone])
    for title, pairs in (("Earlier", found.earlier), ("Later", found.later)):
        yield from _listed(title, [f"{_line(now, ran.site)}, {abs(now.begin - was.begin) // 1000} s" for was, now in pairs])


def _beside_live(ran: Ran) -> tuple[list[Raised], list[LiveAlarm]]:
    later, missed = found_later(ran.reports[0], ran.history.live.values(), ran.span.start, ran.span.end)
    return later, [one for one in missed if one.rule not in _NOT_TRIED]


def _more_a_night(ran: Ran) -> float:
    old, new = (sum(one.night is not None for one in one_report.messages) for one_report in ran.reports)
    return (new - old) / max(1, nights_in(ran.span.start, ran.span.end, ran.site.zone))


def _head(ran: Ran) -> dict[str, Any]:
    return {
        "from": to_rfc3339(ran.span.start),
        "to": to_rfc3339(ran.span.end),
        "devices": ran.devices,
        "samples": ran.history.samples,
        "seconds": round(ran.seconds, 3),
        "times_real_time": round(ran.times_real_time),
    }


def _nights(found: Report) -> dict[str, Mapping[str, int]]:
    return dict(found.nights())


def _message_lines(found: Report) -> Iterator[str]:
    total = Counter(one.channel for one in found.messages)
    if total:
        yield "Messages: " + ", ".join(f"{channel} {count}" for channel, count in sorted(total.items())) + "."
    for night, channels in found.nights().items():
        yield f"  night of {night} (22–06): " + ", ".join(f"{channel} {count}" for channel, count in channels.items())


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title} ({len(lines)}):"
        yield from (f"  {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  … and {len(lines) - SHOWN} more; --json lists all"


def _alarm(one: Raised) -> dict[str, Any]:
    return {
        "id": one.id,
        "rule": one.rule,
        "device": one.device,
        "unit": one.unit,
        "severity": one.severity.value,
        "raised_at": to_rfc3339(one.told),
        "since": to_rfc3339(one.begin),
        "cleared_at": _time(one.end),
    }


def _live(one: LiveAlarm) -> dict[str, Any]:
    keys = {"id": one.id, "rule": one.rule, "device": one.device, "unit": one.unit, "severity": one.severity}
    return {**keys, "since": _time(one.begin), "cleared_at": _time(one.end)}


def _moved(before: Raised, now: Raised) -> dict[str, Any]:
    return {**_alarm(now), "before": to_rfc3339(before.begin)}


def _message(one: Sent) -> dict[str, Any]:
    return {"at": to_rfc3339(one.at), "channel": one.channel, "event": one.event, "night": one.night, "text": one.text}


def _line(one: Raised, site: Site) -> str:
    return f"{local(one.told, site)} {one.rule} {one.device or '-'} ({one.severity.value})"


def _live_line(one: LiveAlarm, site: Site) -> str:
    return f"{local(one.begin or 0, site)} {one.rule} {one.device} ({one.severity})"


def _time(at: int | None) -> str | None:
    return None if at is None else to_rfc3339(at)
