"""A cap on the messages of each channel: what is beyond it is one summary that says how many. Pure; times are Unix ms."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from alerts.flood_plan import FloodPlan
from alerts.message import MAX_TEXT, MessageDocument, Wording, Writer, cut, gravest_first, plain
from ioc.domain.alarm import Alarm, NotificationGroup, OutboxMessage, Severity, notification_key
from ioc.domain.alarm_document import AlarmDocument
from ioc.domain.rfc3339 import to_rfc3339

PREFIX = "flood:"
"""Keys of rows about channels begin so."""
MOST_ALARMS = 1_000
"""Alarms that a summary names; of more it tells the number only."""
SHOWN = 5
"""Escalated alarms that a summary tells in a line each."""


class Channel(msgspec.Struct):
    """What a channel got lately, and what is held back from it."""

    sent: list[int] = msgspec.field(default_factory=list)
    """When it got messages, as many as it may get within the time."""
    since: int | None = None
    """Since when messages are held back; None = they aren't."""
    held: int = 0
    alarms: dict[str, AlarmDocument] = msgspec.field(default_factory=dict)
    """Those that the held messages name, as they told them last."""
    more: int = 0
    """Alarms beyond those, as often as they were named."""
    escalated: list[str] = msgspec.field(default_factory=list)
    """Those of `alarms` that a held message escalated, as long as they stand and nobody has acknowledged them."""


class Flood:
    """Lets messages through as long as the cap allows it; those about critical alarms and about incidents pass always.

    A step of an escalation passes with what it is about; where it doesn't, the summary tells its alarms by name.
    """

    def __init__(self, plan: FloodPlan, *, wording: Wording) -> None:
        """`plan.channels`: those that are capped."""
        self._plan = plan
        self._capped = frozenset(plan.channels if plan.enabled else ())
        self._wording = wording
        self._channels: dict[str, Channel] = {}
        self._touched: dict[str, None] = {}

    @property
    def next_look(self) -> int | None:
        """When a summary is due next, or None."""
        return min((channel.since + self._plan.within for channel in self._channels.values() if channel.since is not None), default=None)

    def through(self, messages: Iterable[OutboxMessage], now: int) -> tuple[list[OutboxMessage], list[tuple[AlarmDocument, str]]]:
        """The messages that may go out now, and the alarms of those that may not, with their channel."""
        passed, held = [], []
        for message in messages:
            alarms = self._over(message, now) if message.channel in self._capped else None
            if alarms is None:
                passed.append(message)
            else:
                held += [(alarm, message.channel) for alarm in alarms]
        return passed, held

    def heed(self, alarm: Alarm) -> None:
        """A later state of an alarm: over, or acknowledged, its escalation needs nobody any more."""
        if alarm.active and not alarm.acknowledged:
            return
        for name, channel in self._channels.items():
            if alarm.id in channel.escalated:
                channel.escalated.remove(alarm.id)
                self._touched[name] = None

    def look(self, now: int) -> Iterator[OutboxMessage]:
        """The summaries that are due."""
        for name, channel in sorted(self._channels.items()):
            if channel.since is not None and channel.since + self._plan.within <= now:
                yield self._summary(name, channel, channel.since, now)
                self._channels[name] = Channel(sent=[*channel.sent, now][-self._plan.messages :])
                self._touched[name] = None

    def held(self) -> Iterator[tuple[str, str]]:
        """Alarms that held messages name, with the channel."""
        return ((alarm, name) for name, channel in sorted(self._channels.items()) for alarm in channel.alarms)

    def take_rows(self) -> list[NotificationGroup]:
        """The rows that changed since the last call."""
        rows = []
        for name in sorted(self._touched):
            channel = self._channels[name]
            due = None if channel.since is None else channel.since + self._plan.within
            rows.append(NotificationGroup(key=PREFIX + name, due_at=due, body=msgspec.json.encode(channel)))
        self._touched.clear()
        return rows

    def restore(self, row: NotificationGroup) -> None:
        """Takes up a row."""
        self._channels[row.key.removeprefix(PREFIX)] = msgspec.json.decode(row.body or b"", type=Channel)

    def _over(self, message: OutboxMessage, now: int) -> list[AlarmDocument] | None:
        """The alarms of a message that is held back; None = it passes."""
        channel = self._channels.setdefault(message.channel, Channel())
        self._touched[message.channel] = None
        lately = [at for at in channel.sent if at > now - self._plan.within]
        full = channel.since or len(lately) >= self._plan.messages
        document = msgspec.json.decode(message.body, type=MessageDocument) if full else None
        if document is None or _urgent(document.alarms):
            channel.sent = [*lately, now][-self._plan.messages :]
            return None
        channel.since = now if channel.since is None else channel.since
        channel.held += 1
        for alarm in document.alarms:
            if alarm.id in channel.alarms or len(channel.alarms) < MOST_ALARMS:
                channel.alarms[alarm.id] = alarm
            else:
                channel.more += 1
            if document.escalation and alarm.id in channel.alarms and alarm.id not in channel.escalated:
                channel.escalated.append(alarm.id)
        return document.alarms

    def _summary(self, name: str, channel: Channel, since: int, now: int) -> OutboxMessage:
        key = notification_key(f"{PREFIX}{name}/{since}", "updated", 1)
        alarms, text = list(channel.alarms.values()), self._text(channel, Writer(self._wording, now), since)
        body = MessageDocument(key=key, event="updated", at=to_rfc3339(now), text=text, alarms=alarms)
        return OutboxMessage(key=key, channel=name, event="updated", at=now, body=msgspec.json.encode(body))

    def _text(self, channel: Channel, writer: Writer, since: int) -> str:
        return cut("\n".join((self._counts(channel, writer, since), *self._escalated(channel, writer))), MAX_TEXT)

    def _escalated(self, channel: Channel, writer: Writer) -> Iterator[str]:
        """The escalated alarms, the gravest first: whoever is called because nobody acknowledged has to know of what."""
        words = self._wording.words
        named = gravest_first(channel.alarms[alarm] for alarm in channel.escalated)
        if named:
            yield words.flood_escalated.format(n=len(named))
        yield from (f"- {writer.where(one)}: {plain(one.summary).rstrip('. ')}" for one in named[:SHOWN])
        if len(named) > SHOWN:
            yield words.more.format(n=len(named) - SHOWN)

    def _counts(self, channel: Channel, writer: Writer, since: int) -> str:
        words = self._wording.words
        active = Counter(alarm.severity for alarm in channel.alarms.values() if alarm.state == "active")
        counts = ", ".join(f"{words.severity[severity]}: {active[severity]}" for severity in Severity if active[severity])
        return words.flood.format(
            n=channel.held,
            since=writer.time(since),
            most=self._plan.messages,
            minutes=self._plan.within // 60_000,
            active=active.total(),
            over=len(channel.alarms) - active.total(),
            counts=f" ({counts})" if counts else "",
        )


def _urgent(alarms: Iterable[AlarmDocument]) -> bool:
    return any(alarm.incident is not None or (alarm.severity is Severity.CRITICAL and alarm.state == "active") for alarm in alarms)
