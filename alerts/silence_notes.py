"""Messages about a silence's own end: the reminder before it, and the digest of what it hid. Pure; times are Unix ms."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.message import Wording, Writer, plain
from alerts.note import note
from alerts.readers import Readers
from alerts.silence_wording import SILENCE_WORDS
from alerts.silences_plan import SilencesPlan
from ioc.domain.alarm import Alarm, OutboxMessage, Severity, notification_key
from ioc.domain.alarm_document import alarm_document
from ioc.domain.silence import Hidden, Silence

SHOWN = 5
"""Alarms that a digest tells in a line each: the most severe active ones."""
NAMED = 1_000
"""Alarms in a digest's document; the text has the number of all."""
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceNotes:
    """Decides and words what is told of silences."""

    plan: SilencesPlan
    readers: Readers
    wording: Wording

    def reminds(self, silence: Silence, now: int) -> bool:
        """Whether its end is near enough to be told of; only where it lasts long enough to be forgotten."""
        lasts = silence.until - max(silence.since, silence.created_at)
        return bool(self.plan.remind) and lasts > self.plan.longer_than and silence.until - self.plan.remind <= now < silence.until

    def reminder(self, silence: Silence, hidden: Sequence[Hidden], now: int) -> tuple[OutboxMessage, ...]:
        """That it ends soon, and what it holds back now; the same key however often it is asked for."""
        words, writer = SILENCE_WORDS[self.wording.key], Writer(self.wording, now)
        active = sum(one.alarm.active for one in hidden)
        first = words.reminder.format(
            tag=words.ends[silence.kind],
            scope=self._scope(silence, writer),
            reason=plain(silence.reason).rstrip(". "),
            until=writer.time(silence.until),
            minutes=-(-(silence.until - now) // _MINUTE_MS),
        )
        text = f"{first} {words.holds.format(n=active) if active else words.holds_none}"
        return note(self.readers.of(silence.by, self.plan.channels), text, key=reminder_key(silence), at=now)

    def digest(self, silence: Silence, hidden: Sequence[Hidden], now: int) -> tuple[OutboxMessage, ...]:
        """What it hid, and what of that still stands; nothing where it hid nothing."""
        if not hidden or not self.plan.digest:
            return ()
        key = notification_key(f"silence/{silence.id}/hid/{hidden[0].at}", "updated", 1)
        alarms = [alarm_document(one.alarm, self.wording.language) for one in hidden[:NAMED]]
        text = "\n".join(self._digest_lines(silence, [one.alarm for one in hidden], Writer(self.wording, now)))
        return note(self.readers.of(silence.by, self.plan.channels), text, key=key, at=now, alarms=alarms)

    def _digest_lines(self, silence: Silence, alarms: Sequence[Alarm], writer: Writer) -> Iterator[str]:
        words, names = SILENCE_WORDS[self.wording.key], self.wording.words.severity
        counted = Counter(alarm.severity for alarm in alarms)
        active = [alarm for alarm in sorted(alarms, key=_rank) if alarm.active]
        first = words.digest.format(
            tag=words.ended[silence.kind],
            scope=self._scope(silence, writer),
            reason=plain(silence.reason).rstrip(". "),
            n=len(alarms),
            counts=", ".join(f"{names[one]}: {counted[one]}" for one in Severity if counted[one]),
        )
        yield f"{first} {words.active.format(n=len(active)) if active else words.over}"
        yield from (f"- {writer.line(alarm)}" for alarm in active[:SHOWN])
        if len(active) > SHOWN:
            yield self.wording.words.more.format(n=len(active) - SHOWN)

    def _scope(self, silence: Silence, writer: Writer) -> str:
        """What it covers, as people call it."""
        words, wording = SILENCE_WORDS[self.wording.key], self.wording
        family = None if silence.family is None else wording.families.get(silence.family)
        parts = (
            family.text(wording.language) if family else silence.family,
            None if silence.device is None else writer.device(silence.device),
            None if silence.unit is None else writer.unit(silence.unit),
            None if silence.rule is None else words.rule.format(rule=silence.rule),
            None if silence.severity is None else words.severity.format(severity=wording.words.severity[Severity(silence.severity)]),
        )
        return ", ".join(plain(part) for part in parts if part)


def reminder_key(silence: Silence) -> str:
    """The idempotency key of its reminder; another one when its end is moved."""
    return notification_key(f"silence/{silence.id}/ends/{silence.until}", "updated", 1)


def _rank(alarm: Alarm) -> tuple[int, int, str]:
    return list(Severity).index(alarm.severity), alarm.since, alarm.id
