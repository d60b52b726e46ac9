"""A journal on a virtual clock in front of a Notifier, whose committed rows survive restarts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from alerts.dependencies import Dependencies
from alerts.dependency_plan import Dependency
from alerts.explaining import Shared
from alerts.flapping import Flapping
from alerts.flapping_plan import FlappingPlan
from alerts.flood_plan import FloodPlan
from alerts.guards import Guards
from alerts.incident_plan import IncidentPlan
from alerts.incidents import Incidents
from alerts.message import MessageDocument, Wording
from alerts.notice import Notice
from alerts.notifier import Notifier
from alerts.notify_file import NotifyFile
from ioc.domain.alarm import Alarm, NotificationGroup, OutboxMessage, Severity, Step, Transition, alarm_id
from ioc.domain.family import Label
from ioc.domain.incident import Incident, IncidentMember
from ioc.domain.registry import Device, Unit
from ioc.domain.silence import Silence, in_force, matches

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

S = 1_000
MIN = 60 * S
START = 1_772_727_240_000
"""2026-03-05 23:14 in Hà Nội."""

DEVICES = {"tt-1": Device(device="tt-1", family="speaker", name="Xóm Tháp"), "tt-2": Device(device="tt-2", family="speaker")}
UNITS = {"u1": Unit(unit="u1", code="07900", valid_from="2025-07-01", name="Phường Việt Trì")}


def wording(language: str = "vi") -> Wording:
    """The wording of a site with one named unit and one named device."""
    return Wording(
        language=language,
        zone=ZONE,
        device=DEVICES.get,
        unit=UNITS.get,
        families={"speaker": Label(vi="Cụm loa", en="Loudspeaker cluster")},
    )


def notify_file(*routes: dict[str, Any], channels: tuple[str, ...] = ("ops",), **more: Any) -> NotifyFile:
    """A notify file with file channels; a route's `channels` default to all. `more`: people, teams, units."""
    return NotifyFile.model_validate(
        {
            "channels": {name: {"kind": "file", "path": f"./{name}.jsonl"} for name in channels},
            "routes": [{"channels": list(channels), **route} for route in routes],
            **more,
        }
    )


