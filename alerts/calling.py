"""Messages for those who are called: each person's alarms, in the person's language, or kept until working hours. Pure; Unix ms."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from alerts.directory import Directory, Reach
from alerts.duty_plan import DutyPlan, Targets
from alerts.grouping import Group, Reason, Telling
from alerts.message import Wording, Writer, compose
from alerts.notice import Untold
from alerts.waiting_rooms import WaitingRooms
from alerts.wording import Words
from ioc.domain.alarm import Alarm, OutboxMessage, notification_key

_MINUTE_MS = 60_000
Lead = Callable[[Words], str]
"""The sentence with which a message begins, in the language of whoever reads it."""


def _no_lead(_words: Words) -> str:
    return ""


class Recipient(NamedTuple):
    """A channel, how its texts are written, and the alarms that it is told of."""

    channel: str
    wording: Wording
    alarms: Collection[str]


@dataclass(slots=True)
class Called:
    """What became of a telling."""

    named: tuple[str, ...] = ()
    """The alarms that it names."""
    messages: list[OutboxMessage] = field(default_factory=list)
    people: dict[str, list[str]] = field(default_factory=dict)
    """Alarm → the people who are told of it."""
    withheld: frozenset[str] = frozenset()
    """Alarms of which nobody is told until somebody works."""

    def note(self, group: Group, now: int) -> None:
        """The group remembers who was called about its alarms."""
        for alarm in self.named:
            if alarm not in self.withheld:
                group.call(alarm, self.people.get(alarm, ()), now)


def people_of(reach: Reach) -> dict[str, list[str]]:
    """Alarm → the people who are reached about it."""
    people: dict[str, list[str]] = {}
    for person, alarms in reach.people.items():
        for alarm in alarms:
            people.setdefault(alarm, []).append(person)
    return people


class Calling:
    """`hidden`: whether messages leave an alarm out now; `alarm`: an alarm by its id, as last seen."""

    def __init__(self, duty: DutyPlan, *, wording: Wording, hidden: Callable[[Alarm], bool]) -> None:
        self.directory = Directory(duty, zone=wording.zone, unit=wording.unit)
        self.rooms = WaitingRooms(hidden)
        self._wording = wording
        self._untold: list[Untold] = []

    def call(self, targets: Targets, telling: Telling, alarms: Mapping[str, Alarm], *, key: str, now: int, lead: Lead = _no_lead) -> Called:
        """The messages of one telling, which share their key; `alarms` holds every alarm that it names."""
        reach = self.reach(targets, telling, alarms, now)
        return self._write(reach, telling, alarms, key=key, now=now, lead=lead)

    def reach(self, targets: Targets, telling: Telling, alarms: Mapping[str, Alarm], now: int, *, always: bool = False) -> Reach:
        """Who is reached: of an alarm's end those who were called about it, of all else whom the targets name."""
        returning = [one for one in telling.ended if telling.called.get(one)]
        others = [alarms[one] for one in telling.named if one not in telling.called]
        found = self.directory.reach(targets, others, now, always=always)
        for channel in targets.channels:
            found.channels[channel] = dict.fromkeys(telling.named)
        by_person: dict[str, list[Alarm]] = {}
        for one in returning:
            for person in telling.called[one]:
                by_person.setdefault(person, []).append(alarms[one])
        for person, some in by_person.items():
            found.add(self.directory.reach_party(("person", person), some, now, always=always))
        return found

    def recipients(self, reach: Reach) -> Iterator[Recipient]:
        """The channels, with the words of whoever reads there."""
        for channel, alarms in reach.channels.items():
            yield Recipient(channel, self._wording, alarms)
        for name, alarms in reach.people.items():
            person = self.directory.person(name)
            if person is not None:
                language = person.language or self._wording.language
                yield Recipient(person.channel, replace(self._wording, language=language), alarms)

    def overdue(self, group: Group, telling: Telling, after: int) -> Lead:
        """The sentence of an escalation: for how long nobody has acknowledged, and who was called."""
        people = dict.fromkeys(person for one in telling.standing for person in group.members[one].called)
        names = ", ".join(self.directory.name_of(person) for person in people)

        def sentence(words: Words) -> str:
            called = words.overdue_called.format(names=names) if names else ""
            return words.overdue.format(n=max(1, round(after / _MINUTE_MS)), called=called)

        return sentence

    def open_rooms(self, now: int) -> Iterator[Called]:
        """The messages for those who work from now on about what waited for them."""
        for opened in self.rooms.open(now):
            reach = self.directory.reach_party(opened.party, list(opened.alarms.values()), now)
            key = notification_key(opened.key, opened.telling.event, opened.telling.step)

            def waited(words: Words, since: int = opened.since) -> str:
                return words.gathered.format(since=Writer(self._wording, now).time(since))

            yield self._write(reach, opened.telling, opened.alarms, key=key, now=now, lead=waited)

    def heed(self, alarm: Alarm, at: int, *, withdrawn: bool) -> None:
        """A later state of an alarm."""
        if self.rooms.heed(alarm, withdrawn=withdrawn):
            self._untold.append(Untold(alarm.id, alarm.rule, at, Reason.SHORT))

    def take_untold(self) -> list[Untold]:
        """Alarms of which somebody was not told since the last call."""
        untold, self._untold = self._untold, []
        return untold

    def _write(self, reach: Reach, telling: Telling, alarms: Mapping[str, Alarm], *, key: str, now: int, lead: Lead) -> Called:
        self._wait(reach, telling, alarms, now)
        written = Called(named=telling.named, people=people_of(reach), withheld=frozenset(reach.withheld))
        bodies: dict[tuple[str, frozenset[str]], tuple[Telling, bytes]] = {}
        for channel, wording, some in self.recipients(reach):
            shown = (wording.language, frozenset(some))
            if shown not in bodies:
                part = telling.about(shown[1])
                bodies[shown] = part, compose(part, alarms, key=key, at=now, wording=wording, lead=lead(wording.words))
            part, body = bodies[shown]
            written.messages.append(OutboxMessage(key=key, channel=channel, event=part.event, at=now, body=body))
        return written

    def _wait(self, reach: Reach, telling: Telling, alarms: Mapping[str, Alarm], now: int) -> None:
        for (party, until), some in reach.waiting.items():
            for alarm in self.rooms.enter(party, until, telling, [alarms[one] for one in some], now):
                self._untold.append(Untold(alarm.id, alarm.rule, now, Reason.HOURS, by=party[1], until=until))
        expected = telling.standing if telling.escalation else telling.added
        for one in expected:
            if one not in reach.reached and one not in reach.withheld:
                self._untold.append(Untold(one, alarms[one].rule, now, Reason.NOBODY))
