"""Why somebody was, or was not, told of an alarm: what is on record, in sentences. Pure; times are Unix ms."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

import msgspec

from alerts.message_fields import read_document
from alerts.people_channels import person_of
from alerts.why_words import WHY_WORDS
from ioc.domain.alarm import Alarm, OutboxMessage, Step, Transition, Unsent
from ioc.domain.why import Sending, Trace


class Line(msgspec.Struct, frozen=True, gc=False):
    """A sentence, and the moment that it tells of."""

    at: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Words records; `people`: channel → who it belongs to."""

    language: Literal["vi", "en"]
    zone: tzinfo
    people: Mapping[str, str | None]

    def alarm(self, trace: Trace) -> list[Line]:
        """All of one alarm, in order of time."""
        words = WHY_WORDS[self.language]
        lines = [self._step(entry, trace.alarm) for entry in trace.journal]
        lines += [self._unsent(one) for one in trace.unsent]
        if trace.incident is not None:
            lines.append(Line(trace.alarm.since, words.incident.format(incident=trace.incident)))
        lines += [self._sending(one) for one in trace.sendings]
        if not trace.sendings and not trace.unsent:
            lines.append(Line(max(line.at for line in lines) if lines else trace.alarm.since, words.nothing))
        return sorted(lines, key=lambda line: line.at)

    def person(self, person: str, sent: Sequence[Sending], stood: Iterable[Trace], *, start: int, end: int) -> list[Line]:
        """Why a person was called in start ≤ at < end, and why not about what stood then. `sent`: what went to the person's channels."""
        words = WHY_WORDS[self.language]
        mine = self.channels_of(person)
        if not mine:
            known = ", ".join(f"{name} ({whose})" if whose else name for name, whose in sorted(self.people.items()))
            return [Line(start, words.no_channel.format(person=person, known=known or "-"))]
        lines = [Line(one.entry.message.at, words.called.format(person=person, text=self._sending(one).text)) for one in sent]
        told = {one.entry.message.key for one in sent}
        others = [trace for trace in stood if not any(one.entry.message.key in told for one in trace.sendings)]
        for trace in others:
            why = self._not_called(person, mine, trace)
            lines.append(Line(why.at, words.not_called.format(person=person, what=self._what(trace.alarm), text=why.text)))
        if not lines:
            lines.append(Line(start, words.quiet.format(start=self._time(start), end=self._time(end))))
        return sorted(lines, key=lambda line: line.at)

    def channels_of(self, person: str) -> list[str]:
        """The channels that belong to a person (by id or by name), or are called so."""
        return [name for name, whose in self.people.items() if person in {name, whose, person_of(name)}]

    def _not_called(self, person: str, mine: Collection[str], trace: Trace) -> Line:
        words = WHY_WORDS[self.language]
        since = trace.alarm.since
        theirs = [one for one in trace.sendings if one.entry.message.channel in mine]
        if theirs:
            return Line(since, words.later.format(person=person, at=self._time(theirs[0].entry.message.at)))
        if trace.unsent:
            last = trace.unsent[-1]
            return self._unsent(last)
        if trace.sendings:
            others = dict.fromkeys(self._whom(one.entry.message.channel) for one in trace.sendings)
            return Line(since, words.elsewhere.format(others=", ".join(others), person=person))
        return Line(since, words.nothing)

    def _step(self, entry: Transition, alarm: Alarm) -> Line:
        pattern = WHY_WORDS[self.language].steps[entry.step]
        text = pattern.format(
            what=alarm.subject or alarm.rule,
            summary=alarm.summary.get(self.language, alarm.rule),
            known=self._time(entry.recorded),
            rule=entry.rule,
            by=entry.by.removeprefix("person:"),
            detail=f": {entry.detail}" if entry.detail else "",
        )
        return Line(entry.at if entry.step is Step.RAISED else entry.recorded, text)

    def _sending(self, one: Sending) -> Line:
        words, entry = WHY_WORDS[self.language], one.entry
        detail = one.attempts[-1].detail if one.attempts else ""
        if entry.done_at is not None:
            pattern = words.delivered if entry.delivered else words.handed
        else:
            pattern = words.refused if one.attempts else words.waiting
        text = pattern.format(
            event=self._event(entry.message),
            whom=self._whom(entry.message.channel),
            done="" if entry.done_at is None else self._time(entry.done_at),
            next="" if entry.next_at is None else self._time(entry.next_at),
            n=entry.attempts,
            detail=detail,
        )
        return Line(entry.message.at, text)

    def _unsent(self, one: Unsent) -> Line:
        until = "" if one.until is None else datetime.fromtimestamp(one.until / 1000, self.zone).strftime("%H:%M %d/%m/%Y")
        return Line(one.at, WHY_WORDS[self.language].unsent[one.reason].format(by=one.by, until=until))

    def _event(self, message: OutboxMessage) -> str:
        """The message's event, and the step of the escalation that it is."""
        try:
            step = read_document(message.body).escalation
        except msgspec.DecodeError:  # no document of ours
            step = 0
        return WHY_WORDS[self.language].escalated.format(event=message.event, n=step) if step else message.event

    def _whom(self, channel: str) -> str:
        whose = self.people.get(channel)
        return f"{whose} ({channel})" if whose else channel

    def _what(self, alarm: Alarm) -> str:
        return f"{alarm.subject or alarm.rule}, {alarm.summary.get(self.language, alarm.rule)} [{alarm.id[:12]}]"

    def _time(self, at: int) -> str:
        return datetime.fromtimestamp(at / 1000, self.zone).strftime("%H:%M:%S")
