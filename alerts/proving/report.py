"""What a backtest came to: alarms, messages, nights, and how they differ from what was raised live or by other rules."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec

from alerts.message import MessageDocument
from alerts.proving.chronicle import Chronicle
from alerts.proving.history import LiveAlarm
from alerts.proving.matching import match
from ioc.domain.alarm import ENDS, OutboxMessage, Severity, Step

NIGHT_FROM, NIGHT_TO = 22, 6
"""Hours of the site's zone in which a message wakes somebody."""


class Raised(msgspec.Struct, kw_only=True):
    """An alarm as a run raised it; `begin` = when it held so, `told` = when the rules knew, `end` None = it still stood (Unix ms)."""

    id: str
    rule: str
    device: str | None
    unit: str | None
    severity: Severity
    begin: int
    told: int
    end: int | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message as a run sent it; `night` = the date of the evening whose night it fell into, or None."""

    at: int
    channel: str
    event: str
    text: str
    night: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run over a span; the alarms that stood at its beginning are counted, but neither listed nor compared."""

    alarms: Sequence[Raised]
    standing: int
    messages: Sequence[Sent]

    def nights(self) -> dict[str, dict[str, int]]:
        """Night → channel → messages, in order; nights without any are left out."""
        counts = Counter((one.night, one.channel) for one in self.messages if one.night is not None)
        nights: dict[str, dict[str, int]] = {}
        for night, channel in sorted(counts):
            nights.setdefault(night, {})[channel] = counts[night, channel]
        return nights


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What one run raised and another did not, and what both raised at different times."""

    new: Sequence[Raised]
    gone: Sequence[Raised]
    earlier: Sequence[tuple[Raised, Raised]]
    """(before, now)."""
    later: Sequence[tuple[Raised, Raised]]


def report(chronicle: Chronicle, start: int, zone: tzinfo) -> Report:
    """What a run raised and sent from `start` (Unix ms) on."""
    raised: dict[str, Raised] = {}
    for entry in chronicle.transitions:
        if entry.step is Step.RAISED:
            raised[entry.alarm] = Raised(
                id=entry.alarm,
                rule=entry.rule,
                device=entry.device,
                unit=entry.unit,
                severity=entry.severity,
                begin=entry.at,
                told=entry.recorded,
            )
        elif entry.step in ENDS:
            raised[entry.alarm].end = entry.at
    before = [one for one in raised.values() if one.told < start]
    return Report(
        alarms=[one for one in raised.values() if one.told >= start],
        standing=sum(one.end is None or one.end >= start for one in before),
        messages=[_sent(message, zone) for message in chronicle.messages if message.at >= start],
    )


def found_later(reported: Report, live: Iterable[LiveAlarm], start: int, end: int) -> tuple[list[Raised], list[LiveAlarm]]:
    """The devices' alarms that live did not raise (`start` ≤ begin < `end`), and those that only live raised."""
    mine = [one for one in reported.alarms if one.device is not None]
    found = match(mine, live)
    missed = [one for one in found.only_other if one.begin is not None and start <= one.begin < end]
    return list(found.only_one), missed


def difference(old: Report, new: Report) -> Difference:
    """What changes from the old run to the new one."""
    found = match(old.alarms, new.alarms)
    return Difference(
        new=found.only_other,
        gone=found.only_one,
        earlier=[(before, now) for before, now in found.pairs if now.begin < before.begin],
        later=[(before, now) for before, now in found.pairs if now.begin > before.begin],
    )


def night_of(at: int, zone: tzinfo) -> str | None:
    """The date of the evening whose night (22:00–06:00) a moment falls into; None by day."""
    local = datetime.fromtimestamp(at / 1000, zone)
    if local.hour >= NIGHT_FROM:
        return local.date().isoformat()
    return (local.date() - timedelta(days=1)).isoformat() if local.hour < NIGHT_TO else None


def nights_in(start: int, end: int, zone: tzinfo) -> int:
    """How many nights a span touches."""
    evening = datetime.fromtimestamp(start / 1000, zone).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    evening = evening.replace(hour=NIGHT_FROM)
    count = 0
    while evening.timestamp() * 1000 < end:
        morning = (evening + timedelta(days=1)).replace(hour=NIGHT_TO)
        count += morning.timestamp() * 1000 > start
        evening += timedelta(days=1)
    return count


def _sent(message: OutboxMessage, zone: tzinfo) -> Sent:
    text = msgspec.json.decode(message.body, type=MessageDocument).text
    return Sent(at=message.at, channel=message.channel, event=message.event, text=text, night=night_of(message.at, zone))
