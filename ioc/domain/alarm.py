"""Alarms, their journal, and the messages they cause. Times are Unix milliseconds."""

import hashlib
from enum import StrEnum

import msgspec

from ioc.domain.incident import Incident, IncidentMember

GROUP = "group"
"""The label that names the group of an alarm about several devices: `unit=…`, or another label with its value."""


class Severity(StrEnum):
    """Most severe first."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""0 = the most severe."""


class Step(StrEnum):
    """What a journal entry says happened to an alarm."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    WITHDRAWN = "withdrawn"
    LATCHED = "latched"
    """Its condition is over; it stays on the list until somebody resets it."""
    REALARMED = "realarmed"
    """The condition of a latched alarm holds again."""
    RESET = "reset"
    """A person took a latched alarm off the list."""
    SUPPRESSED = "suppressed"
    """By design: its rule says that something else explains it."""
    UNSUPPRESSED = "unsuppressed"
    OUT_OF_SERVICE = "out_of_service"
    """A person took its device or unit out of service."""
    IN_SERVICE = "in_service"


ENDS = frozenset({Step.CLEARED, Step.WITHDRAWN, Step.RESET})
"""After these an alarm stands no longer."""


class Suppression(StrEnum):
    """Why nobody is told of an alarm that stands, in the words of ISA-18.2; the first that applies counts."""

    OUT_OF_SERVICE = "out_of_service"
    SUPPRESSED = "suppressed"
    """By design."""
    SHELVED = "shelved"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm as it stands now; `device` None = about a group of devices (label `group`), or ourselves."""

    id: str
    rule: str
    severity: Severity
    family: str | None = None
    device: str | None = None
    unit: str | None = None
    since: int
    """When the condition became true, in the sample's time."""
    cleared_at: int | None = None
    acknowledged: bool = False
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    shelved_until: int | None = None
    latching: bool = False
    """Whether it stays on the list after its condition ended, until a person resets it."""
    normal_since: int | None = None
    """Since when its condition has been over, while it is latched."""
    suppressed_by: str | None = None
    """What suppresses it by design: another alarm's id, or the values that do."""
    out_of_service: str | None = None
    """The order that took its device or unit out of service."""
    summary: dict[str, str] = msgspec.field(default_factory=dict)
    """Rendered texts by language: vi, en."""
    cause: dict[str, str] = msgspec.field(default_factory=dict)
    consequence: dict[str, str] = msgspec.field(default_factory=dict)
    action: dict[str, str] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The device, the group, or nothing for ourselves: with the rule it names the row that keeps the alarm."""
        return self.device or self.labels.get(GROUP, "")

    @property
    def active(self) -> bool:
        """Whether it stands: its condition holds, or it is latched."""
        return self.cleared_at is None

    @property
    def suppression(self) -> Suppression | None:
        """Why nobody is told of it, or would have been when it ended; None = people are told."""
        if self.out_of_service is not None:
            return Suppression.OUT_OF_SERVICE
        if self.suppressed_by is not None:
            return Suppression.SUPPRESSED
        return None if self.shelved_until is None else Suppression.SHELVED

    @property
    def withheld_by(self) -> str:
        """The order, or what suppresses it by design; empty where neither does."""
        return self.out_of_service or self.suppressed_by or ""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One journal entry; `seq` grows by one with each entry of the site."""

    seq: int
    alarm: str
    rule: str
    severity: Severity
    device: str | None
    unit: str | None
    step: Step
    at: int
    """When it became so: the sample's time, or a person's act."""
    recorded: int
    """Our clock when we knew."""
    by: str
    """sample, arrival, tick, withdrawal, system, or `person:<name>`."""
    detail: str = ""
    """Why, in short: the values that decided, or a person's comment."""


class RuleState(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule remembers about a device between samples; phase `inactive` means: forget the row."""

    rule: str
    device: str
    """A group for rules about several devices, empty for rules about ourselves."""
    phase: str
    """inactive, pending, active, keep_firing."""
    since: int = 0
    heard_since: int = 0
    """Our clock's time of what `since` says in the device's time: `for` matures by it on a tick."""
    alarm: str | None = None
    memory: dict[str, float | int | str | None] = msgspec.field(default_factory=dict)
    """Conditions' own memory, such as which side of a hysteresis they are on."""


class NotificationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms that travel in one message; `body` is the grouping's own state as JSON; None = forget the group."""

    key: str
    due_at: int | None
    body: bytes | None


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one channel; (key, channel) is its identity, `key` the idempotency key of group and step."""

    key: str
    channel: str
    event: str
    """raised, cleared or updated."""
    at: int
    body: bytes
    """The webhook's JSON document."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver an outbox message, as journalled."""

    key: str
    channel: str
    at: int
    ok: bool
    detail: str


class Unsent(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that caused no message of its own, and why."""

    alarm: str
    at: int
    reason: str
    """unmatched, short, shelved, suppressed, out_of_service, silenced, dependency, flapping, incident, flood, hours or nobody."""
    by: str = ""
    """The silence, the incident, the order, the alarm of the parent that failed or that suppresses it, the channel, or who it waits for."""
    until: int | None = None
    """When working hours begin that it waits for."""


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """All that one batch, tick or person's act changes: committed in one transaction or not at all."""

    transitions: tuple[Transition, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    """The new state of every alarm that a transition touches."""
    rule_states: tuple[RuleState, ...] = ()
    groups: tuple[NotificationGroup, ...] = ()
    outbox: tuple[OutboxMessage, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """The new state of every incident that changed."""
    members: tuple[IncidentMember, ...] = ()
    dissolved: tuple[str, ...] = ()
    """Incidents to be forgotten: they turned out to be none."""
    unsent: tuple[Unsent, ...] = ()
    position: int | None = None
    """The journal's sequence number up to which notification has read."""


def alarm_id(site: str, rule: str, device: str | None, since: int) -> str:
    """The id follows from the content, so a repeated decision names the same alarm."""
    return _digest(site, rule, device or "", str(since))


def notification_key(group: str, event: str, step: int) -> str:
    """Idempotency key of one message of a group."""
    return _digest(group, event, str(step))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()
