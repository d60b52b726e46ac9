"""A rule test played through: a desk hears what the file says, second by second, and is looked at when the file expects something."""

import heapq
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from alerts.desk import DeskInput, Strangers
from alerts.engine import Engine, Outcome
from alerts.inputs import OwnCondition
from alerts.lifecycle import Act, StepRefusedError
from alerts.proving.backdrop import Backdrop
from alerts.proving.notation import Stale
from alerts.proving.rule_tests import OwnSpell, PersonsAct, RuleTest
from alerts.proving.stagehand import Stagehand
from alerts.proving.verdict import Mismatch, Path, Standing, alarm_mismatches, message_mismatches
from ioc.domain.alarm import Alarm
from ioc.domain.family import Family
from ioc.domain.hearing import CANARY_EVERY_MS, Heard, Lost
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival, DeviceEvent, DeviceStatus, Sample, Value
from ioc.domain.silence import Silence

SOURCE = "test"
SECOND_MS = 1_000

Cue = tuple[int, int, int, Callable[[], Awaitable[object]]]
"""When (ms since the beginning), in which order within a moment, running number, what happens."""
_PEOPLE, _DEVICES, _CANARY, _PULSE, _LOOK = range(5)

Typed = Mapping[str, Mapping[str, Sequence[Value | Stale]]]
"""Device → metric → values as the family declares them."""


