"""Decides and commits, one batch at a time: liveness, rules, grouping and the outbox in one transaction."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from alerts.engine import Engine, Outcome
from alerts.inputs import ClockStep, Input, OwnCondition
from alerts.notice import Notice
from alerts.notifier import Notifier
from alerts.presence import Ears, Presence
from ioc.domain.alarm import Alarm, Decisions, Transition, Unsent
from ioc.domain.family import Family
from ioc.domain.fleet import Fleet
from ioc.domain.hearing import Heard, Lost
from ioc.domain.liveness_change import LivenessChange
from ioc.domain.own_points import alarm_points, availability_point
from ioc.domain.point import Point
from ioc.domain.registry import Device
from ioc.domain.sample import Arrival, ClockOffset, DeviceEvent, DeviceStatus, Sample
from ioc.domain.silence import Silence
from ioc.domain.state import StateUnavailableError

log = structlog.get_logger("ioc.desk")

RETRY_S = 0.5

DeskInput = Arrival | Sample | DeviceEvent | DeviceStatus | ClockOffset | Heard | Lost


class Journal(Protocol):
    """Where decisions are committed."""

    async def commit(self, decisions: Decisions, *, devices: Sequence[Device] = ()) -> None:
        """All in one transaction; StateUnavailableError when it can't be written now, FencedError when another runs."""


class News(msgspec.Struct, frozen=True):
    """What a commit changed, for whoever shows it."""

    samples: Sequence[Sample]
    changes: Sequence[LivenessChange]
    transitions: Sequence[Transition]
    alarms: Sequence[Alarm]


class Strangers(msgspec.Struct):
    """How devices are treated that nobody registered."""

    accept: bool
    most: int
    known: int = 0
    """Held at present."""
    over: int = 0
    """Messages of devices beyond the cap: stored, but the devices aren't listed."""