class Stage:
    """Acts on alarms by short names; keeps what a state database would."""

    def __init__(
        self,
        *routes: dict[str, Any],
        channels: tuple[str, ...] = ("ops",),
        language: str = "vi",
        places: Mapping[str, Mapping[str, str]] | None = None,
        depends_on: tuple[dict[str, str], ...] = (),
        flapping: dict[str, str] | None = None,
        flood: dict[str, str] | None = None,
        duty: dict[str, Any] | None = None,
        **plan: Any,
    ) -> None:
        """`places`: device → its attributes; with them devices that fall together are one incident, by the given `plan`.

        `flapping`: what comes and goes is summed up, by this plan; `flood`: so are messages beyond this cap.
        `duty`: people, teams and units.
        """
        declared = notify_file(*routes, channels=channels, **(duty or {}))
        self.routes, self.duty = declared.routes, declared.plan.duty
        self.language = language
        self.places = places or {}
        self.plan = IncidentPlan(enabled=places is not None, **plan)
        self.dependencies = tuple(Dependency.model_validate(one) for one in depends_on)
        self.flapping = FlappingPlan.model_validate({"enabled": flapping is not None, **(flapping or {})})
        self.flood = FloodPlan.model_validate({"enabled": flood is not None, "channels": channels, **(flood or {})})
        self.incidents: dict[str, Incident] = {}
        self.members: dict[tuple[str, str], IncidentMember] = {}
        self.notifier = self._new()
        self.now = START
        self.alarms: dict[str, Alarm] = {}
        self.names: dict[str, str] = {}
        self.groups: dict[str, NotificationGroup] = {}
        self.outbox: list[OutboxMessage] = []
        self.notices: list[Notice] = []
        self.silences: dict[str, Silence] = {}
        self.held: list[set[str]] = []
        """For each message, the alarms that a silence covered when it was written."""
        self.seq = 0
        self.position = 0

    def raise_(
        self, *names: str, severity: Severity = Severity.MAJOR, rule: str = "speaker_offline", unit: str | None = "u1", **more: Any
    ) -> None:
        """Raises an alarm for each name, in one batch; the name is its device, unless `device` says otherwise."""
        for name in names:
            device = more.get("device", name)
            identity = alarm_id("site", rule, device, self.now)
            self.names[name] = identity
            self.alarms[identity] = Alarm(
                **{
                    "id": identity,
                    "rule": rule,
                    "severity": severity,
                    "family": "speaker",
                    "device": device,
                    "unit": unit,
                    "since": self.now,
                    "summary": {"vi": "mất kết nối", "en": "offline"},
                    "action": {"vi": "kiểm tra nguồn điện", "en": "check the power supply"},
                    **more,
                }
            )
        self.act(Step.RAISED, *names)

    def clear(self, *names: str, step: Step = Step.CLEARED) -> None:
        """Clears the named alarms, in one batch."""
        self._change(names, cleared_at=self.now)
        self.act(step, *names)

    def acknowledge(self, *names: str) -> None:
        """A person has taken note."""
        self._change(names, acknowledged=True, acknowledged_by="an")
        self.act(Step.ACKNOWLEDGED, *names)

    def assign(self, *names: str) -> None:
        """A person takes the alarms on."""
        self._change(names, assigned_to="binh")
        self.act(Step.ASSIGNED, *names)

    def shelve(self, *names: str) -> None:
        """A person puts the alarms off."""
        self._change(names, shelved_until=self.now + 60 * MIN)
        self.act(Step.SHELVED, *names)

    def unshelve(self, *names: str) -> None:
        """The alarms come back."""
        self._change(names, shelved_until=None)
        self.act(Step.UNSHELVED, *names)

    def silence(self, name: str, *, start: int = 0, end: int = 60 * MIN, **matchers: str) -> None:
        """Puts a silence; `start` and `end` in ms from now."""
        one = Silence(id=name, since=self.now + start, until=self.now + end, reason="bảo trì", by="an", created_at=self.now, **matchers)
        self.silences[name] = one
        self.notifier.silence(one)
        self._commit(self.notifier.due(self.now))

    def lift(self, name: str) -> None:
        """Removes a silence."""
        self.silences.pop(name, None)
        self.notifier.lift(name)
        self._commit(self.notifier.due(self.now))

    def act(self, step: Step, *names: str) -> None:
        """One batch of journal entries."""
        entries, touched = [], {}
        for name in names:
            alarm = touched[self.names[name]] = self.alarms[self.names[name]]
            self.seq += 1
            entries.append(
                Transition(
                    seq=self.seq,
                    alarm=alarm.id,
                    rule=alarm.rule,
                    severity=alarm.severity,
                    device=alarm.device,
                    unit=alarm.unit,
                    step=step,
                    at=self.now,
                    recorded=self.now,
                    by="sample",
                )
            )
        self._commit(self.notifier.step(entries, touched, self.now))

    def wait(self, ms: int) -> None:
        """Lets time pass; what becomes due meanwhile is sent when it is due."""
        until = self.now + ms
        while (due := self.notifier.next_due) is not None and due <= until:
            self.now = max(self.now, due)
            self._commit(self.notifier.due(self.now))
        self.now = until

    def restart(self) -> None:
        """A new Notifier takes up what was committed."""
        self.notifier = self._new()
        active = [alarm for alarm in self.alarms.values() if alarm.active]
        self.notifier.restore(self.groups.values(), active, self.position)
        for silence in self.silences.values():
            if silence.until > self.now:
                self.notifier.silence(silence)
        self._commit(self.notifier.due(self.now))

    @property
    def messages(self) -> list[MessageDocument]:
        """What the first channel got."""
        return [msgspec.json.decode(row.body, type=MessageDocument) for row in self.outbox if row.channel == self.outbox[0].channel]

    @property
    def everything(self) -> list[MessageDocument]:
        """What all channels got, as in the outbox."""
        return [msgspec.json.decode(row.body, type=MessageDocument) for row in self.outbox]

    @property
    def calls(self) -> list[tuple[str, str, int]]:
        """Channel, event and seconds since the start, for each message to anybody."""
        return [(row.channel, row.event, (row.at - START) // S) for row in self.outbox]

    @property
    def story(self) -> list[tuple[str, int]]:
        """Event and seconds since the start, for each message."""
        channel = self.outbox[0].channel if self.outbox else ""
        return [(row.event, (row.at - START) // S) for row in self.outbox if row.channel == channel]

    def devices(self, message: int) -> list[str | None]:
        """The devices of a message's alarms."""
        return [alarm.device for alarm in self.messages[message].alarms]

    def _new(self) -> Notifier:
        absences = {"speaker_offline", "site_offline"}
        incidents = Incidents(
            self.plan, concerned=absences.__contains__, attributes=lambda name: self.places.get(name, {}), standing=self._standing
        )
        guards = Guards(
            incidents=incidents,
            dependencies=Dependencies(
                self.dependencies, absent=absences.__contains__, label=lambda name, key: self.places.get(name, {}).get(key)
            ),
            flapping=Flapping(self.flapping),
            flood=self.flood,
        )
        return Notifier(self.routes, wording=wording(self.language), guards=guards, duty=self.duty)

    def _standing(self) -> dict[Shared, int]:
        """Devices without an active alarm, by attribute and value."""
        down = {alarm.device for alarm in self.alarms.values() if alarm.active}
        return Counter(shared for name, of in self.places.items() if name not in down for shared in of.items())

    def _change(self, names: tuple[str, ...], **changes: Any) -> None:
        for name in names:
            alarm = self.alarms[self.names[name]]
            self.alarms[alarm.id] = msgspec.structs.replace(alarm, **changes)

    def _commit(self, notice: Notice) -> None:
        self.notices.append(notice)
        for row in notice.groups:
            if row.body is None:
                self.groups.pop(row.key, None)
            else:
                self.groups[row.key] = row
        known = {(row.key, row.channel) for row in self.outbox}
        assert not known & {(row.key, row.channel) for row in notice.outbox}
        self.outbox += notice.outbox
        covering = [one for one in self.silences.values() if in_force(one, self.now, ZONE)]
        held = {key for key, alarm in self.alarms.items() if any(matches(one, alarm) for one in covering)}
        self.held += [held] * len(notice.outbox)
        self.position = notice.position
        self.incidents |= {one.id: one for one in notice.incidents}
        self.members |= {(one.incident, one.alarm): one for one in notice.members}
        for gone in notice.dissolved:
            self.incidents.pop(gone, None)
            self.members = {key: one for key, one in self.members.items() if one.incident != gone}
