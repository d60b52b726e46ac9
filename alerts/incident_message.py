"""The message of a mass outage: how many, where, what explains it and how well, and what has come back. Pure."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from alerts.calling import Recipient
from alerts.explaining import Shared
from alerts.grouping import Telling
from alerts.incident_wording import INCIDENT_WORDS, IncidentWords
from alerts.message import MAX_TEXT, MessageDocument, Writer, cut, plain, tag
from alerts.outage import Outage
from alerts.wording import Words
from ioc.domain.alarm import Alarm, OutboxMessage, notification_key
from ioc.domain.alarm_document import alarm_document
from ioc.domain.rfc3339 import to_rfc3339

_MINUTES_FROM_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a message about an outage tells."""

    outage: Outage
    whole: Telling
    """With all alarms, whatever channel they go to."""
    hidden: int
    """Members that are silenced or shelved, of whom nobody is told."""
    released: bool
    """Whether the outage is over although members have not come back."""
    lead: Callable[[Words], str] = lambda _words: ""
    """The sentence that it begins with."""


def messages(told: Told, alarms: Mapping[str, Alarm], recipients: Iterable[Recipient], *, at: int) -> Iterator[OutboxMessage]:
    """One message for each recipient, with its alarms; `alarms` holds every alarm that the telling names."""
    telling, outage = told.whole, told.outage
    key = notification_key(f"{outage.key}/{outage.group.episode}", telling.event, telling.step)
    for channel, wording, taken in sorted(recipients, key=lambda one: one.channel):
        document = MessageDocument(
            key=key,
            event=telling.event,
            at=to_rfc3339(at),
            text=cut(_Text(told, Writer(wording, at)).whole(alarms), MAX_TEXT),
            alarms=[alarm_document(alarms[one], wording.language, incident=outage.id) for one in telling.named if one in taken],
            escalation=telling.escalation,
        )
        yield OutboxMessage(key=key, channel=channel, event=telling.event, at=at, body=msgspec.json.encode(document))


@dataclass(frozen=True, slots=True)
class _Text:
    told: Told
    writer: Writer

    @property
    def words(self) -> IncidentWords:
        return INCIDENT_WORDS["en" if self.writer.wording.language == "en" else "vi"]

    def whole(self, alarms: Mapping[str, Alarm]) -> str:
        telling, outage = self.told.whole, self.told.outage
        named = [alarms[one] for one in telling.named]
        total = len(outage.parts) - self.told.hidden
        active = [alarms[one] for one in (*telling.added, *telling.standing) if one not in telling.over]
        values = {
            "n": total,
            "back": outage.recovered,
            "left": len({alarm.device for alarm in active}),
            "kind": self._kind([*active, *named]),
            "place": self._shared(outage.shared, self.words.place),
            "shared": self._shared(outage.shared, self.words.together),
            "exposed": max(outage.exposed, total),
            "fallen": max(outage.fallen, total),
        }
        sentences = self._over(values) if telling.event == "cleared" else self._ongoing(values, active)
        words = self.writer.wording.words
        head = f"[{words.cleared}]" if self.told.released else tag(telling, named, words)
        return " ".join(filter(None, (head, self.told.lead(words), *sentences)))

    def _ongoing(self, values: Mapping[str, object], active: Sequence[Alarm]) -> list[str]:
        words, outage, telling = self.words, self.told.outage, self.told.whole
        if telling.event == "raised":
            also = [words.also.format(shared=self._shared(one, words.together)) for one in outage.also]
            head = [words.headline.format(**values, span=self._span()), words.share.format(**values), *also]
            back = [words.recovered.format(**values)] if outage.recovered else []
        else:
            added = [one for one in telling.added if one not in telling.over]
            head = [words.progress.format(**values)]
            back = [words.added.format(n=len(added))] if added else []
        units = {alarm.unit for alarm in active}
        where = [f"{self.writer.counts(active)}."] if len(units) > 1 else []
        return [*head, *back, *where, *self.writer.actions(active)]

    def _over(self, values: Mapping[str, object]) -> list[str]:
        since, until = self.writer.time(self.told.outage.since), self.writer.time(self.told.outage.changed)
        over = self.words.over.format(**values, since=since, until=until)
        return [over, *([self.words.left.format(**values)] if self.told.released else [])]

    def _kind(self, alarms: Sequence[Alarm]) -> str:
        families = {alarm.family for alarm in alarms}
        label = self.writer.wording.families.get(next(iter(families)) or "") if len(families) == 1 else None
        if label is None:
            return self.words.devices
        text = label.text(self.writer.wording.language)
        return text[0].lower() + text[1:]

    def _shared(self, shared: Shared, patterns: Mapping[str, str]) -> str:
        attribute, value = shared
        return patterns[attribute].format(value=self.writer.unit(value) if attribute == "unit" else plain(value))

    def _span(self) -> str:
        joined = [part.joined for part in self.told.outage.parts.values()]
        seconds = max(1, math.ceil((max(joined) - min(joined)) / 1000))
        if seconds < _MINUTES_FROM_S:
            return self.words.seconds.format(n=seconds)
        return self.words.minutes.format(n=math.ceil(seconds / 60))
