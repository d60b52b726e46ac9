"""From the journal to messages: reads its entries by number, keeps the groups, says when each speaks. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from alerts.admission import Admission, Admitted
from alerts.apart import Apart
from alerts.calling import Calling
from alerts.duty_plan import DutyPlan
from alerts.flood import PREFIX as FLOOD
from alerts.flood import Flood
from alerts.group_messages import Speaker, due_at
from alerts.grouping import Group, Reason, reason_of
from alerts.guards import Guards
from alerts.lifecycle import SUPPRESSIONS
from alerts.message import Wording
from alerts.notice import Notice, Untold
from alerts.notify_file import Route
from alerts.outage_desk import OutageDesk, is_ours
from alerts.policy import Policy, RoutePlan
from alerts.roll import Roll
from alerts.silencing import Silencing
from alerts.waiting_rooms import PREFIX as HOURS
from ioc.domain.alarm import ENDS, Alarm, NotificationGroup, OutboxMessage, Step, Transition
from ioc.domain.held import Held, Hold
from ioc.domain.silence import Silence

_SILENT = frozenset({Step.ASSIGNED, Step.COMMENTED})
"""Entries that change an alarm, but nothing about who has to be told what."""
_RETURNS = frozenset(ends for _, ends in SUPPRESSIONS.values())
"""Entries after which people may have to be told of an alarm for the first time."""
_WITHHOLDS = frozenset({Step.SUPPRESSED, Step.OUT_OF_SERVICE})
_NOTED = frozenset({Reason.SILENCED, Reason.SUPPRESSED, Reason.OUT_OF_SERVICE})
"""Noted when they begin to hold an alarm back, not when that is over."""


class Notifier:
    """Groups alarms by the routes and words their messages.

    The same entries with the same `now` give the same rows, in one process or with restarts in between.
    `guards` hold messages back; without them each alarm is told for itself. `duty`: the people whom routes may name.
    """

    def __init__(self, routes: Iterable[Route], *, wording: Wording, guards: Guards | None = None, duty: DutyPlan | None = None) -> None:
        guards = guards or Guards()
        self._policy = Policy(routes)
        self._calling = Calling(duty or DutyPlan(), wording=wording, hidden=self._is_hidden)
        self._silencing = Silencing(wording.zone, guards.calendar)
        self._roll = Roll()
        self._apart = Apart()
        self._outages = OutageDesk(guards.incidents, self._roll, policy=self._policy, silencing=self._silencing, calling=self._calling)
        self._admission = Admission(self._outages, guards.dependencies, guards.flapping, self._roll)
        self._flood = Flood(guards.flood, wording=wording)
        self._due: dict[str, int] = {}
        """Key of a group → when it speaks next."""
        self._stale: dict[str, None] = {}
        """Keys of outages of which that has to be found out anew: a look at each member."""
        self._untold: list[Untold] = []
        self._unrouted: dict[str, Alarm] = {}
        """Active alarms that no route takes."""
        self.position = 0
        self.untold_counts: Counter[Reason] = Counter()

    @property
    def next_due(self) -> int | None:
        """When `due` has to be called next, or None."""
        turns = (self._silencing.next_turn, self._admission.next_look, self._flood.next_look, self._calling.rooms.next_look)
        return min((*self._due.values(), *(turn for turn in turns if turn is not None)), default=None)

    def silence(self, silence: Silence) -> None:
        """Adds a silence, or replaces the one with its id; the next `step` or `due` goes by it."""
        self._silencing.put(silence)

    def lift(self, silence: str) -> None:
        """Ends a silence; the next `step` or `due` tells of what it held back and is still active."""
        self._silencing.remove(silence)

    def incident_of(self, alarm: str) -> str | None:
        """The mass outage whose messages tell of the alarm, as long as they still do."""
        return next(filter(None, map(self._outages.incident, self._roll.keys_of.get(alarm, ()))), None)

    def held(self) -> list[Held]:
        """Active alarms that cause no message of their own now, and what holds each back."""
        alarms = self._roll.alarms
        flooded = (Held(alarm=alarms[one], hold=Hold.FLOOD, by=channel) for one, channel in self._flood.held() if one in alarms)
        unrouted = (Held(alarm=alarm, hold=Hold.UNMATCHED) for alarm in self._unrouted.values())
        waiting = (*unrouted, *self._apart.held(), *flooded, *self._calling.rooms.held())
        held = (*waiting, *self._admission.held(), *self._roll.held(self._outages.incident))
        found = {one.alarm.id: one for one in held if one.alarm.active}
        return [self._caused(found[alarm]) for alarm in sorted(found)]

    def _caused(self, held: Held) -> Held:
        """What no route takes causes no message, whatever else holds it back, but for its own state."""
        told_of = held.alarm.suppression is not None or self._policy.plans_for(held.alarm)
        return held if told_of else Held(alarm=held.alarm, hold=Hold.UNMATCHED)

    def restore(self, groups: Iterable[NotificationGroup], alarms: Iterable[Alarm], position: int) -> None:
        """Takes up what was committed; `alarms` holds at least the active ones.

        Active members of a group whose route is no longer in the file, and active alarms that no route took so far, join the routes of
        today as if just raised: rather twice than never.
        """
        self.position = position
        known = {alarm.id: alarm for alarm in alarms}
        self._apart.restore(known.values())
        homeless: list[tuple[Alarm, int]] = []
        rows = [row for row in sorted(groups, key=lambda group: group.key) if row.body is not None]
        for row in self._admission.restore(rows, known):
            if is_ours(row):
                outage = self._outages.restore(row, known)
                if outage is not None:
                    self._take_up(row.key, outage, known)
                continue
            if row.key.startswith(FLOOD):
                self._flood.restore(row)
                continue
            if row.key.startswith(HOURS):
                self._calling.rooms.restore(row)
                continue
            group = msgspec.json.decode(row.body or b"", type=Group)
            if self._policy.plan(group.route) is None:
                self._roll.touched[row.key] = None
                homeless += [(known[one], group.sent_at or 0) for one, member in group.members.items() if one in known and not member.ended]
            else:
                self._take_up(row.key, group, known)
        taken = {*self._roll.keys_of, *(held.alarm.id for held in self._admission.held()), *(alarm.id for alarm, _ in homeless)}
        lost = [alarm for alarm in known.values() if self._may_be_told(alarm) and alarm.id not in taken]
        self._unrouted = {alarm.id: alarm for alarm in lost if not self._policy.plans_for(alarm)}
        homeless += [(alarm, alarm.since) for alarm in lost if alarm.id not in self._unrouted]
        for alarm, at in homeless:
            self._tell(Admitted(alarm, at, position))
        self._schedule_stale()

    def step(self, transitions: Iterable[Transition], alarms: Mapping[str, Alarm], now: int) -> Notice:
        """Reads journal entries in order (those read before are skipped); `alarms` holds every alarm that they touch."""
        self._heed_silences(now)
        for entry in transitions:
            if entry.seq > self.position:
                self._read(entry, alarms)
                self.position = entry.seq
        return self.due(now)

    def due(self, now: int) -> Notice:
        """The messages whose time has come by `now`, and every group that has changed since the last call."""
        self._heed_silences(now)
        outbox = self._open_rooms(now)
        self._tell_all(self._admission.look(now))
        self._schedule_stale()
        while due := sorted((at, key) for key, at in self._due.items() if at <= now):
            for _, key in due:
                if key in self._roll.groups:  # an outage that spoke before it may have dissolved this one
                    outbox += self._flush(key, now)
            self._schedule_stale()
        return self._notice(outbox, now)

    def _notice(self, messages: list[OutboxMessage], now: int) -> Notice:
        summaries = tuple(self._flood.look(now))
        passed, flooded = self._flood.through(messages, now)
        for alarm, channel in flooded:
            self.untold_counts[Reason.FLOOD] += 1
            self._untold.append(Untold(alarm.id, alarm.rule, now, Reason.FLOOD, by=channel))
        for held in self._admission.take_held():
            told_of = held.reason is not Reason.INCIDENT or self._policy.plans_for(held.alarm)
            self._note_untold(held.alarm, held.at, held.reason if told_of else Reason.UNMATCHED, by=held.by)
            if held.reason is Reason.INCIDENT and (silence := self._silencing.covering(held.alarm)):
                self._note_untold(held.alarm, held.at, Reason.SILENCED, silence)
        for one in self._calling.take_untold():
            self.untold_counts[one.reason] += 1
            self._untold.append(one)
        others = (*self._admission.take_rows(), *self._flood.take_rows(), *self._calling.rooms.take_rows())
        rows = (*map(self._row, sorted(self._roll.touched)), *others)
        incidents, members, dissolved = self._outages.take_changes()
        untold = tuple(self._untold)
        self._roll.touched.clear()
        self._untold.clear()
        return Notice(
            groups=rows,
            outbox=(*summaries, *passed),
            incidents=incidents,
            members=members,
            dissolved=dissolved,
            position=self.position,
            untold=untold,
        )

    def _take_up(self, key: str, group: Group, known: Mapping[str, Alarm]) -> None:
        self._roll.groups[key] = group
        for alarm_id, member in list(group.members.items()):
            alarm = member.alarm or known.get(alarm_id)
            if alarm is None:
                del group.members[alarm_id]
                self._roll.touched[key] = None
            else:
                self._roll.enter(key, alarm)
        self._schedule(key)

    def _read(self, entry: Transition, alarms: Mapping[str, Alarm]) -> None:
        alarm = alarms.get(entry.alarm) or self._roll.alarms.get(entry.alarm) or self._admission.alarm(entry.alarm)
        if alarm is None:
            return
        self._apart.see(alarm)
        self._flood.heed(alarm)
        if entry.step is Step.RAISED:
            self._tell_all(self._admission.raised(alarm, entry.recorded, entry.seq))
            return
        if alarm.id in self._unrouted:
            self._unrouted[alarm.id] = alarm
            if not alarm.active:
                del self._unrouted[alarm.id]
        self._calling.heed(alarm, entry.recorded, withdrawn=entry.step is Step.WITHDRAWN)
        self._tell_all(self._admission.changed(entry, alarm))
        keys = self._roll.keys_of.get(alarm.id)
        if entry.step in _RETURNS and not keys and self._may_be_told(alarm):
            self._tell_all(self._admission.raised(alarm, entry.recorded, entry.seq))
            return
        for key in list(keys or ()):
            self._apply(key, entry, alarm)

    def _may_be_told(self, alarm: Alarm) -> bool:
        return alarm.active and alarm.suppression is None and not self._admission.owns(alarm.id)

    def _apply(self, key: str, entry: Transition, alarm: Alarm) -> None:
        group = self._roll.groups[key]
        self._roll.alarms[alarm.id] = alarm
        if entry.step in _SILENT and not group.members[alarm.id].ended:
            return
        reason = group.apply(entry.step, alarm, entry.recorded)
        if entry.step in ENDS:
            self._outages.end(key, alarm, entry.recorded)
        if reason is not None:
            self._roll.leave(alarm.id, key)
            if reason not in _NOTED:
                self._note_untold(alarm, entry.recorded, reason)
        elif entry.step in _WITHHOLDS and alarm.suppression is not None and not group.members[alarm.id].told:
            self._note_untold(alarm, entry.recorded, reason_of(alarm.suppression), by=alarm.withheld_by)
        self._change(key)

    def _tell_all(self, admitted: Iterable[Admitted]) -> None:
        for one in admitted:
            self._tell(one)

    def _tell(self, admitted: Admitted) -> None:
        """The routes' groups take the alarm."""
        alarm, at = admitted.alarm, admitted.at
        plans = self._policy.plans_for(alarm)
        if not plans:
            self._unrouted[alarm.id] = alarm
            self._note_untold(alarm, at, Reason.UNMATCHED)
        silence, held = self._silencing.covering(alarm), False
        for plan in plans:
            key = plan.group_of(alarm)
            group = self._roll.groups.get(key)
            if group is None:
                group = self._roll.groups[key] = Group(route=plan.id, episode=f"{alarm.id}@{admitted.number}")
            held |= group.raise_(alarm, at, silence, flaps=admitted.flaps)
            self._roll.enter(key, alarm)
            if admitted.flaps and not alarm.active and group.apply(Step.CLEARED, alarm, at) is not None:
                self._roll.leave(alarm.id, key)
            self._change(key)
        if held:
            self._note_untold(alarm, at, Reason.SILENCED, silence)

    def _heed_silences(self, now: int) -> None:
        """Holds back what a silence covers since the last look, and lets go what none covers any more."""
        if not self._silencing.look(now):
            return
        for alarm_id, keys in list(self._roll.keys_of.items()):
            alarm, held = self._roll.alarms[alarm_id], False
            silence = self._silencing.covering(alarm)
            for key in list(keys):
                group = self._roll.groups[key]
                if group.members[alarm_id].silenced == silence:
                    continue
                held |= group.silence(alarm_id, silence, now)
                if alarm_id not in group.members:
                    self._roll.leave(alarm_id, key)
                self._change(key)
            if held:
                self._note_untold(alarm, now, Reason.SILENCED, silence)

    def _flush(self, key: str, now: int) -> list[OutboxMessage]:
        if self._outages.owns(key):
            messages, alone = self._outages.flush(key, now)
            self._change(key)
            self._tell_all(Admitted(*one) for one in alone)
            return messages
        group = self._roll.groups[key]
        before = set(group.members)
        plan, alarms = self._plan(group), self._roll.alarms
        speaker = Speaker(key=key, group=group, route=plan.route, alarms=alarms, calling=self._calling, now=now)
        messages = speaker.messages()
        for gone in before - group.members.keys():
            self._roll.leave(gone, key)
        self._change(key)
        return messages

    def _open_rooms(self, now: int) -> list[OutboxMessage]:
        """What waited for working hours that begin: from now on somebody has been called about it."""
        messages: list[OutboxMessage] = []
        for called in self._calling.open_rooms(now):
            messages += called.messages
            for key in dict.fromkeys(key for alarm in called.named for key in self._roll.keys_of.get(alarm, ())):
                called.note(self._roll.groups[key], now)
                self._change(key)
        return messages

    def _is_hidden(self, alarm: Alarm) -> bool:
        """Whether something holds back now whatever would be said of an alarm."""
        held = self._silencing.covering(alarm) or alarm.suppression is not None or self._admission.owns(alarm.id)
        return bool(held) or self.incident_of(alarm.id) is not None

    def _change(self, key: str) -> None:
        """Notes that the group's row has to be written again; a group without members is forgotten."""
        self._roll.touched[key] = None
        group = self._roll.groups.get(key)
        if group is not None and not group.members:
            self._outages.settle(key)
            del self._roll.groups[key]
        self._schedule(key)

    def _schedule(self, key: str) -> None:
        if self._outages.owns(key):
            self._stale[key] = None
            return
        group = self._roll.groups.get(key)
        self._set_due(key, None if group is None else due_at(group, self._plan(group).route))

    def _schedule_stale(self) -> None:
        """Finds out when outages that changed speak next, and forgets groups that gave all their members to one."""
        for key in self._roll.touched:
            group = self._roll.groups.get(key)
            if group is not None and not group.members:
                self._outages.settle(key)
                del self._roll.groups[key]
            if not self._outages.owns(key):
                self._schedule(key)
        for key in [*self._stale, *filter(self._outages.owns, self._roll.touched)]:
            self._set_due(key, self._outages.due_at(key) if self._outages.owns(key) else None)
        self._stale.clear()

    def _set_due(self, key: str, at: int | None) -> None:
        if at is None:
            self._due.pop(key, None)
        else:
            self._due[key] = at

    def _plan(self, group: Group) -> RoutePlan:
        plan = self._policy.plan(group.route)
        assert plan is not None  # noqa: S101  restore() lets no group stay whose route is gone
        return plan

    def _row(self, key: str) -> NotificationGroup:
        if self._outages.owns(key):
            return self._outages.row(key)
        group = self._roll.groups.get(key)
        if group is None:
            return NotificationGroup(key=key, due_at=None, body=None)
        return NotificationGroup(key=key, due_at=self._due.get(key), body=msgspec.json.encode(group))

    def _note_untold(self, alarm: Alarm, at: int, reason: Reason, silence: str = "", by: str = "") -> None:
        self.untold_counts[reason] += 1
        self._untold.append(Untold(alarm.id, alarm.rule, at, reason, silence, by))
