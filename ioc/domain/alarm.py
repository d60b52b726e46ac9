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
        """Whether its condition still stands."""
        return self.cleared_at is None


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
    """unmatched, short, shelved, silenced, dependency, flapping, incident, flood, hours or nobody."""
    by: str = ""
    """The silence, the incident, the alarm of the parent that failed, the channel, or the person or team that it waits for."""
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
