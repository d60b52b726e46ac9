"""Silences, as the API shows and takes them."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec

from ioc.domain.alarm import Severity
from ioc.domain.alarm_document import Instant
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.silence import Hidden, Silence, SilenceKind, Weekly, clock_text
from ioc.domain.weekday import WEEKDAYS, Weekday

DayTime = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day in the site's zone, such as `22:00`."""

DayName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A name of the site's calendar, such as `tet`."""
MOST_NAMES = 50
DIGEST_MOST = 1_000
"""Alarms that a digest lists."""


class WeeklyDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Hours that come back every week, in the site's zone; where `to` is not after `from` they end on the next day."""

    days: Annotated[list[Weekday], msgspec.Meta(min_length=1, max_length=7)]
    """On which they begin."""
    from_: DayTime = msgspec.field(name="from")
    to: DayTime
    only_on: Annotated[list[DayName], msgspec.Meta(max_length=MOST_NAMES)] = []
    """Names of the site's calendar: they begin on these days only."""
    except_on: Annotated[list[DayName], msgspec.Meta(max_length=MOST_NAMES)] = []
    """Names of the site's calendar: they don't begin on these days."""


def weekly_document(weekly: Weekly) -> WeeklyDocument:
    """The document of weekly hours."""
    return WeeklyDocument(
        days=[WEEKDAYS[day - 1] for day in weekly.days],
        from_=clock_text(weekly.start),
        to=clock_text(weekly.end),
        only_on=list(weekly.only_on),
        except_on=list(weekly.except_on),
    )


def weekly_of(document: WeeklyDocument) -> Weekly:
    """What a document says."""
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (document.from_, document.to))
    return Weekly(
        days=tuple(sorted({WEEKDAYS.index(day) + 1 for day in document.days})),
        start=start,
        end=end,
        only_on=tuple(dict.fromkeys(document.only_on)),
        except_on=tuple(dict.fromkeys(document.except_on)),
    )


class SilenceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Notifications held back: of alarms that match every field that is not null."""

    id: str
    rule: str | None
    severity: str | None
    family: str | None
    device: str | None
    unit: str | None
    since: Instant
    until: Instant
    reason: str
    by: str
    created_at: Instant
    weekly: WeeklyDocument | None
    """Only in these hours; null = all the time."""
    kind: SilenceKind


def silence_document(silence: Silence) -> SilenceDocument:
    """The document of a silence."""
    return SilenceDocument(
        id=silence.id,
        rule=silence.rule,
        severity=silence.severity,
        family=silence.family,
        device=silence.device,
        unit=silence.unit,
        since=to_rfc3339(silence.since),
        until=to_rfc3339(silence.until),
        reason=silence.reason,
        by=silence.by,
        created_at=to_rfc3339(silence.created_at),
        weekly=None if silence.weekly is None else weekly_document(silence.weekly),
        kind=silence.kind,
    )


class HiddenDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm whose first message a silence held back, as it stands now."""

    alarm: str
    rule: str
    severity: Severity
    device: str | None
    unit: str | None
    since: Instant
    held_at: Instant
    cleared_at: Instant | None


class DigestDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a silence has hidden so far: how many alarms, and the first thousand of them."""

    silence: str
    hidden: int
    active: int
    """Those that still stand."""
    by_severity: dict[str, int]
    alarms: list[HiddenDocument]


def digest_document(silence: str, hidden: Sequence[Hidden]) -> DigestDocument:
    """The document of what a silence hid."""
    counted = Counter(one.alarm.severity for one in hidden)
    return DigestDocument(
        silence=silence,
        hidden=len(hidden),
        active=sum(one.alarm.active for one in hidden),
        by_severity={severity.value: counted[severity] for severity in Severity},
        alarms=[_hidden_document(one) for one in hidden[:DIGEST_MOST]],
    )


def _hidden_document(hidden: Hidden) -> HiddenDocument:
    alarm = hidden.alarm
    return HiddenDocument(
        alarm=alarm.id,
        rule=alarm.rule,
        severity=alarm.severity,
        device=alarm.device,
        unit=alarm.unit,
        since=to_rfc3339(alarm.since),
        held_at=to_rfc3339(hidden.at),
        cleared_at=None if alarm.cleared_at is None else to_rfc3339(alarm.cleared_at),
    )
