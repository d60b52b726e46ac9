"""One group of alarms: who is in it, what has been told, and when it speaks next. Pure; times are Unix ms."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Literal

import msgspec

from alerts.escalation_clock import Clock
from alerts.notify_file import Route
from ioc.domain.alarm import Alarm, Severity, Step, Suppression


class Reason(StrEnum):
    """Why an alarm caused no message."""

    UNMATCHED = "no route takes it"
    SHORT = "it cleared before its first message was due"
    SHELVED = "it cleared while it was shelved"
    SUPPRESSED = "it is suppressed by design"
    OUT_OF_SERVICE = "its device or unit is out of service"
    SILENCED = "silenced"
    DEPENDENCY = "what its device depends on has failed"
    FLAPPING = "it comes and goes"
    INCIDENT = "an incident tells of it"
    FLOOD = "its channel has had enough messages: a summary tells of it"
    HOURS = "it waits for working hours"
    NOBODY = "nobody is on duty for it"


class Member(msgspec.Struct, array_like=True):
    """An alarm in a group."""

    told: bool = False
    """A message has said that it was raised."""
    acknowledged: bool = False
    suppression: Suppression | None = None
    """Why nobody is told of it, by its own state."""
    ended: Literal["", "cleared", "withdrawn"] = ""
    alarm: Alarm | None = None
    """Kept with the group once it has ended: until the message about that is out, nobody else has to remember it."""
    silenced: str = ""
    """The silence that holds it back."""
    flaps: int = 0
    """How often it came, if the message about it sums that up."""
    clock: Clock = msgspec.field(default_factory=Clock)
    called: list[str] = msgspec.field(default_factory=list)
    """People who were called about it: they are told of its end, whoever is on duty by then."""

    @property
    def hidden(self) -> bool:
        """Whether messages leave it out. Who was told of an alarm is told of its end all the same, so that a ticket closes."""
        return bool(self.suppression or self.silenced) and not (self.told and self.ended)

    @property
    def waits(self) -> bool:
        """Whether something about it is still to be told."""
        return not self.hidden and (not self.told or bool(self.ended))

    @property
    def nags(self) -> bool:
        """Whether people are reminded of it."""
        return not self.hidden and not self.acknowledged and not self.ended


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What a message has to say: ids of its alarms."""

    event: Literal["raised", "updated", "cleared"]
    step: int
    added: tuple[str, ...]
    """Not told before; an ended one among them came and went."""
    standing: tuple[str, ...]
    """Told before and still active."""
    ended: tuple[str, ...]
    """Told before, ended since."""
    over: frozenset[str]
    """Those of all the above that are no longer active."""
    withdrawn: frozenset[str]
    """Those of `over` that ended with their rule or device, not by getting well."""
    flaps: dict[str, int] = msgspec.field(default_factory=dict)
    """How often those came that are summed up."""
    escalation: int = 0
    """The step of the escalation that it is; 0 = none."""
    called: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """The people who were called about those of `ended`."""

    @property
    def named(self) -> tuple[str, ...]:
        """All alarms that the message names."""
        return (*self.added, *self.standing, *self.ended)

    @property
    def reminder(self) -> bool:
        """Whether nothing has changed since the last message."""
        return not self.added and not self.ended and not self.escalation

    def about(self, alarms: Collection[str]) -> "Telling":
        """What of it is about these alarms."""
        if all(one in alarms for one in self.named):
            return self
        part = msgspec.structs.replace(
            self,
            added=tuple(one for one in self.added if one in alarms),
            standing=tuple(one for one in self.standing if one in alarms),
            ended=tuple(one for one in self.ended if one in alarms),
            over=self.over.intersection(alarms),
            withdrawn=self.withdrawn.intersection(alarms),
        )
        return msgspec.structs.replace(part, event="cleared") if part.all_over else part

    @property
    def all_over(self) -> bool:
        """Whether nothing that the message names is active; then the group may still hold what is shelved or silenced."""
        return not self.standing and self.over.issuperset(self.added)


