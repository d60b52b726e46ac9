"""A silence as somebody asks for it, by the API or the command line."""

import hashlib
from collections.abc import Collection
from typing import Annotated

import msgspec

from ioc.api.handlers.common import Name, Words, given, parse_instant
from ioc.api.problem import ProblemError
from ioc.api.silence_document import WeeklyDocument, weekly_of
from ioc.domain.alarm import Severity
from ioc.domain.alarm_document import Instant
from ioc.domain.nearest import Nearest
from ioc.domain.silence import Silence, SilenceKind

MATCHERS = ("rule", "severity", "family", "device", "unit")
MAX_SILENCE_MS = 366 * 86_400_000


class SilenceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to hold back: alarms that match every given field; at least one. `since` left out = from now on."""

    reason: Words
    until: Instant
    since: Instant | msgspec.UnsetType = msgspec.UNSET
    rule: Name | msgspec.UnsetType = msgspec.UNSET
    severity: Severity | msgspec.UnsetType = msgspec.UNSET
    family: Name | msgspec.UnsetType = msgspec.UNSET
    device: Name | msgspec.UnsetType = msgspec.UNSET
    unit: Name | msgspec.UnsetType = msgspec.UNSET
    weekly: WeeklyDocument | None = None
    """Only in these hours of each week."""
    kind: SilenceKind = SilenceKind.SILENCE


SilenceRequest = Annotated[SilenceBody, msgspec.Meta(extra_json_schema={"anyOf": [{"required": [name]} for name in MATCHERS]})]


def silence_id(body: SilenceBody, *, by: str, now: int) -> str:
    """It follows from what was asked, when and by whom."""
    seed = "\x1f".join((by, str(now), msgspec.json.encode(body).decode()))
    return hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()


def silence_of(body: SilenceBody, *, identity: str, by: str, now: int, created_at: int, calendar: Collection[str]) -> Silence:
    """The silence that was asked for; ProblemError says why there can be none. `calendar`: names of days that the site knows."""
    since = parse_instant(body.since, "since")
    since = now if since is None else since
    until = parse_instant(body.until, "until") or 0
    if until <= max(now, since) or until - since > MAX_SILENCE_MS:
        raise ProblemError(409, "A silence must end after its start, in the future, and last at most 366 days.")
    matchers = {name: given(getattr(body, name)) for name in MATCHERS}
    if not any(matchers.values()):
        raise ProblemError(400, "Name at least one of rule, severity, family, device, unit: a silence of everything is refused.")
    _check_days(body.weekly, calendar)
    return Silence(
        id=identity,
        **matchers,
        since=since,
        until=until,
        reason=body.reason,
        by=by,
        created_at=created_at,
        weekly=None if body.weekly is None else weekly_of(body.weekly),
        kind=body.kind,
    )


def _check_days(weekly: WeeklyDocument | None, calendar: Collection[str]) -> None:
    for name in () if weekly is None else (*weekly.only_on, *weekly.except_on):
        if name not in calendar:
            advice = Nearest(calendar).advice(name) or "declare it in the file that `calendar:` of the main file names."
            raise ProblemError(400, f"There are no days {name!r} in the site's calendar: {advice}")
