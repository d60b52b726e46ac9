"""A province of a few devices whose samples, ticks and liveness tests hand to the engine."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from alerts.clock_rules import CLOCK_RULES
from alerts.engine import Engine, Outcome
from alerts.inputs import Input, OwnCondition, Tick
from alerts.rule import Rule, RuleFile
from ioc.domain.alarm import Alarm, RuleState, Transition
from ioc.domain.calendar import NO_DAYS, Calendar
from ioc.domain.family import Family
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange
from ioc.domain.registry import Device
from ioc.domain.sample import ClockOffset, DeviceEvent, Sample, Value
from ioc.domain.service import ServiceOrder

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = 1_735_707_600_000
"""2025-01-01 12:00 in Việt Trì, Unix ms."""
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
TEXTS = {key: {"vi": "chữ", "en": "text"} for key in ("summary", "cause", "consequence", "action")}


def read_yaml(text: str) -> Any:
    """A file as the program reads it: every scalar is text."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  builds nothing but texts, lists and dicts


def shipped_families() -> dict[str, Family]:
    """The families that come with the program."""
    files = sorted(resources.files("collectors").joinpath("families").iterdir(), key=lambda file: file.name)
    found = [Family.model_validate(read_yaml(file.read_text("utf-8"))) for file in files if file.name.endswith(".yaml")]
    return {family.family: family for family in found}


def shipped_rules() -> tuple[Rule, ...]:
    """The rules that come with the program."""
    files = sorted(resources.files("alerts").joinpath("pack").iterdir(), key=lambda file: file.name)
    texts = [file.read_text("utf-8") for file in files if file.name.endswith(".yaml")]
    return tuple(rule for text in texts for rule in RuleFile.model_validate(read_yaml(text)).rules)


FAMILIES = shipped_families()


def rule(when: Mapping[str, Any], **keys: Any) -> Rule:
    """A rule for loudspeakers, as a file would hold it."""
    return Rule.model_validate({"id": "rule", "family": "speaker", "severity": "major", "when": when, **TEXTS, **keys})


HOT = {"kind": "threshold", "metric": "amp_temp_c", "above": "80"}
PLAYING = {"kind": "state", "metric": "state", "is": "playing"}


def sample(
    at: int, device: str = "d1", *, family: str = "speaker", live: bool = True, arrival: int | None = None, **values: Value
) -> Sample:
    """One message; metrics that are not given are absent."""
    metrics = FAMILIES[family].index
    assert set(values) <= set(metrics)
    arrived = at if arrival is None else arrival
    return Sample(family, device, at, arrived, tuple(values.get(name) for name in metrics), arrived - at, live)


def event(at: int, name: str = "tamper", device: str = "d1", *, family: str = "speaker", live: bool = True) -> DeviceEvent:
    """A device's event."""
    return DeviceEvent(family, device, at, at, name, "{}", 0, live)


def clock(at: int, seconds: float, device: str = "d1", *, family: str = "speaker") -> ClockOffset:
    """The device's clock is found to be so slow (fast, below zero)."""
    return ClockOffset(family, device, round(seconds * SECOND), at)


def offline(at: int, device: str = "d1", *, family: str = "speaker") -> LivenessChange:
    """The device has been silent for too long."""
    return LivenessChange(device, family, Liveness.OFFLINE, Cause.SILENCE, at, None)


def online(at: int, device: str = "d1", *, family: str = "speaker") -> LivenessChange:
    """The device has been heard."""
    return LivenessChange(device, family, Liveness.ONLINE, Cause.ARRIVAL, at, at)


def unknown(at: int, device: str = "d1", *, family: str = "speaker") -> LivenessChange:
    """Nobody can tell."""
    return LivenessChange(device, family, Liveness.UNKNOWN, Cause.BLIND, at, None)


def tick(at: int) -> Tick:
    """We have heard everything up to `at`."""
    return Tick(at, hearing=True)


def deaf(at: int) -> Tick:
    """We hear nothing."""
    return Tick(at, hearing=False)


