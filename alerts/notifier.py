"""From the journal to messages: reads its entries by number, keeps the groups, says when each speaks. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from alerts.grouping import Group, Reason
from alerts.message import Wording, compose
from alerts.notify_file import Route
from alerts.policy import Policy, RoutePlan
from alerts.silencing import Silencing
from ioc.domain.alarm import Alarm, NotificationGroup, OutboxMessage, Step, Transition, notification_key
from ioc.domain.silence import Silence

_SILENT = frozenset({Step.ASSIGNED, Step.COMMENTED})
"""Entries that change an alarm, but nothing about who has to be told what."""


class Untold(msgspec.Struct, frozen=True):
    """An alarm that causes no message (or, with several routes, none from one of them), and why."""

    alarm: str
    rule: str
    at: int
    reason: Reason
    silence: str = ""
    """The silence that holds it back."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What notification adds to a batch's decisions; to be committed with the journal entries that it has read."""

    groups: tuple[NotificationGroup, ...] = ()
    outbox: tuple[OutboxMessage, ...] = ()
    position: int
    untold: tuple[Untold, ...] = ()


class Notifier:
    """Groups alarms by the routes and words their messages.

    The same entries with the same `now` give the same rows, in one process or with restarts in between.
    """

    def __init__(self, routes: Iterable[Route], *, wording: Wording) -> None:
        self._policy = Policy(routes)
        self._wording = wording
        self._silencing = Silencing()
        self._groups: dict[str, Group] = {}
        self._alarms: dict[str, Alarm] = {}
        """The members' alarms as last seen."""
        self._groups_of: dict[str, dict[str, None]] = {}
        """Alarm → keys of its groups, in the order it joined them."""
        self._due: dict[str, int] = {}
        """Key of a group → when it speaks next."""
        self._touched: dict[str, None] = {}
        self._untold: list[Untold] = []
        self.position = 0
        self.untold_counts: Counter[Reason] = Counter()

    @property
    def next_due(self) -> int | None:
        """When `due` has to be called next, or None."""
        turn = self._silencing.next_turn
        return min((*self._due.values(), *(() if turn is None else (turn,))), default=None)

    def silence(self, silence: Silence) -> None:
        """Adds a silence, or replaces the one with its id; the next `step` or `due` goes by it."""
        self._silencing.put(silence)

    def lift(self, silence: str) -> None:
        """Ends a silence; the next `step` or `due` tells of what it held back and is still active."""
        self._silencing.remove(silence)

    def restore(self, groups: Iterable[NotificationGroup], alarms: Iterable[Alarm], position: int) -> None:
        """Takes up what was committed; `alarms` holds at least the active ones.

        Active members of a group whose route is no longer in the file join the routes of today as if just raised: rather twice than never.
        """
        self.position = position
        known = {alarm.id: alarm for alarm in alarms}
        homeless: list[tuple[Alarm, int]] = []
        for row in sorted(groups, key=lambda group: group.key):
            if row.body is None:
                continue
            group = msgspec.json.decode(row.body, type=Group)
            if self._policy.plan(group.route) is None:
                self._touched[row.key] = None
                homeless += [(known[one], group.sent_at or 0) for one, member in group.members.items() if one in known and not member.ended]
            else:
                self._take_up(row.key, group, known)
        for alarm, at in homeless:
            self._raise(alarm, position, at)

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
        outbox: list[OutboxMessage] = []
        for _, key in sorted((at, key) for key, at in self._due.items() if at <= now):
            outbox += self._flush(key, now)
        rows = tuple(map(self._row, sorted(self._touched)))
        untold = tuple(self._untold)
        self._touched.clear()
        self._untold.clear()
        return Notice(groups=rows, outbox=tuple(outbox), position=self.position, untold=untold)

    def _take_up(self, key: str, group: Group, known: Mapping[str, Alarm]) -> None:
        self._groups[key] = group
        for alarm_id, member in list(group.members.items()):
            alarm = member.alarm or known.get(alarm_id)
            if alarm is None:
                del group.members[alarm_id]
                self._touched[key] = None
            else:
                self._alarms[alarm_id] = alarm
                self._groups_of.setdefault(alarm_id, {})[key] = None
        self._schedule(key)

    def _read(self, entry: Transition, alarms: Mapping[str, Alarm]) -> None:
        alarm = alarms.get(entry.alarm) or self._alarms.get(entry.alarm)
        if alarm is None:
            return
        keys = self._groups_of.get(alarm.id)
        if entry.step is Step.RAISED or (entry.step is Step.UNSHELVED and not keys and alarm.active):
            self._raise(alarm, entry.seq, entry.recorded)
            return
        for key in list(keys or ()):
            self._alarms[alarm.id] = alarm
            if entry.step in _SILENT and not self._groups[key].members[alarm.id].ended:
                continue
            reason = self._groups[key].apply(entry.step, alarm, entry.recorded)
            if reason is not None:
                self._leave(alarm.id, key)
                if reason is not Reason.SILENCED:  # that was noted when the silence began to hold it back
                    self._note_untold(alarm, entry.recorded, reason)
            self._change(key)

    def _raise(self, alarm: Alarm, seq: int, at: int) -> None:
        plans = self._policy.plans_for(alarm)
        if not plans:
            self._note_untold(alarm, at, Reason.UNMATCHED)
        silence, held = self._silencing.covering(alarm), False
        for plan in plans:
            key = plan.group_of(alarm)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = Group(route=plan.id, episode=f"{alarm.id}@{seq}")
            held |= group.raise_(alarm, at, silence)
            self._alarms[alarm.id] = alarm
            self._groups_of.setdefault(alarm.id, {})[key] = None
            self._change(key)
        if held:
            self._note_untold(alarm, at, Reason.SILENCED, silence)

    def _heed_silences(self, now: int) -> None:
        """Holds back what a silence covers since the last look, and lets go what none covers any more."""
        if not self._silencing.look(now):
            return
        for alarm_id, keys in list(self._groups_of.items()):
            alarm, held = self._alarms[alarm_id], False
            silence = self._silencing.covering(alarm)
            for key in list(keys):
                group = self._groups[key]
                if group.members[alarm_id].silenced == silence:
                    continue
                held |= group.silence(alarm_id, silence, now)
                if alarm_id not in group.members:
                    self._leave(alarm_id, key)
                self._change(key)
            if held:
                self._note_untold(alarm, now, Reason.SILENCED, silence)

    def _flush(self, key: str, now: int) -> list[OutboxMessage]:
        group = self._groups[key]
        plan = self._plan(group)
        before = set(group.members)
        telling = group.tell(now)
        message_key = notification_key(f"{key}/{group.episode}", telling.event, telling.step)
        body = compose(telling, self._alarms, key=message_key, at=now, wording=self._wording)
        for gone in before - group.members.keys():
            self._leave(gone, key)
        self._change(key)
        return [OutboxMessage(key=message_key, channel=channel, event=telling.event, at=now, body=body) for channel in plan.route.channels]

    def _leave(self, alarm_id: str, key: str) -> None:
        keys = self._groups_of[alarm_id]
        del keys[key]
        if not keys:
            del self._groups_of[alarm_id], self._alarms[alarm_id]

    def _change(self, key: str) -> None:
        """Notes that the group's row has to be written again; a group without members is forgotten."""
        self._touched[key] = None
        if not self._groups[key].members:
            del self._groups[key]
        self._schedule(key)

    def _schedule(self, key: str) -> None:
        group = self._groups.get(key)
        at = None if group is None else group.due_at(self._plan(group).route)
        if at is None:
            self._due.pop(key, None)
        else:
            self._due[key] = at

    def _plan(self, group: Group) -> RoutePlan:
        plan = self._policy.plan(group.route)
        assert plan is not None  # noqa: S101  restore() lets no group stay whose route is gone
        return plan

    def _row(self, key: str) -> NotificationGroup:
        group = self._groups.get(key)
        if group is None:
            return NotificationGroup(key=key, due_at=None, body=None)
        return NotificationGroup(key=key, due_at=self._due.get(key), body=msgspec.json.encode(group))

    def _note_untold(self, alarm: Alarm, at: int, reason: Reason, silence: str = "") -> None:
        self.untold_counts[reason] += 1
        self._untold.append(Untold(alarm.id, alarm.rule, at, reason, silence))
