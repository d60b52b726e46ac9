"""What the API needs from the rest of the program; `ioc/app.py` brings the parts together.

Long lists come page by page: `cursor` is the `next` of the page before (None = from the start), and the answer is (items, next).
A cursor that the list has not given raises CursorError. `units` in a filter narrows to these units (None = all): what a technician sees.
Every method may raise UnavailableError, or the domain's StateUnavailableError and StoreUnavailableError: answered with 503.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from alerts.duty_report import DutyReport
from ioc.api.why_document import Sentence
from ioc.domain.alarm import Alarm, Attempt, Transition
from ioc.domain.alarm_load import AlarmLoad
from ioc.domain.drift import Drift
from ioc.domain.family import Family
from ioc.domain.held import Held
from ioc.domain.incident import Incident, IncidentFilter, IncidentMember
from ioc.domain.ledger import LedgerTerms
from ioc.domain.point import SeriesRow
from ioc.domain.principal import Principal
from ioc.domain.quarantined import QuarantineFilter, QuarantineGroup
from ioc.domain.service import ServiceOrder
from ioc.domain.silence import Hidden, Silence
from ioc.domain.state import AlarmFilter, OutboxEntry
from ioc.domain.views import DeviceView, FamilyCounts, UnitView


class ConflictError(Exception):
    """What was asked for does not fit the present state; the text says why, for people."""


class UnavailableError(Exception):
    """What was asked for needs a part that does not work now; the text says which."""


class DeviceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Devices of which every given field holds; `online` is three-valued: state online, offline, unknown."""

    family: str | None = None
    unit: str | None = None
    state: Literal["online", "offline", "unknown"] | None = None
    approved: bool | None = None
    units: frozenset[str] | None = None


class Devices(Protocol):
    """The fleet as it stands now."""

    async def devices(self, which: DeviceFilter, *, after: str | None, limit: int) -> Sequence[DeviceView]:
        """At most `limit` devices by id, ascending; only ids above `after`, where given."""

    async def device(self, device: str) -> DeviceView | None:
        """One device, or None."""

    async def approve(self, device: str, *, unit: str | None, name: str | None, by: str) -> DeviceView | None:
        """Lets a held device take part (idempotent); None = no such device. ConflictError: the unit does not exist."""


class Units(Protocol):
    """Administrative units and what works in them."""

    async def units(self) -> Sequence[UnitView]:
        """Units valid today; each counts the devices attached to itself, not those of units below it."""

    async def totals(self) -> Mapping[str, FamilyCounts]:
        """Family → counts of all approved devices, also of those without a unit."""


class Alarms(Protocol):
    """Alarms, active and cleared, with their journal."""

    async def alarms(self, wanted: AlarmFilter, *, limit: int, cursor: str | None) -> tuple[list[Alarm], str | None]:
        """Newest first."""

    async def alarm(self, alarm: str) -> Alarm | None:
        """One alarm, or None."""

    async def journal(self, alarm: str) -> list[Transition]:
        """An alarm's journal, oldest first."""


class Incidents(Protocol):
    """Mass outages, and which alarms belong to them."""

    async def incidents(self, wanted: IncidentFilter, *, limit: int, cursor: str | None) -> tuple[list[Incident], str | None]:
        """Newest first."""

    async def incident(self, incident: str) -> Incident | None:
        """One incident, or None."""

    async def members(
        self, incident: str, *, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[IncidentMember], str | None]:
        """In the order in which they joined."""

    async def incidents_of(self, alarms: Collection[str]) -> Mapping[str, str]:
        """Alarm → its incident, of those that have one."""


class HeldBack(Protocol):
    """What causes no message of its own now."""

    def held(self) -> Sequence[Held]:
        """Active alarms by id, with what holds each back."""


