"""The message of a group: the webhook's document, with a text in the site's language. Pure."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal, TypeVar

import msgspec

from alerts.grouping import Telling
from alerts.wording import WORDS, Words
from ioc.domain.alarm import GROUP, SEVERITY_RANK, Alarm
from ioc.domain.alarm_document import AlarmDocument, alarm_document
from ioc.domain.family import Label
from ioc.domain.registry import Device, Unit
from ioc.domain.rfc3339 import to_rfc3339

Told = TypeVar("Told", Alarm, AlarmDocument)

MAX_TEXT = 1_500
"""Longest text of a message, in characters."""
MAX_PART = 240
"""Longest name, summary or action within a text."""
MAX_LINES = 10
MAX_COUNTS = 4
MAX_ACTIONS = 3


class MessageDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a webhook receives: `key` is the idempotency key, `event` raised, updated or cleared, times RFC 3339 UTC."""

    key: str
    event: str
    at: str
    text: str
    alarms: list[AlarmDocument]
    escalation: int = 0
    """The step of the escalation that the message is; left out where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How texts are written: language and zone of the site, and where names come from (None = unknown)."""

    language: str
    zone: tzinfo
    device: Callable[[str], Device | None]
    unit: Callable[[str], Unit | None]
    families: Mapping[str, Label]

    @property
    def key(self) -> Literal["vi", "en"]:
        """The language's key in tables of words."""
        return "en" if self.language == "en" else "vi"

    @property
    def words(self) -> Words:
        """The fixed words of the language."""
        return WORDS[self.key]


def compose(telling: Telling, alarms: Mapping[str, Alarm], *, key: str, at: int, wording: Wording, lead: str = "") -> bytes:
    """The message's document as JSON on one line; `alarms` holds every alarm that the telling names, `lead` a sentence to begin with."""
    named = [alarms[one] for one in telling.named]
    document = MessageDocument(
        key=key,
        event=telling.event,
        at=to_rfc3339(at),
        text=message_text(telling, alarms, at=at, wording=wording, lead=lead),
        alarms=[alarm_document(alarm, wording.language) for alarm in named],
        escalation=telling.escalation,
    )
    return msgspec.json.encode(document)


def message_text(telling: Telling, alarms: Mapping[str, Alarm], *, at: int, wording: Wording, lead: str = "") -> str:
    """The text, for example `[CAO] Cụm loa Xóm Tháp, Phường Việt Trì: mất kết nối từ 23:14. Việc cần làm: …`."""
    named = gravest_first(alarms[one] for one in telling.named)
    writer = Writer(wording, at, telling.flaps)
    body = writer.single(telling, named[0]) if len(named) == 1 else writer.several(telling, named)
    return cut(" ".join(filter(None, (tag(telling, named, wording.words), lead, body))), MAX_TEXT)


