"""Stored points as what the rules decide on.

Everything happens at its own time, also what came late: that is how a backtest finds what live decisions could not know.
Liveness and our own conditions are taken as they were written down; the conditions of devices' clocks are not stored.
"""

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter

import msgspec

from alerts.inputs import Input, OwnCondition
from alerts.own import OWN_RULES
from alerts.proving.chronicle import MOST, TooMuchError
from alerts.proving.lulls import Lulls
from alerts.proving.strip import Strip, Strips
from ioc.domain.alarm import ENDS, Step
from ioc.domain.columns import Columns, Tags
from ioc.domain.family import Family
from ioc.domain.liveness_change import Cause, Liveness, LivenessChange
from ioc.domain.point import Point, in_time
from ioc.domain.registry import Device
from ioc.domain.sample import DeviceEvent, Sample

EVENT, AVAILABILITY, ALARM = "event", "availability", "alarm"
_in_order = itemgetter(0, 1, 2, 3)
"""By time; of one moment, what says whether we and the devices are there comes first, and then by what it was stored as."""
_ENDS = frozenset(step.value for step in ENDS)


class LiveAlarm(msgspec.Struct, kw_only=True):
    """A device's alarm as it was raised and ended live; `begin` None = before the history begins, `end` None = not ended in it."""

    id: str
    rule: str
    device: str
    unit: str | None
    severity: str
    begin: int | None
    end: int | None = None


class History:
    """Takes points in their order; remembers each device's liveness, and the alarms that were raised live."""

    def __init__(self, families: Mapping[str, Family], devices: Mapping[str, Device]) -> None:
        self._names = {name: tuple(family.index) for name, family in families.items()}
        self._devices = devices
        self._silence = {name: family.silence_ms for name, family in families.items()}
        self._said: dict[str, Liveness] = {}
        self._unheard: dict[str, int] = {}
        """Since when devices of which nothing was said are written down as offline."""
        self.live: dict[str, LiveAlarm] = {}
        """By id, in the order of time."""
        self.samples = 0
        """How many there were."""

    @property
    def families(self) -> Iterable[str]:
        """Of which samples are read."""
        return self._names

    @property
    def measurements(self) -> list[str]:
        """What has to be read."""
        return [*self._names, EVENT, AVAILABILITY, ALARM]

    def inputs(self, stored: Iterable[Columns], lulls: Mapping[str, Lulls], waiting: Iterable[Input] = ()) -> list[tuple[int, Input]]:
        """What the points tell with its time (Unix ms), in order of time and, of one moment, liveness first, whatever their order was.

        Without the samples that `lulls` holds back; `waiting`: what was told before and is not decided on yet.
        TooMuchError when more alarms were raised live than anybody could read.
        """
        told = list(stored)
        points = sorted((point for one in told if one.measurement not in self._names for point in one.points()), key=in_time)
        found: list[tuple[int, bool, str, Tags, Input]] = [
            (point.ts, not isinstance(one, OwnCondition | LivenessChange), point.measurement, point.tags, one)
            for point in points
            if (one := self._told(point)) is not None
        ]
        awake = {
            one.device for one in (*waiting, *(entry[-1] for entry in found)) if isinstance(one, DeviceEvent | LivenessChange | Sample)
        }
        for strip in self._strips(told, lulls, awake):
            tags = (("device", strip.device),)
            found += [(sample.ts, True, strip.family, tags, sample) for sample in strip.samples()]
        found.sort(key=_in_order)
        return [(entry[0], entry[-1]) for entry in found]

    def _told(self, point: Point) -> Input | None:
        tags = dict(point.tags)
        if point.measurement == ALARM:
            self._alarm(point, tags)
            return self._own(point, tags)
        device = self._devices.get(tags.get("device", ""))
        if device is None:
            return None
        if point.measurement == AVAILABILITY:
            return self._liveness(point, device)
        name, body = tags.get("event", ""), str(point.fields.get("body", ""))
        return DeviceEvent(device.family, device.device, point.ts, point.ts, name, body, 0, live=True)

    def _strips(self, stored: Iterable[Columns], lulls: Mapping[str, Lulls], awake: set[str]) -> Iterator[Strip]:
        for one in lulls.values():
            yield from one.end(awake)
        for columns in stored:
            metrics = self._names.get(columns.measurement)
            if metrics is not None:
                strips = Strips(columns, metrics, self._devices)
                self.samples += len(strips)
                yield from lulls[columns.measurement].told(strips, awake)

    def _liveness(self, point: Point, device: Device) -> LivenessChange | None:
        """Availability is written down again and again; only what it changes counts, and our own blindness is no change of a device."""
        if point.fields.get("cause") == Cause.BLIND.value:
            return None
        try:
            state, cause = Liveness(str(point.fields.get("state"))), Cause(str(point.fields.get("cause")))
        except ValueError:
            return None
        if self._said.get(device.device) is state or (state is Liveness.OFFLINE and self._is_early(device, point.ts)):
            return None
        self._said[device.device] = state
        return LivenessChange(device.device, device.family, state, cause, point.ts, None)

    def _is_early(self, device: Device, at: int) -> bool:
        """A device that was never heard is written down as offline at once, but is told to be so only once it could have been heard."""
        if device.device in self._said:
            return False
        return at - self._unheard.setdefault(device.device, at) < self._silence[device.family]

    def _own(self, point: Point, tags: Mapping[str, str]) -> OwnCondition | None:
        rule, step = tags.get("rule", ""), point.fields.get("transition")
        if rule not in OWN_RULES or (step != Step.RAISED.value and step not in _ENDS):
            return None
        return OwnCondition(rule, point.ts, point.ts if step == Step.RAISED.value else None, "")

    def _alarm(self, point: Point, tags: Mapping[str, str]) -> None:
        alarm, step = str(point.fields.get("id", "")), point.fields.get("transition")
        known = self.live.get(alarm)
        if "device" not in tags or (step != Step.RAISED.value and step not in _ENDS):
            return
        if known is None:
            if len(self.live) >= MOST:
                msg = f"more than {MOST} alarms were raised live in this time; take a shorter one"
                raise TooMuchError(msg)
            raised = step == Step.RAISED.value
            known = self.live[alarm] = LiveAlarm(
                id=alarm,
                rule=tags.get("rule", ""),
                device=tags["device"],
                unit=tags.get("unit"),
                severity=tags.get("severity", ""),
                begin=point.ts if raised else None,
            )
        if step in _ENDS:
            known.end = point.ts
