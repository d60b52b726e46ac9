"""Alarms that wait until somebody works again: one room for each person or team, told as one message when it opens. Pure; Unix ms."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from alerts.directory import Party
from alerts.grouping import Telling
from ioc.domain.alarm import Alarm, NotificationGroup
from ioc.domain.held import Held, Hold

PREFIX = "hours:"
"""Keys of rows about rooms begin so."""


class Waiting(msgspec.Struct, array_like=True):
    """An alarm in a room, as it stands now."""

    alarm: Alarm
    new: bool
    """The party has not been told that it was raised."""
    withdrawn: bool = False
    escalation: int = 0
    only_escalated: bool = False
    """It waits as a step of an escalation only, so that an acknowledgement ends the wait."""


class Room(msgspec.Struct):
    """What waits for a party."""

    party: Party
    since: int
    opens: int
    step: int = 0
    """Messages so far: some of it may be silenced when the room opens, and is told later."""
    alarms: dict[str, Waiting] = msgspec.field(default_factory=dict)


class Opened(msgspec.Struct, frozen=True):
    """What a room has to tell."""

    party: Party
    key: str
    """Of the room; with the telling's step it makes the message's key unique."""
    since: int
    telling: Telling
    alarms: dict[str, Alarm]


class WaitingRooms:
    """`hidden`: whether messages leave an alarm out now, because a silence or its own state holds it back."""

    def __init__(self, hidden: Callable[[Alarm], bool]) -> None:
        self._hidden = hidden
        self._rooms: dict[str, Room] = {}
        self._touched: dict[str, None] = {}

    @property
    def next_look(self) -> int | None:
        """When a room opens next, or None."""
        return min((room.opens for room in self._rooms.values() if self._audible(room)), default=None)

    def enter(self, party: Party, until: int, telling: Telling, alarms: Iterable[Alarm], now: int) -> list[Alarm]:
        """These alarms of a telling wait; the answer are those that the party has not been told of at all."""
        key = PREFIX + ":".join(party)
        room = self._rooms.setdefault(key, Room(party, now, until))
        room.opens = min(room.opens, until)
        self._touched[key] = None
        fresh = []
        for alarm in alarms:
            before = room.alarms.get(alarm.id)
            new = before.new if before else alarm.id in telling.added or bool(telling.escalation)
            step = max(before.escalation if before else 0, telling.escalation)
            only = bool(telling.escalation) and (before is None or before.only_escalated)
            room.alarms[alarm.id] = Waiting(alarm, new, alarm.id in telling.withdrawn, step, only)
            if new and before is None:
                fresh.append(alarm)
        return fresh

    def heed(self, alarm: Alarm, *, withdrawn: bool) -> bool:
        """A later state of an alarm; whether it is over before a party was told of it. Then nothing is left to be told."""
        unheard = False
        for key, room in self._rooms.items():
            waiting = room.alarms.get(alarm.id)
            if waiting is None:
                continue
            self._touched[key] = None
            waiting.alarm, waiting.withdrawn = alarm, withdrawn
            if alarm.acknowledged:
                waiting.escalation = 0
            if waiting.new and not alarm.active:
                del room.alarms[alarm.id]
                unheard = True
            elif waiting.only_escalated and alarm.acknowledged:
                del room.alarms[alarm.id]
        return unheard

    def leave(self, alarm: str) -> None:
        """Something else tells of the alarm from now on, and if it gives it back, it is told anew."""
        for key, room in self._rooms.items():
            if room.alarms.pop(alarm, None) is not None:
                self._touched[key] = None

    def open(self, now: int) -> Iterator[Opened]:
        """What is to be told now."""
        for key, room in sorted(self._rooms.items()):
            if room.opens <= now and (audible := self._audible(room)):
                self._touched[key] = None
                room.step += 1
                for alarm in audible:
                    del room.alarms[alarm]
                alarms = {name: one.alarm for name, one in audible.items()}
                yield Opened(room.party, f"{key}/{room.since}", room.since, _telling(room.step, audible), alarms)

    def held(self) -> Iterator[Held]:
        """Alarms that wait to be told at all."""
        for room in self._rooms.values():
            for waiting in room.alarms.values():
                if waiting.new:
                    yield Held(alarm=waiting.alarm, hold=Hold.HOURS, by=room.party[1], until=room.opens)

    def take_rows(self) -> list[NotificationGroup]:
        """The rows that changed since the last call; a room in which nobody waits is forgotten."""
        rows = []
        for key in sorted(self._touched):
            room = self._rooms[key]
            if room.alarms:
                rows.append(NotificationGroup(key=key, due_at=room.opens, body=msgspec.json.encode(room)))
            else:
                del self._rooms[key]
                rows.append(NotificationGroup(key=key, due_at=None, body=None))
        self._touched.clear()
        return rows

    def restore(self, row: NotificationGroup) -> None:
        """Takes up a row."""
        self._rooms[row.key] = msgspec.json.decode(row.body or b"", type=Room)

    def _audible(self, room: Room) -> dict[str, Waiting]:
        return {name: one for name, one in room.alarms.items() if not self._hidden(one.alarm)}


def _telling(step: int, waiting: dict[str, Waiting]) -> Telling:
    active = any(one.alarm.active for one in waiting.values())
    return Telling(
        event="cleared" if not active else "raised" if any(one.new for one in waiting.values()) else "updated",
        step=step,
        added=tuple(name for name, one in waiting.items() if one.new),
        standing=tuple(name for name, one in waiting.items() if not one.new and one.alarm.active),
        ended=tuple(name for name, one in waiting.items() if not one.new and not one.alarm.active),
        over=frozenset(name for name, one in waiting.items() if not one.alarm.active),
        withdrawn=frozenset(name for name, one in waiting.items() if one.withdrawn),
        escalation=max(one.escalation for one in waiting.values()),
    )