class Scene:
    """One test; `start` = Unix ms of its time 0. `series` holds the test's series with typed values."""

    def __init__(self, test: RuleTest, *, backdrop: Backdrop, start: int, series: Typed) -> None:
        self._test = test
        self._backdrop = backdrop
        self._start = start
        self._series = series
        self._hand = Stagehand(backdrop, sources=[SOURCE], now=start, strangers=Strangers(accept=False, most=0))
        self._told = 0
        self._mismatches: list[Mismatch] = []

    async def play(self) -> list[Mismatch]:
        """Every difference, in the order of the expectations; paths lead from the test's own mapping."""
        hand = self._hand
        devices = [
            Device(device=name, family=one.family, unit=one.unit, name=one.name, labels=one.labels, registered_at=self._start)
            for name, one in self._test.devices.items()
        ]
        await hand.desk.register(devices)
        for at, _, _, act in heapq.merge(self._pulses(), sorted(self._cues(), key=_order), key=_order):
            hand.now = self._start + at
            await act()
        if hand.desk.faults:
            self._differs(("expect", 0), f"the program itself stumbled {hand.desk.faults} times; its errors stand above")
        return self._mismatches

    def _pulses(self) -> Iterator[Cue]:
        end = max(one.at for one in self._test.expect)
        for number, at in enumerate(range(0, end + 1, SECOND_MS)):
            if at % CANARY_EVERY_MS == 0 and not self._blind(at):
                yield at, _CANARY, number, partial(self._hear, [Heard(self._start + at, self._start + at)])
            yield at, _PULSE, number, self._pulse

    def _cues(self) -> Iterator[Cue]:
        """What happens besides the clock's ticking, in no order."""
        test, end = self._test, max(one.at for one in self._test.expect)
        for number, one in enumerate(test.silences):
            silence = self._silence(number)
            yield one.from_, _PEOPLE, number, partial(self._hand.desk.silence, silence)
        for number, act in enumerate(test.acts):
            yield act.at, _PEOPLE, len(test.silences) + number, partial(self._act, number, act)
        for number, spell in enumerate(test.blind):
            yield spell.from_, _DEVICES, number, partial(self._hear, [Lost(self._start + spell.from_)])
        for number, (at, inputs) in enumerate(self._messages()):
            if at <= end and not self._blind(at):
                yield at, _DEVICES, number, partial(self._hear, inputs)
        for number, expectation in enumerate(test.expect):
            yield expectation.at, _LOOK, number, partial(self._look, number)

    def _messages(self) -> Iterator[tuple[int, list[DeskInput]]]:
        for device, metrics in self._series.items():
            family = self._backdrop.families[self._test.devices[device].family]
            interval = self._test.interval or family.cadence
            for index in range(max(map(len, metrics.values()), default=0)):
                said = {name: steps[index] for name, steps in metrics.items() if index < len(steps)}
                if inputs := _message(family, device, said, self._start + index * interval):
                    yield index * interval, inputs
        for one in self._test.events:
            family, at = self._backdrop.families[self._test.devices[one.device].family], self._start + one.at
            body = msgspec.json.encode({"event": one.event, **one.body}).decode()
            event = DeviceEvent(family.family, one.device, at, at, one.event, body, 0, live=True)
            yield one.at, [Arrival(family.family, one.device, at), event]

    async def _hear(self, inputs: Sequence[DeskInput]) -> None:
        await self._hand.desk.decide(SOURCE, inputs)

    async def _pulse(self) -> None:
        now = self._hand.now
        await self._hand.desk.pulse([_own(spell, now - self._start, now) for spell in self._test.own])

    def _blind(self, at: int) -> bool:
        return any(spell.from_ <= at < spell.to for spell in self._test.blind)

    def _silence(self, number: int) -> Silence:
        one = self._test.silences[number]
        since, until = self._start + one.from_, self._start + one.to
        keys = {name: getattr(one, name) for name in ("rule", "family", "device", "unit")}
        severity = None if one.severity is None else one.severity.value
        return Silence(id=f"s{number}", **keys, severity=severity, since=since, until=until, reason="test", by="test", created_at=since)

    async def _act(self, number: int, act: PersonsAct) -> None:
        alarm = next((one for one in self._alarms() if one.rule == act.rule and act.device in {None, one.device} and one.active), None)
        if alarm is None:
            self._differs(("acts", number), f"there is no active alarm of {act.rule}{f' on {act.device}' if act.device else ''} to act on")
            return
        until = None if act.until is None else self._start + act.until
        asked = Act(step=act.step, by=act.by, comment=act.comment, to=act.to, until=until)
        try:
            await self._hand.desk.change(lambda engine, now: _acted(engine, alarm, asked, now))
        except StepRefusedError as error:
            self._differs(("acts", number), str(error))

    async def _look(self, number: int) -> None:
        expectation, found = self._test.expect[number], Standing(list(self._alarms()), self._hand.chronicle.messages[self._told :])
        differences: list[Mismatch] = []
        if expectation.alarms is not None:
            differences += alarm_mismatches(expectation.alarms, found.alarms, self._backdrop.language)
        if expectation.messages is not None:
            self._told = len(self._hand.chronicle.messages)
            differences += message_mismatches(expectation.messages, found.messages)
        for one in differences:
            self._differs(("expect", number, *one.path), one.what)

    def _alarms(self) -> Iterable[Alarm]:
        return self._hand.chronicle.alarms.values()

    def _differs(self, path: Path, what: str) -> None:
        self._mismatches.append(Mismatch(path, what))


def _order(cue: Cue) -> tuple[int, int, int]:
    return cue[:3]


def _acted(engine: Engine, alarm: Alarm, act: Act, now: int) -> Outcome:
    return engine.act(alarm, act, now)


def _own(spell: OwnSpell, at: int, now: int) -> OwnCondition:
    holds = spell.from_ <= at < spell.to
    return OwnCondition(spell.rule, now, now - at + spell.from_ if holds else None, spell.detail)


def _message(family: Family, device: str, said: Mapping[str, Value | Stale], at: int) -> list[DeskInput]:
    """One message with the values of a moment, or the Will of a device whose connection breaks."""
    if any(isinstance(value, Stale) for value in said.values()):
        return [DeviceStatus(family.family, device, at, online=False)]
    values = tuple(said.get(name) for name in family.index)
    if not any(value is not None for value in values):
        return []
    return [Arrival(family.family, device, at), Sample(family.family, device, at, at, values, 0, live=True)]  # type: ignore[arg-type]