class Desk:
    """The one place where live state changes; everything passes its lock in order of arrival."""

    def __init__(
        self,
        *,
        engine: Engine,
        notifier: Notifier,
        fleet: Fleet,
        families: Mapping[str, Family],
        ears: Mapping[str, Ears],
        strangers: Strangers,
        journal: Journal,
        clock: Callable[[], int],
        announce: Callable[[News], None],
        committed: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._notifier = notifier
        self._fleet = fleet
        self._families = families
        self._ears = ears
        self.presence = Presence(ears)
        self._strangers = strangers
        self._journal = journal
        self._clock = clock
        self._announce = announce
        self._committed = committed
        self._lock = asyncio.Lock()
        self.faults = 0
        """Errors of our own while deciding: each cost one input."""
        self.state_fault: str | None = None
        """Why the state database can't be written now; None = it can."""

    async def decide(self, source: str, inputs: Sequence[DeskInput]) -> list[Point]:
        """Takes one batch's news in order, commits what follows, and returns the points that tell of it."""
        async with self._lock:
            newcomers: dict[str, Device] = {}
            for_rules: list[Input] = []
            ears = self._ears[source]
            for news in inputs:
                if type(news) is Sample:
                    self._take_sample(ears, news, newcomers, for_rules)
                else:
                    for_rules += self._take(ears, news, newcomers)
            return await self._settle(for_rules, tuple(newcomers.values()))

    async def pulse(self, own: Iterable[OwnCondition | ClockStep] = ()) -> list[Point]:
        """Once a second: our own conditions, blindness, and messages that are due."""
        async with self._lock:
            hearing = self.presence.look(self._clock())
            return await self._settle([*own, *(() if hearing is None else (hearing,))], ())

    async def change(self, decide: Callable[[Engine, int], Outcome]) -> Outcome:
        """A person's act: decided, committed, then answered."""
        async with self._lock:
            outcome = decide(self._engine, self._clock())
            await self._commit(outcome, (), (), ())
            return outcome

    async def silence(self, silence: Silence) -> None:
        """A silence was put: from now on what it covers is held back, even if the caller doesn't wait for the commit."""
        self._notifier.silence(silence)
        async with self._lock:
            await self._commit(Outcome(), (), (), ())

    async def lift(self, silence: str) -> None:
        """A silence was removed: what it held back and is still active is told, even if the caller doesn't wait for the commit."""
        self._notifier.lift(silence)
        async with self._lock:
            await self._commit(Outcome(), (), (), ())

    async def begin(self, said: Sequence[LivenessChange], silences: Iterable[Silence]) -> list[Point]:
        """After a restart: silences, what is known of devices' liveness, and the end of what belongs to rules or devices that are gone."""
        async with self._lock:
            for silence in silences:
                self._notifier.silence(silence)
            await self._commit(self._engine.reconcile(self._clock()), (), (), ())
            return await self._settle(self.presence.news(said), ())

    async def renew(self, begin: Callable[[], Awaitable[tuple[Engine, Notifier, Sequence[Silence]]]]) -> None:
        """Goes on with an engine and a notifier that `begin` has restored from what is committed: a restart that never ceases to hear."""
        async with self._lock:
            self._engine, self._notifier, silences = await begin()
            for silence in silences:
                self._notifier.silence(silence)
            await self._commit(self._engine.reconcile(self._clock()), (), (), ())
            await self._commit(self._judge(self.presence.lives(self._fleet.devices(), self._clock())), (), (), ())

    async def register(self, devices: Sequence[Device]) -> None:
        """Devices that entered the registry: from now on they are watched, and never-heard ones are offline; units may lie elsewhere."""
        async with self._lock:
            for device in devices:
                self._watch(device)
                await self._commit(self._engine.device_changed(device.device, self._clock()), (), (), ())
            await self._commit(self._engine.reconcile(self._clock()), (), (), ())

    def _watch(self, device: Device) -> None:
        """Places a device; a registered one that was never heard is offline since its import."""
        before = self._fleet.device(device.device)
        if before is not None and device.approved and not before.approved:
            self._strangers.known -= 1
        if before is not None and before.family != device.family:
            self.presence.forget(device.device)
        self._fleet.place(device)
        family = self._families.get(device.family)
        if family is not None:
            self.presence.watch(device, family, anew=before is None or not before.approved or before.family != device.family)

    @property
    def blind(self) -> bool:
        """Whether any source's canary stays away."""
        return bool(self.presence.deaf)

    def _take(self, ears: Ears, news: DeskInput, newcomers: dict[str, Device]) -> Iterable[Input]:
        if isinstance(news, Heard):
            ears.hearing.canary_back(sent_at=news.sent_at, arrival=news.arrival)
            changes = ears.liveness.tick(news.sent_at) if ears.hearing.caught_up else ()
            return [*self.presence.news(changes), *self.presence.tick()]
        if isinstance(news, Lost):
            ears.hearing.disconnected()
            return self.presence.tick()
        device = self._fleet.device(news.device)
        if device is None:
            device = self._meet(news, newcomers)
        if device is None or device.family != news.family:
            return ()
        if isinstance(news, Arrival):
            change = ears.liveness.arrival(news.device, news.at)
            return () if change is None else self.presence.news((change,))
        if isinstance(news, DeviceStatus):
            return self._status(ears, news)
        ears.liveness.outlived_will(news.device)
        return (news,)

    def _take_sample(self, ears: Ears, sample: Sample, newcomers: dict[str, Device], for_rules: list[Input]) -> None:
        device = self._fleet.device(sample.device) or self._meet(sample, newcomers)
        if device is None or device.family != sample.family:
            return
        if sample.heard:
            change = ears.liveness.arrival(sample.device, sample.arrival)
            if change is not None:
                for_rules += self.presence.news((change,))
        else:
            ears.liveness.outlived_will(sample.device)
        self._fleet.update(sample)
        for_rules.append(sample)

    def _status(self, ears: Ears, status: DeviceStatus) -> Iterable[Input]:
        if status.retained:
            change = ears.liveness.retained(status.device, online=status.online, at=status.arrival)
            return () if change is None else self.presence.news((change,))
        if status.online:
            ears.liveness.outlived_will(status.device)
        else:
            ears.liveness.will(status.device, status.arrival)
        return ()

    def _meet(self, news: Arrival | Sample | DeviceEvent | DeviceStatus | ClockOffset, newcomers: dict[str, Device]) -> Device | None:
        """A device that nobody registered, listed from now on; None beyond the cap."""
        if not self._strangers.accept and self._strangers.known >= self._strangers.most:
            self._strangers.over += 1
            return None
        at = news.at if isinstance(news, Arrival) else news.arrival
        device = Device(device=news.device, family=news.family, approved=self._strangers.accept, registered_at=at)
        self._strangers.known += not device.approved
        self._fleet.place(device)
        self.presence.watch(device, self._families[device.family], anew=False)
        newcomers[device.device] = device
        return device

    async def _settle(self, inputs: Sequence[Input], newcomers: Sequence[Device]) -> list[Point]:
        outcome = self._judge(inputs)
        changes = [news for news in inputs if isinstance(news, LivenessChange)]
        samples = [news for news in inputs if isinstance(news, Sample)]
        await self._commit(outcome, newcomers, samples, changes)
        points = [self._availability(change) for change in changes]
        return [*points, *alarm_points(outcome.transitions, {alarm.id: alarm for alarm in outcome.alarms})]

    def _judge(self, inputs: Sequence[Input]) -> Outcome:
        """What the rules say. An input that our code stumbles over is left out; the others, judged again, change nothing twice."""
        now = self._clock()
        try:
            return self._engine.step(inputs, now)
        except Exception:
            log.exception("rules_fault", inputs=len(inputs))
        outcomes = []
        for one in inputs:
            try:
                outcomes.append(self._engine.step((one,), now))
            except Exception:
                self.faults += 1
                log.exception("input_left_out", what=type(one).__name__, input=repr(one)[:400])
        return _all_of(outcomes)

    def _availability(self, change: LivenessChange) -> Point:
        device = self._fleet.device(change.device)
        unit = None if device is None else device.unit
        return availability_point(change.device, unit, state=change.state, cause=change.cause, at=change.at)

    async def _commit(
        self, outcome: Outcome, newcomers: Sequence[Device], samples: Sequence[Sample], changes: Sequence[LivenessChange]
    ) -> None:
        alarms = {alarm.id: alarm for alarm in outcome.alarms}
        notice = self._notice(outcome.transitions, alarms)
        decisions = _decisions(outcome, notice)
        if decisions is not None or newcomers:
            await self._persist(decisions or Decisions(), newcomers)
        if notice.outbox:
            self._committed()
        for (rule, reason, silence, by), count in Counter((one.rule, one.reason, one.silence, one.by) for one in notice.untold).items():
            named = {key: value for key, value in (("silence", silence), ("by", by)) if value}
            log.info("alarms_not_told", rule=rule, reason=reason.value, count=count, **named)
        if samples or changes or outcome.transitions:
            self._tell(News(samples, changes, outcome.transitions, outcome.alarms))

    def _notice(self, transitions: Sequence[Transition], alarms: Mapping[str, Alarm]) -> Notice:
        """Who must know. An alarm about which we can't write a message is raised all the same."""
        try:
            return self._notifier.step(transitions, alarms, self._clock())
        except Exception:
            self.faults += 1
            log.exception("message_left_out", alarms=sorted(alarms)[:8])
            return Notice(position=self._notifier.position)

    def _tell(self, news: News) -> None:
        """Whoever shows it: nothing there may keep us from deciding."""
        try:
            self._announce(news)
        except Exception:
            log.exception("news_not_shown")

    async def _persist(self, decisions: Decisions, newcomers: Sequence[Device]) -> None:
        """What was decided is committed before anything else is; a full disk makes everybody wait."""
        while True:
            try:
                await self._journal.commit(decisions, devices=newcomers)
            except StateUnavailableError as error:
                self.state_fault = str(error)
                log.warning("state_not_writable", detail=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self.state_fault = None
                return


def _all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Several steps' outcomes as one."""
    return Outcome(
        transitions=tuple(entry for one in outcomes for entry in one.transitions),
        alarms=tuple({alarm.id: alarm for one in outcomes for alarm in one.alarms}.values()),
        rule_states=tuple({(state.rule, state.device): state for one in outcomes for state in one.rule_states}.values()),
    )


def _decisions(outcome: Outcome, notice: Notice) -> Decisions | None:
    if not (outcome.transitions or outcome.rule_states or notice.groups or notice.outbox or notice.dissolved or notice.untold):
        return None
    return Decisions(
        transitions=tuple(outcome.transitions),
        alarms=tuple(outcome.alarms),
        rule_states=tuple(outcome.rule_states),
        groups=notice.groups,
        outbox=notice.outbox,
        incidents=notice.incidents,
        members=notice.members,
        dissolved=notice.dissolved,
        unsent=tuple(
            Unsent(alarm=one.alarm, at=one.at, reason=one.reason.name.lower(), by=one.silence or one.by, until=one.until)
            for one in notice.untold
        ),
        position=notice.position,
    )
