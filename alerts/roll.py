"""Who is in which group of messages. Pure."""

from alerts.grouping import Group, Member
from ioc.domain.alarm import Alarm


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
