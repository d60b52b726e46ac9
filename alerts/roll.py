"""Who is in which group of messages. Pure."""

from collections.abc import Callable, Iterator

from alerts.grouping import Group, Member
from ioc.domain.alarm import Alarm, Suppression
from ioc.domain.held import Held, Hold


class Roll:
    """Groups by key with the alarms of their members; remembers which groups changed."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.alarms: dict[str, Alarm] = {}
        """The members' alarms as last seen."""
        self.keys_of: dict[str, dict[str, None]] = {}
        """Alarm → keys of its groups, in the order it joined them."""
        self.touched: dict[str, None] = {}
        """Keys of groups whose row has to be written again."""

    def enter(self, key: str, alarm: Alarm) -> None:
        """The alarm is a member of the group from now on."""
        self.alarms[alarm.id] = alarm
        self.keys_of.setdefault(alarm.id, {})[key] = None

    def leave(self, alarm: str, key: str) -> None:
        """The alarm is a member of the group no longer."""
        keys = self.keys_of[alarm]
        del keys[key]
        if not keys:
            del self.keys_of[alarm], self.alarms[alarm]

    def withdraw(self, alarm: str, at: int) -> tuple[list[str], list[Member]]:
        """Takes an alarm out of all its groups; their keys, and what they knew of it."""
        keys = list(self.keys_of.get(alarm, ()))
        members = [self.groups[key].drop(alarm, at) for key in keys]
        for key in keys:
            self.leave(alarm, key)
        return keys, members

    def held(self, incident_of: Callable[[str], str | None]) -> Iterator[Held]:
        """Active members that cause no message of their own; `incident_of`: the incident of a group's key, if it is one."""
        for key, group in self.groups.items():
            for alarm, member in group.members.items():
                hold = _hold(member, incident_of(key))
                if hold is not None and not member.ended:
                    yield Held(alarm=self.alarms[alarm], hold=hold[0], by=hold[1] or self.alarms[alarm].withheld_by or None)


def hold_of(suppression: Suppression) -> Hold:
    """What holds an alarm back that its own state keeps from people."""
    return Hold[suppression.name]


def _hold(member: Member, incident: str | None) -> tuple[Hold, str | None] | None:
    if member.silenced:
        return Hold.SILENCE, member.silenced
    if member.suppression is not None:
        return hold_of(member.suppression), None
    if incident is not None:
        return Hold.INCIDENT, incident
    return None if member.told else (Hold.GATHERING, None)
