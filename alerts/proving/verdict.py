"""What was expected beside what came: every difference, with the place in the file that it belongs to."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from alerts.message import MessageDocument
from alerts.people_channels import person_of
from alerts.proving.rule_tests import ExpectedAlarm, ExpectedMessage
from ioc.domain.alarm import Alarm, OutboxMessage

Path = tuple[str | int, ...]
Wanted = TypeVar("Wanted")
Come = TypeVar("Come")


class Mismatch(msgspec.Struct, frozen=True):
    """One difference: where in the expectation, and in words."""

    path: Path
    what: str


class Standing(msgspec.Struct, frozen=True):
    """What is so at a moment: every alarm raised so far, and the messages since the last expectation of messages."""

    alarms: Sequence[Alarm]
    messages: Sequence[OutboxMessage]


def alarm_mismatches(wanted: Sequence[ExpectedAlarm], found: Sequence[Alarm], language: str) -> Iterator[Mismatch]:
    """The active alarms must be exactly those expected; of the cleared ones, those expected must be among them."""
    missing, extra = _unmatched(wanted, found, lambda one, alarm: _fits(one, alarm, language))
    for index in missing:
        near = next((alarm for alarm in extra if (alarm.rule, alarm.device) == (wanted[index].rule, wanted[index].device)), None)
        if near is not None and near.active:
            extra.remove(near)
        there = "no such alarm" if near is None else f"instead: {_alarm_text(near, language)}"
        yield Mismatch(("alarms", index), f"expected {_wanted_alarm(wanted[index])}; {there}")
    for alarm in extra:
        if alarm.active:
            yield Mismatch(("alarms",), f"not expected: {_alarm_text(alarm, language)}")


def message_mismatches(wanted: Sequence[ExpectedMessage], found: Sequence[OutboxMessage]) -> Iterator[Mismatch]:
    """The messages must be exactly those expected, whatever their order within one expectation."""
    missing, extra = _unmatched(wanted, found, _says)
    for index in missing:
        yield Mismatch(("messages", index), f"expected {_wanted_message(wanted[index])}; no such message")
    for message in extra:
        yield Mismatch(("messages",), f"not expected: a message `{message.event}` to {message.channel}: {_text(message)}")


def _unmatched(wanted: Sequence[Wanted], found: Sequence[Come], fits: Callable[[Wanted, Come], bool]) -> tuple[list[int], list[Come]]:
    """Indexes of what nothing fits, and what fits nothing. What asks for more chooses first."""
    left, missing = list(found), []
    choices = {index: sum(fits(one, other) for other in found) for index, one in enumerate(wanted)}
    for index in sorted(choices, key=lambda index: (choices[index], index)):
        fitting = next((other for other in left if fits(wanted[index], other)), None)
        if fitting is None:
            missing.append(index)
        else:
            left.remove(fitting)
    return sorted(missing), left


def _fits(wanted: ExpectedAlarm, alarm: Alarm, language: str) -> bool:
    return (
        wanted.rule == alarm.rule
        and wanted.device in {None, alarm.device}
        and (wanted.state == "active") is alarm.active
        and wanted.severity in {None, alarm.severity}
        and wanted.acknowledged in {None, alarm.acknowledged}
        and all(part in alarm.summary.get(language, "") for part in wanted.contains)
    )


def _says(wanted: ExpectedMessage, message: OutboxMessage) -> bool:
    return (
        wanted.channel in {None, message.channel}
        and wanted.person in {None, person_of(message.channel)}
        and wanted.event in {None, message.event}
        and all(part in _text(message) for part in wanted.contains)
    )


def _text(message: OutboxMessage) -> str:
    return msgspec.json.decode(message.body, type=MessageDocument).text


def _alarm_text(alarm: Alarm, language: str) -> str:
    seen = ", acknowledged" if alarm.acknowledged else ""
    state = "active" if alarm.active else "cleared"
    return f"{alarm.rule} of {alarm.device or 'ourselves'} ({state}, {alarm.severity.value}{seen}): {alarm.summary.get(language, '')}"


def _wanted_alarm(wanted: ExpectedAlarm) -> str:
    details = [wanted.state, *([wanted.severity.value] if wanted.severity else [])]
    if wanted.acknowledged is not None:
        details.append("acknowledged" if wanted.acknowledged else "not acknowledged")
    details += [f"with `{part}`" for part in wanted.contains]
    return f"{wanted.rule}{f' of {wanted.device}' if wanted.device else ''} ({', '.join(details)})"


def _wanted_message(wanted: ExpectedMessage) -> str:
    parts = [
        f"`{wanted.event}`" if wanted.event else "",
        f"to {wanted.channel or wanted.person}" if wanted.channel or wanted.person else "",
    ]
    parts += [f"with `{part}`" for part in wanted.contains]
    return " ".join(["a message", *(part for part in parts if part)])