class Group(msgspec.Struct, kw_only=True):
    """The state of a group while it has members; stored as JSON in `NotificationGroup.body`."""

    route: str
    """Identity of its route."""
    episode: str
    """The alarm and the journal entry that began the group: with the step it makes every message's key unique."""
    step: int = 0
    """Messages so far; never goes back."""
    open: bool = False
    """Whether `raised` has been said and `cleared` not yet."""
    sent_at: int | None = None
    changed_at: int | None = None
    """When the first change came that no message has told yet."""
    members: dict[str, Member] = msgspec.field(default_factory=dict)

    def raise_(  # what another group knew of the alarm comes along
        self, alarm: Alarm, at: int, silence: str = "", *, told: bool = False, flaps: int = 0, called: Iterable[str] = ()
    ) -> bool:
        """Takes an alarm in; one that is in already becomes active again. Whether `silence` (an id) holds its first message back.

        `told`: another group's message has said that it was raised, and these people were `called`.
        `flaps`: how often it came, which the message shall say.
        """
        member = self.members.setdefault(alarm.id, Member(told=told, flaps=flaps, called=list(called)))
        member.ended, member.alarm = "", None
        member.acknowledged, member.suppression = alarm.acknowledged, alarm.suppression
        member.silenced = silence
        self._note(at, member)
        return bool(silence) and not member.told

    def silence(self, alarm: str, silence: str, at: int) -> bool:
        """A silence begins to hold the alarm back, or (empty) none does any more.

        The answer says whether it holds a first message back that was still to come, be it after another one.
        An alarm that is over by then leaves the group.
        """
        member = self.members[alarm]
        held = bool(silence) and silence != member.silenced and not member.told
        member.silenced = silence
        if held and member.ended:
            del self.members[alarm]
        self._note(at, member)
        return held

    def drop(self, alarm: str, at: int) -> Member:
        """The alarm belongs elsewhere from now on; what is known of it goes along."""
        member = self.members.pop(alarm)
        self._note(at)
        return member

    def apply(self, step: Step, alarm: Alarm, at: int) -> Reason | None:
        """Takes a later journal entry of a member; the answer says why no message will tell of it, if none will."""
        member = self.members[alarm.id]
        match step:
            case Step.CLEARED | Step.WITHDRAWN | Step.RESET:
                reason = _untold(member, alarm)
                if reason is not None:
                    del self.members[alarm.id]
                    self._note(at)
                    return reason
                member.ended = "withdrawn" if step is Step.WITHDRAWN else "cleared"
            case Step.ACKNOWLEDGED:
                member.acknowledged = True
            case Step.REALARMED if member.acknowledged:
                member.acknowledged = member.told = False  # whoever has seen it has to be told that it is back
            case _:
                member.suppression = alarm.suppression
        if member.ended:
            member.alarm = alarm
        self._note(at, member)
        return None

    def due_at(self, route: Route) -> int | None:
        """When the group speaks next: a change, or a reminder while something stays active and unacknowledged."""
        if self.changed_at is not None:
            ready = self.changed_at + route.group_wait
            return ready if self.sent_at is None or not self.open else max(ready, self.sent_at + route.group_interval)
        if self.sent_at is not None and route.repeat_interval and any(member.nags for member in self.members.values()):
            return self.sent_at + route.repeat_interval
        return None

    def tell(self, now: int) -> Telling:
        """What the message due now has to say; from then on it counts as told, and what has ended leaves the group."""
        audible = {alarm: member for alarm, member in self.members.items() if not member.hidden}
        active = any(not member.ended and (member.told or not member.hidden) for member in self.members.values())
        self.step += 1
        telling = Telling(
            event="cleared" if not active else "updated" if self.open else "raised",
            step=self.step,
            added=tuple(alarm for alarm, member in audible.items() if not member.told),
            standing=tuple(alarm for alarm, member in audible.items() if member.told and not member.ended),
            ended=tuple(alarm for alarm, member in audible.items() if member.told and member.ended),
            over=frozenset(alarm for alarm, member in audible.items() if member.ended),
            withdrawn=frozenset(alarm for alarm, member in audible.items() if member.ended == "withdrawn"),
            flaps={alarm: member.flaps for alarm, member in audible.items() if member.flaps},
            called={alarm: tuple(member.called) for alarm, member in audible.items() if member.told and member.ended and member.called},
        )
        self.open, self.sent_at, self.changed_at = active, now, None
        for alarm, member in audible.items():
            member.told = True
            if member.ended:
                del self.members[alarm]
        return telling

    def call(self, alarm: str, people: Iterable[str], at: int) -> None:
        """People are called about an alarm that is still in the group."""
        member = self.members.get(alarm)
        if member is not None:
            member.called += [person for person in people if person not in member.called]
            member.clock.call(at)

    def _note(self, at: int, changed: Member | None = None) -> None:
        """Remembers since when something waits to be told, or that nothing does; the clock of what changed runs, or stands still."""
        if changed is not None:
            changed.clock.run(at, runs=changed.nags)
        if not any(member.waits for member in self.members.values()):
            self.changed_at = None
        elif self.changed_at is None:
            self.changed_at = at


def reason_of(suppression: Suppression) -> Reason:
    """Why an alarm that its own state keeps from people causes no message."""
    return Reason[suppression.name]


def _untold(member: Member, alarm: Alarm) -> Reason | None:
    if member.told:
        return None
    if member.silenced:
        return Reason.SILENCED
    if member.suppression is not None:
        return reason_of(member.suppression)
    return None if alarm.severity is Severity.CRITICAL or member.flaps else Reason.SHORT