def own(since: int | None, at: int, name: str = "ioc_blind") -> OwnCondition:
    """One of our own conditions."""
    return OwnCondition(name, at, since, "detail")


class Stage:
    """An engine with a registry, and what it committed."""

    def __init__(
        self,
        *rules: Rule,
        families: Mapping[str, Family] = FAMILIES,
        devices: Sequence[Device] | None = None,
        calendar: Calendar = NO_DAYS,
    ) -> None:
        self.rules = rules
        self.calendar = calendar
        self.clock_rules = CLOCK_RULES
        self.families = families
        given = devices if devices is not None else [Device(device=name, family="speaker", unit="u1") for name in ("d1", "d2")]
        self.devices = {device.device: device for device in given}
        self.journal: list[Transition] = []
        self.alarms: dict[str, Alarm] = {}
        self.states: dict[tuple[str, str], RuleState] = {}
        self.latest: dict[str, dict[str, tuple[int, Value]]] = {}
        self.heard_until: int | None = None
        self.orders: list[ServiceOrder] = []
        """What is out of service, as the state database has it."""
        self.parents: dict[str, str] = {}
        """Unit → the unit above it."""
        self.clock = NOON
        """When a restart looks at its clock."""
        self.engine = self._new()

    def _new(self) -> Engine:
        return Engine(
            self.rules,
            site="phu-tho",
            families=self.families.values(),
            device_of=self.devices.get,
            zone=ZONE,
            unit_name={"u1": "Phường Việt Trì"}.get,
            parent_of=self.parents.get,
            clock_rules=self.clock_rules,
            calendar=self.calendar,
            devices=self.devices.values,
        )

    def step(self, *inputs: Input, now: int | None = None) -> list[str]:
        """Commits and stores what a batch brings; the steps that it adds to the journal as `raised rule at`."""
        outcome = self.commit(self.engine.step(inputs, now if now is not None else _newest(inputs)))
        self.store(inputs)
        return [told(entry) for entry in outcome.transitions]

    def commit(self, outcome: Outcome) -> Outcome:
        """Keeps what was decided, as the state database does."""
        self.journal += outcome.transitions
        self.alarms.update({alarm.id: alarm for alarm in outcome.alarms})
        for state in outcome.rule_states:
            if state.phase == "inactive":
                self.states.pop((state.rule, state.device), None)
            else:
                self.states[state.rule, state.device] = state
        return outcome

    def store(self, inputs: Sequence[Input]) -> None:
        """Keeps the newest values, as the time-series store does."""
        for one in inputs:
            if isinstance(one, Tick) and one.hearing:
                self.heard_until = one.heard_until
            if not isinstance(one, Sample):
                continue
            known = self.latest.setdefault(one.device, {})
            for name, value in zip(self.families[one.family].index, one.values, strict=True):
                if value is not None and (name not in known or known[name][0] <= one.ts):
                    known[name] = (one.ts, value)

    def restart(self, *rules: Rule) -> list[str]:
        """A new engine takes over from what was committed and stored."""
        self.rules = rules or self.rules
        self.engine = self._new()
        standing = [alarm for alarm in self.alarms.values() if alarm.active or not alarm.acknowledged]
        self.engine.restore(
            alarms=standing,
            rule_states=list(self.states.values()),
            latest=self.latest,
            seq=len(self.journal),
            heard_until=self.heard_until,
            orders=self.orders,
        )
        return [told(entry) for entry in self.commit(self.engine.reconcile(self.clock)).transitions]


def told(entry: Transition) -> str:
    """A journal entry in short, times in seconds after noon."""
    return f"{entry.step.value} {entry.rule} {(entry.at - NOON) / SECOND:g}"


def _newest(inputs: Sequence[Input]) -> int:
    times = [
        one.arrival if isinstance(one, Sample | DeviceEvent | ClockOffset) else one.heard_until if isinstance(one, Tick) else one.at
        for one in inputs
    ]
    return max(times, default=NOON)