def cut(text: str, length: int) -> str:
    """At most `length` characters; a cut text ends with `…`."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def plain(text: str) -> str:
    """A device's or person's text on one line, without control characters, precomposed, cut to `MAX_PART`."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return cut(unicodedata.normalize("NFC", " ".join(visible.split())), MAX_PART)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes sentences about alarms as seen at one moment."""

    wording: Wording
    at: int
    flaps: Mapping[str, int] = field(default_factory=dict)
    """How often those alarms came that are summed up."""

    def single(self, telling: Telling, alarm: Alarm) -> str:
        """One alarm, and what to do."""
        return " ".join([f"{self.line(alarm)}.", *self.actions([] if telling.over else [alarm])])

    def several(self, telling: Telling, named: Sequence[Alarm]) -> str:
        """A headline, what to do, and a line for each of some alarms."""
        active = [alarm for alarm in named if alarm.id not in telling.over]
        headline = " ".join([self._headline(telling, active or named), *self.actions(active)])
        return "\n".join([headline, *self._lines(telling, named)])

    def _headline(self, telling: Telling, shown: Sequence[Alarm]) -> str:
        words, counts = self.wording.words, self.counts(shown)
        if telling.all_over:
            return words.over.format(n=len(shown), counts=counts)
        if telling.reminder:
            return words.standing.format(n=len(shown), counts=counts)
        if telling.event == "raised" or telling.escalation:
            return words.count.format(n=len(shown), counts=counts)
        added, ended = len(telling.added), len(telling.ended)
        changes = [
            *([words.change_added.format(n=added)] if added else []),
            *([words.change_ended.format(n=ended)] if ended else []),
            words.change_left.format(n=len(shown)),
        ]
        sentence = words.change.format(changes=", ".join(changes), counts=counts)
        return sentence[0].upper() + sentence[1:]

    def counts(self, alarms: Sequence[Alarm]) -> str:
        """How many of each rule in each unit, most first."""
        counted = Counter((alarm.rule, alarm.unit) for alarm in alarms)
        example = {(alarm.rule, alarm.unit): alarm for alarm in reversed(alarms)}
        shown = sorted(counted, key=lambda kind: (-counted[kind], kind[0], kind[1] or ""))[:MAX_COUNTS]
        parts = [f"{self._kind(example[kind])}: {counted[kind]}" for kind in shown]
        rest = sum(counted.values()) - sum(counted[kind] for kind in shown)
        return "; ".join([*parts, *([self.wording.words.more_counts.format(n=rest)] if rest else [])])

    def _kind(self, alarm: Alarm) -> str:
        return ", ".join(part for part in (self._summary(alarm), self._unit(alarm)) if part)

    def _lines(self, telling: Telling, named: Sequence[Alarm]) -> list[str]:
        """The alarms that the message is about, one a line: what is new and what has ended, or in a reminder all."""
        words = self.wording.words
        news = {*telling.added, *telling.ended}
        about = [alarm for alarm in named if not news or alarm.id in news]
        lines = []
        for alarm in about[:MAX_LINES]:
            line = self.line(alarm)
            gone = not telling.all_over and alarm.id in telling.over
            lines.append("- " + (words.gone.format(line=line) if gone else line))
        rest = len(about) - len(lines)
        return [*lines, *([words.more.format(n=rest)] if rest else [])]

    def line(self, alarm: Alarm) -> str:
        """What is wrong where, and since when."""
        words = self.wording.words
        what = self._what(alarm)
        if (flaps := self.flaps.get(alarm.id)) is not None:
            what = words.flapping.format(what=what, n=flaps)
        values = {"what": what, "since": self.time(alarm.since)}
        if alarm.cleared_at is None:
            return words.active.format(**values)
        return words.ended.format(**values, until=self.time(alarm.cleared_at))

    def _what(self, alarm: Alarm) -> str:
        """Place and summary; a summary about ourselves may name us already."""
        summary, ourselves = self._summary(alarm), self.wording.words.ourselves
        if alarm.device is None and ourselves.casefold() in summary.casefold():
            return summary[0].upper() + summary[1:]
        return f"{self.where(alarm)}: {summary}"

    def actions(self, alarms: Sequence[Alarm]) -> list[str]:
        """What to do, once for every rule."""
        by_rule = {alarm.rule: alarm for alarm in reversed(alarms)}
        todo = [alarm for alarm in gravest_first(by_rule.values()) if self._action(alarm)][:MAX_ACTIONS]
        pattern = self.wording.words.action if len(by_rule) == 1 else self.wording.words.action_for
        return [pattern.format(action=self._action(alarm), summary=self._summary(alarm)) for alarm in todo]

    def where(self, alarm: Alarm | AlarmDocument) -> str:
        """The device or group that an alarm is about, as people call it, with its unit."""
        if alarm.device is None:
            group = self._unit(alarm) or plain(alarm.labels.get(GROUP, "").partition("=")[2])
            return group[0].upper() + group[1:] if group else self.wording.words.ourselves
        device = self.wording.device(alarm.device)
        name = plain((device.name if device else None) or alarm.device)
        label = self.wording.families.get(alarm.family or "")
        kind = "" if label is None else label.text(self.wording.language)
        if kind and _first_word(name) != _first_word(kind):
            name = f"{kind} {name}"
        return ", ".join(part for part in (name, self._unit(alarm)) if part)

    def _unit(self, alarm: Alarm | AlarmDocument) -> str:
        return "" if alarm.unit is None else self.unit(alarm.unit)

    def unit(self, name: str) -> str:
        """A unit as it stands within a sentence; its id where it has no name."""
        unit = self.wording.unit(name)
        return plain(name if unit is None else _inside_a_sentence(unit))

    def device(self, name: str) -> str:
        """A device as people call it; its id where it has no name."""
        device = self.wording.device(name)
        return plain((device.name if device else None) or name)

    def _summary(self, alarm: Alarm) -> str:
        return plain(_text(alarm.summary, self.wording.language) or alarm.rule).rstrip(". ")

    def _action(self, alarm: Alarm) -> str:
        return plain(_text(alarm.action, self.wording.language)).rstrip(". ")

    def moment(self, ms: int) -> str:
        """The site's clock with the day."""
        local = datetime.fromtimestamp(ms / 1000, self.wording.zone)
        return self.wording.words.on_day.format(time=f"{local:%H:%M}", day=f"{local:%d/%m/%Y}")

    def time(self, ms: int) -> str:
        """The site's clock, with the day where it is another one than the message's."""
        moment, now = (datetime.fromtimestamp(one / 1000, UTC).astimezone(self.wording.zone) for one in (ms, self.at))
        time = f"{moment:%H:%M}"
        return time if moment.date() == now.date() else self.wording.words.on_day.format(time=time, day=f"{moment:%d/%m/%Y}")


def tag(telling: Telling, named: Sequence[Alarm], words: Words) -> str:
    """The severity in brackets; that all is over, or that nothing is new, stands there too."""
    active = [alarm for alarm in named if alarm.id not in telling.over]
    severity = words.severity[min((alarm.severity for alarm in active or named), key=SEVERITY_RANK.__getitem__)]
    if telling.all_over:
        ids = {alarm.id for alarm in named}
        over = words.withdrawn if ids <= telling.withdrawn else words.cleared
        return f"[{severity}, {over}]" if telling.added else f"[{over}]"
    if telling.escalation:
        return f"[{words.escalated}: {severity}]"
    return f"[{words.reminder}: {severity}]" if telling.reminder else f"[{severity}]"


def gravest_first(alarms: Iterable[Told]) -> list[Told]:
    """Most severe first, then oldest."""
    return sorted(alarms, key=lambda alarm: (SEVERITY_RANK[alarm.severity], alarm.since, alarm.id))


def _text(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def _first_word(text: str) -> str:
    return text.casefold().split(" ", 1)[0]


def _inside_a_sentence(unit: Unit) -> str:
    """`phường Việt Trì` for the ward called `Phường Việt Trì`."""
    kind = unit.type
    return kind + unit.name[len(kind) :] if kind and unit.name.casefold().startswith(kind.casefold() + " ") else unit.name