class AlarmDesk(Protocol):
    """What people do to alarms: committed when the call returns."""

    async def acknowledge(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Idempotent."""

    async def reset(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Takes a latched alarm off the list; ConflictError while its condition holds, or when it does not latch."""

    async def assign(self, alarm: str, *, by: str, to: str) -> Alarm:
        """Gives the alarm to somebody."""

    async def comment(self, alarm: str, *, by: str, comment: str) -> Alarm:
        """Adds a remark to the journal."""

    async def shelve(self, alarm: str, *, by: str, until: int, reason: str) -> Alarm:
        """Takes an alarm off the list until a time; ConflictError when it has cleared."""

    async def unshelve(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Puts it back on the list; idempotent."""


class Silences(Protocol):
    """Notifications held back."""

    async def list(self, *, after: str | None, limit: int) -> Sequence[Silence]:
        """At most `limit` silences by id, ascending, ended ones too while they are kept; only ids above `after`, where given."""

    async def get(self, silence: str) -> Silence | None:
        """One silence, or None."""

    async def put(self, silence: Silence) -> None:
        """Adds it, or replaces the one with its id."""

    async def hidden(self, silence: str) -> Sequence[Hidden]:
        """Alarms whose first message it has held back, the first held back first."""

    async def remove(self, silence: str) -> bool:
        """Whether there was one to remove."""


class Service(Protocol):
    """Devices and units out of service."""

    async def list(self, *, ended: bool, after: str | None, limit: int) -> Sequence[ServiceOrder]:
        """At most `limit` orders by id, ascending; `ended`: those that have ended too; only ids above `after`, where given."""

    async def get(self, order: str) -> ServiceOrder | None:
        """One order, or None."""

    async def take_out(self, *, device: str | None, unit: str | None, until: int | None, reason: str, by: str) -> ServiceOrder:
        """In force when the call returns; an order in force for the same ends."""

    async def give_back(self, order: str, *, by: str, reason: str) -> ServiceOrder:
        """Ends an order. LookupError: there is none; ConflictError: it has ended already."""


class QuarantineItem(msgspec.Struct, frozen=True, kw_only=True):
    """Identical payloads kept once; times Unix ms."""

    id: str
    topic: str
    device: str | None
    reason: str
    detail: str
    count: int
    """All that came, copies of partial messages included."""
    first_seen: int
    last_seen: int
    payload: bytes
    family: str = "unknown"
    partial: bool = False
    """A copy of a message of which the rest was stored."""
    replayed_at: int | None = None
    """When it was stored after all."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """How another attempt to store a quarantined message ended."""

    recovered: bool
    detail: str


class ReplayedItem(Replay, frozen=True, kw_only=True):
    """One message of many."""

    id: str
    device: str | None
    reason: str


class Replays(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt to store many ended; `next` goes on where it ended, None = all were tried."""

    items: list[ReplayedItem]
    recovered: int
    refused: int
    next: str | None


class Quarantine(Protocol):
    """What could not be stored."""

    async def quarantined(self, wanted: QuarantineFilter, *, limit: int, cursor: str | None) -> tuple[list[QuarantineItem], str | None]:
        """Newest first."""

    async def quarantine_summary(
        self, by: Literal["device", "reason"] | None, *, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[QuarantineGroup], str | None]:
        """Sums by device, by reason, or (None) by both; the most first."""

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One item, or None."""

    async def replay(self, item: str, *, by: str) -> Replay:
        """Decodes it again with today's declarations and stores what can be stored."""

    async def discard(self, wanted: QuarantineFilter, *, by: str, why: str) -> int:
        """Forgets what a person has judged to be worthless; how many messages and copies that were."""

    async def replay_many(self, wanted: QuarantineFilter, *, by: str, limit: int, cursor: str | None, dry_run: bool) -> Replays:
        """The same for a page of the list; `dry_run` only says what would become of them."""


class Drifts(Protocol):
    """What groups of devices tell otherwise than before."""

    async def drifts(self, *, acknowledged: bool | None, limit: int, cursor: str | None) -> tuple[list[Drift], str | None]:
        """Newest first."""

    async def acknowledge_drift(self, drift: str, *, by: str) -> Drift | None:
        """The drift, known to a person from now on; None where there is none."""


class Ledger(Protocol):
    """What became of every delivery."""

    async def ledger(self, start: int | None, end: int | None) -> Mapping[str, LedgerTerms]:
        """Family → terms of the arrival minutes from `start` (inclusive) to `end` (exclusive); None = unbounded."""


class Series(Protocol):
    """Stored values over time."""

    async def series(self, family: str, device: str, metric: str, *, start: int, end: int, every: int) -> Sequence[SeriesRow]:
        """Buckets of `every` ms, ascending; UnavailableError while the store can't answer."""


class Rules(Protocol):
    """The rules in force."""

    async def rules(self) -> Sequence[Mapping[str, Any]]:
        """Every rule as its file declares it (id, family, when, severity, summary, action …), by id."""


class Outbox(Protocol):
    """Messages to people and what became of them."""

    async def outbox(self, limit: int, cursor: str | None) -> tuple[list[OutboxEntry], str | None]:
        """Newest first."""

    async def attempts(self, key: str) -> list[Attempt]:
        """All attempts for a key on any channel, oldest first."""


class Check(msgspec.Struct, frozen=True):
    """One part's health; `detail` is for people and never empty."""

    ok: bool
    detail: str


class Checks(msgspec.Struct, frozen=True):
    """The parts on which readiness depends; the store counts as ok while spooling, and says so."""

    broker: Check
    store: Check
    state: Check


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """How well we hear and store ourselves; times Unix ms."""

    hearing: bool
    heard_until: int | None
    """Send time of the newest canary that came back."""
    blind_since: int | None = None
    spooled: int = 0
    """Deliveries accepted and waiting for the store."""
    spool_bytes: int = 0
    spool_limit: int = 0
    """The most that may wait, in bytes."""
    drain_rate: float = 0.0
    """Points a second that the store has taken from the spool lately."""
    spool_oldest: int | None = None
    """Arrival of the oldest delivery waiting."""
    quarantine_evicted: int = 0


class Load(Protocol):
    """How much the alarms ask of the operators."""

    async def load(self, start: int, end: int, operators: int, units: frozenset[str] | None = None) -> AlarmLoad:
        """The load of start ≤ recorded < end (Unix ms); `units` narrows it to what happened there."""


class DutyRoster(Protocol):
    """Who is on duty, and what nobody answers for."""

    def report(self, at: int, team: str | None = None) -> DutyReport:
        """As of a moment (Unix ms); `team` narrows to one."""


class Why(Protocol):
    """Why somebody was, or was not, told, in sentences."""

    async def alarm(self, alarm: str, may_see: Callable[[str | None], bool] = ...) -> Sequence[Sentence] | None:
        """One alarm's trace; None = there is none, or it is about a unit that the asker may not see."""

    async def person(self, person: str, at: int, around: int, may_see: Callable[[str | None], bool] = ...) -> Sequence[Sentence]:
        """Why a person, or a channel, was called or not, from `around` ms before a moment until as long after it."""


class Health(Protocol):
    """Whether we work."""

    async def checks(self) -> Checks:
        """Answers at once, from what is known."""

    async def platform(self) -> Platform:
        """Answers at once, from what is known."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that goes on (`path` set: up to `until`, Unix ms, or `limit`, bytes), or how the last one ended."""

    path: str | None
    until: int | None
    limit: int | None
    written: int
    """Bytes in the file so far."""
    ended: str


class Recording(Protocol):
    """Writing down what rules and routes are told."""

    async def start(self, path: Path, *, until: int, limit: int) -> Recorded:
        """Begins; ConflictError says why it can't."""

    async def stop(self) -> Recorded:
        """Ends it; ConflictError where none goes on."""

    def state(self) -> Recorded:
        """How far it is."""


class Tokens(Protocol):
    """Who bears a token."""

    async def verify(self, token: str, now: int) -> Principal | None:
        """The bearer, or None for an unknown, expired or revoked token."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Whose monitor this is; `language` vi or en."""

    id: str
    name: str
    language: str = "vi"
    timezone: str = "Asia/Ho_Chi_Minh"


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """The parts behind the API."""

    site: Site
    families: Sequence[Family]
    devices: Devices
    units: Units
    alarms: Alarms
    incidents: Incidents
    held: HeldBack
    desk: AlarmDesk
    silences: Silences
    service: Service
    quarantine: Quarantine
    drift: Drifts
    ledger: Ledger
    series: Series
    rules: Rules
    outbox: Outbox
    why: Why
    load: Load
    duty: DutyRoster
    health: Health
    tokens: Tokens
    calendar: Collection[str] = ()
    """Names of days that weekly silences can be bound to."""
