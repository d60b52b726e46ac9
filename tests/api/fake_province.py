"""A province in memory behind the API: 148 communes, three families, alarms, a ledger. Every part of the Backend, kept simple."""

import csv
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

import ioc.domain
from api.fake_reports import FakeDuty, FakeLoad, FakeWhy
from api.fake_service import FakeService
from ioc.api.ports import (
    Backend,
    Check,
    Checks,
    ConflictError,
    DeviceFilter,
    Platform,
    QuarantineItem,
    Replay,
    Replays,
    Site,
    UnavailableError,
)
from ioc.config.families import load_families
from ioc.domain.alarm import Alarm, Attempt, OutboxMessage, Severity, Step, Transition, alarm_id
from ioc.domain.drift import Drift, DriftKind
from ioc.domain.family import Family
from ioc.domain.held import Held
from ioc.domain.incident import Incident, IncidentFilter, IncidentMember
from ioc.domain.ledger import LedgerTerms
from ioc.domain.liveness_change import Liveness
from ioc.domain.point import SeriesRow
from ioc.domain.principal import Principal, Role
from ioc.domain.quarantined import QuarantineFilter, QuarantineGroup
from ioc.domain.silence import Hidden, Silence, matches
from ioc.domain.state import AlarmFilter, CursorError, OutboxEntry
from ioc.domain.views import DeviceView, FamilyCounts, UnitView

Row = TypeVar("Row")
NOW = 1_763_859_965_000
UNITS_CSV = Path(ioc.domain.__file__).parent / "data" / "phu-tho-units.csv"
TOKENS = {
    "viewer-token": Principal(name="vi", role=Role.VIEWER),
    "operator-token": Principal(name="truc-ca", role=Role.OPERATOR),
    "technician-token": Principal(name="ky-thuat", role=Role.TECHNICIAN, units=frozenset({"04792-2025"})),
    "province-technician-token": Principal(name="ky-thuat-tinh", role=Role.TECHNICIAN, units=frozenset({"p25-2025"})),
    "admin-token": Principal(name="admin", role=Role.ADMIN),
}


def shipped_families() -> list[Family]:
    """The families as they ship."""
    return list(load_families([], cadence={}, retention=90 * 86_400_000, problems=[]).values())


class FakeProvince:
    """All ports at once; tests change its fields, and its clock by `now`."""

    def __init__(self, *, seed: int = 7, site: Site | None = None) -> None:
        self.now = NOW
        self.site = site or Site(id="phu-tho", name="Phú Thọ")
        self.families = shipped_families()
        self.views: dict[str, DeviceView] = {}
        self.rows: list[UnitView] = []
        self.alarm_rows: dict[str, Alarm] = {}
        self.entries: dict[str, list[Transition]] = {}
        self.kept: dict[str, Silence] = {}
        self.poison: dict[str, QuarantineItem] = {}
        self.drifted = {
            "d1": Drift(
                id="d1", family="speaker", dialect="native", firmware="1.1", before="1.0", field="volume", kind=DriftKind.RETYPED,
                old_type="number", new_type="string", devices=5, messages=30, first_seen=NOW, last_seen=NOW, samples=('{"volume":"70"}',),
            )
        }  # fmt: skip
        self.outages: dict[str, Incident] = {}
        self.parts: list[IncidentMember] = []
        self.held_back: list[Held] = []
        self.sent: list[OutboxEntry] = []
        self.tokens_known = dict(TOKENS)
        self.checks_now = Checks(Check(ok=True, detail="nghe rõ"), Check(ok=True, detail="InfluxDB"), Check(ok=True, detail="state.db"))
        self.platform_now = Platform(hearing=True, heard_until=NOW - 2000)
        self.store_down = False
        self._random = random.Random(seed)
        self._seq = 0
        self._fill()

    def clock(self) -> int:
        """Unix ms."""
        return self.now

    def backend(self) -> Backend:
        """What build_app takes."""
        return Backend(
            site=self.site,
            families=self.families,
            devices=self,
            units=self,
            alarms=self,
            incidents=self,
            held=self,
            desk=self,
            silences=_Silences(self.kept, self.alarm_rows),
            service=FakeService(self.clock),
            quarantine=self,
            drift=self,
            ledger=self,
            series=self,
            rules=self,
            outbox=self,
            why=FakeWhy(self.alarm_rows, NOW),
            load=FakeLoad(),
            calendar=("tet", "quoc_khanh"),
            duty=FakeDuty(),
            health=self,
            tokens=self,
        )

    # Devices and units

    async def devices(self, which: DeviceFilter, *, after: str | None, limit: int) -> Sequence[DeviceView]:
        """By id."""
        found = [view for key, view in sorted(self.views.items()) if key > (after or "") and _matches(view, which)]
        return found[:limit]

    async def device(self, device: str) -> DeviceView | None:
        """One."""
        return self.views.get(device)

    async def approve(self, device: str, *, unit: str | None, name: str | None, by: str) -> DeviceView | None:
        """Approves and places."""
        del by
        view = self.views.get(device)
        if view is None:
            return None
        if unit is not None and all(row.unit != unit for row in self.rows):
            msg = f"there is no unit {unit!r}"
            raise ConflictError(msg)
        self.views[device] = msgspec.structs.replace(view, approved=True, unit=unit or view.unit, name=name or view.name)
        return self.views[device]

    async def units(self) -> Sequence[UnitView]:
        """All of them."""
        return self.rows

    async def totals(self) -> Mapping[str, FamilyCounts]:
        """Summed over all units."""
        sums: dict[str, dict[str, int]] = {}
        for row in self.rows:
            for family, counts in row.families.items():
                into = sums.setdefault(family, dict.fromkeys(FamilyCounts.__struct_fields__, 0))
                for name in into:
                    into[name] += getattr(counts, name)
        return {family: FamilyCounts(**tally) for family, tally in sums.items()}

    # Alarms

    async def alarms(self, wanted: AlarmFilter, *, limit: int, cursor: str | None) -> tuple[list[Alarm], str | None]:
        """Newest first."""
        rows = sorted(self.alarm_rows.values(), key=lambda alarm: (alarm.since, alarm.id), reverse=True)
        if cursor is not None:
            if cursor not in self.alarm_rows:
                msg = f"cursor {cursor!r} names no alarm"
                raise CursorError(msg)
            rows = rows[[row.id for row in rows].index(cursor) + 1 :]
        rows = [row for row in rows if _wanted(row, wanted)]
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None

    async def alarm(self, alarm: str) -> Alarm | None:
        """One."""
        return self.alarm_rows.get(alarm)

    async def journal(self, alarm: str) -> list[Transition]:
        """Oldest first."""
        return self.entries.get(alarm, [])

    async def acknowledge(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Idempotent."""
        if self.alarm_rows[alarm].acknowledged:
            return self.alarm_rows[alarm]
        return self._act(alarm, Step.ACKNOWLEDGED, by, comment or "", acknowledged=True, acknowledged_by=by)

    def latch(self, alarm: str) -> None:
        """Its condition is over; it stays."""
        self.alarm_rows[alarm] = msgspec.structs.replace(self.alarm_rows[alarm], latching=True, normal_since=self.now)

    async def reset(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Only what is latched."""
        if self.alarm_rows[alarm].normal_since is None:
            msg = "its condition still holds"
            raise ConflictError(msg)
        return self._act(alarm, Step.RESET, by, comment or "", cleared_at=self.alarm_rows[alarm].normal_since)

    async def unshelve(self, alarm: str, *, by: str, comment: str | None) -> Alarm:
        """Idempotent."""
        return self._act(alarm, Step.UNSHELVED, by, comment or "", shelved_until=None)

    async def assign(self, alarm: str, *, by: str, to: str) -> Alarm:
        """Gives it to somebody."""
        return self._act(alarm, Step.ASSIGNED, by, to, assigned_to=to)

    async def comment(self, alarm: str, *, by: str, comment: str) -> Alarm:
        """Adds a remark."""
        return self._act(alarm, Step.COMMENTED, by, comment)

    async def shelve(self, alarm: str, *, by: str, until: int, reason: str) -> Alarm:
        """Not when cleared."""
        if not self.alarm_rows[alarm].active:
            msg = "the alarm has cleared"
            raise ConflictError(msg)
        return self._act(alarm, Step.SHELVED, by, reason, shelved_until=until)

    # Records

    def _visible(self, units: frozenset[str] | None) -> list[QuarantineItem]:
        rows = list(self.poison.values())
        if units is None:
            return rows
        return [item for item in rows if item.device and (view := self.views.get(item.device)) and view.unit in units]

    async def quarantine_summary(
        self, by: Literal["device", "reason"] | None, *, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[QuarantineGroup], str | None]:
        """A group for each."""
        del limit, cursor
        return [
            QuarantineGroup(
                device=None if by == "reason" else item.device, reason=None if by == "device" else item.reason,
                entries=1, messages=item.count, copies=0, replayed=0, bytes=300,
            )
            for item in self._visible(units)
        ], None  # fmt: skip

    def held(self) -> Sequence[Held]:
        """What a test put there."""
        return self.held_back

    async def incidents(self, wanted: IncidentFilter, *, limit: int, cursor: str | None) -> tuple[list[Incident], str | None]:
        """Newest first."""
        theirs = {part.incident for part in self.parts if wanted.units is None or part.unit in wanted.units}
        rows = [one for one in self.outages.values() if one.id in theirs and wanted.active in (None, one.until is None)]
        return _page(sorted(rows, key=lambda one: (-one.since, one.id)), lambda one: one.id, limit, cursor)

    async def incident(self, incident: str) -> Incident | None:
        """One."""
        return self.outages.get(incident)

    async def members(
        self, incident: str, *, units: frozenset[str] | None, limit: int, cursor: str | None
    ) -> tuple[list[IncidentMember], str | None]:
        """As they joined."""
        rows = [part for part in self.parts if part.incident == incident and (units is None or part.unit in units)]
        return _page(rows, lambda part: part.alarm, limit, cursor)

    async def incidents_of(self, alarms: Collection[str]) -> Mapping[str, str]:
        """Alarm → incident."""
        return {part.alarm: part.incident for part in self.parts if part.alarm in alarms}

    async def drifts(self, *, acknowledged: bool | None, limit: int, cursor: str | None) -> tuple[list[Drift], str | None]:
        """One."""
        del cursor
        rows = [one for one in self.drifted.values() if acknowledged in (None, one.acknowledged_at is not None)]
        return rows[:limit], None

    async def acknowledge_drift(self, drift: str, *, by: str) -> Drift | None:
        """Known from now on."""
        if drift in self.drifted:
            self.drifted[drift] = msgspec.structs.replace(self.drifted[drift], acknowledged_at=self.now, acknowledged_by=by)
        return self.drifted.get(drift)

    async def replay_many(self, wanted: QuarantineFilter, *, by: str, limit: int, cursor: str | None, dry_run: bool) -> Replays:
        """Nothing to do."""
        del wanted, by, limit, cursor, dry_run
        return Replays(items=[], recovered=0, refused=0, next=None)

    async def quarantined(self, wanted: QuarantineFilter, *, limit: int, cursor: str | None) -> tuple[list[QuarantineItem], str | None]:
        """Newest first."""
        rows = [
            item
            for item in self._visible(wanted.units)
            if wanted.device in (None, item.device) and wanted.reason in (None, item.reason) and wanted.partial in (None, item.partial)
        ]
        rows = sorted(rows, key=lambda item: item.id, reverse=True)
        rows = [item for item in rows if cursor is None or item.id < cursor]
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None

    async def quarantined_one(self, item: str) -> QuarantineItem | None:
        """One."""
        return self.poison.get(item)

    async def replay(self, item: str, *, by: str) -> Replay:
        """Never works here."""
        del by
        return Replay(recovered=False, detail=f"{self.poison[item].reason}: still not readable")

    async def ledger(self, start: int | None, end: int | None) -> Mapping[str, LedgerTerms]:
        """The same, whatever the range."""
        del start, end
        return {
            "speaker": LedgerTerms(received=1_203_800, stored=1_203_655, quarantined=120, duplicate=20, in_flight=5, partial=41),
            "network_site": LedgerTerms(received=9000, stored=9000),
        }

    async def series(self, family: str, device: str, metric: str, *, start: int, end: int, every: int) -> Sequence[SeriesRow]:
        """A ramp."""
        del family, device, metric
        if self.store_down:
            msg = "InfluxDB does not answer"
            raise UnavailableError(msg)
        starts = range(start - start % every, end, every)
        return [SeriesRow(ts, float(number), 0.0, 1.0) for number, ts in enumerate(starts)][:10_000]

    async def rules(self) -> Sequence[Mapping[str, Any]]:
        """One."""
        return [{"id": "speaker_silent_while_playing", "family": "speaker", "severity": "major", "when": {"kind": "absence"}, "for": "60s"}]

    async def outbox(self, limit: int, cursor: str | None) -> tuple[list[OutboxEntry], str | None]:
        """All on one page."""
        del cursor
        return self.sent[:limit], None

    async def attempts(self, key: str) -> list[Attempt]:
        """One failure."""
        return [Attempt(key=key, channel="ops", at=self.now, ok=False, detail="connection refused")]

    async def checks(self) -> Checks:
        """As set by the test."""
        return self.checks_now

    async def platform(self) -> Platform:
        """As set by the test."""
        return self.platform_now

    async def verify(self, token: str, now: int) -> Principal | None:
        """By plain comparison."""
        del now
        return self.tokens_known.get(token)

    # Filling

    def raise_alarm(self, device: str, rule: str, severity: Severity, *, since: int, **texts: dict[str, str]) -> Alarm:
        """An active alarm on a device."""
        view = self.views[device]
        alarm = Alarm(
            id=alarm_id(self.site.id, rule, device, since),
            rule=rule,
            severity=severity,
            family=view.family,
            device=device,
            unit=view.unit,
            since=since,
            **texts,
        )
        self.alarm_rows[alarm.id] = alarm
        self._journal(alarm, Step.RAISED, "sample", "audio_dbfs -70.1 below -50")
        return alarm

    def recount(self, unit: str) -> UnitView:
        """A unit's counts follow from its devices."""
        index = next(index for index, row in enumerate(self.rows) if row.unit == unit)
        tallies: dict[str, dict[str, int]] = {}
        seen = []
        for view in self.views.values():
            if view.unit != unit or not view.approved:
                continue
            tally = tallies.setdefault(view.family, dict.fromkeys(FamilyCounts.__struct_fields__, 0))
            tally["devices"] += 1
            tally["online"] += view.state is Liveness.ONLINE
            tally["unknown"] += view.state is Liveness.UNKNOWN
            tally["working"] += view.working is True
            seen.append(view.last_seen or 0)
        families = {family: FamilyCounts(**tally) for family, tally in tallies.items()}
        self.rows[index] = msgspec.structs.replace(self.rows[index], families=families, data_at=max(seen, default=None))
        return self.rows[index]

    def set_state(self, device: str, state: Liveness, *, working: bool | None, last_seen: int | None = None) -> None:
        """A device goes on- or offline."""
        view = self.views[device]
        self.views[device] = msgspec.structs.replace(view, state=state, working=working, last_seen=last_seen or view.last_seen)

    def _fill(self) -> None:
        with UNITS_CSV.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.rows.append(_unit_view(row))
        communes = [row.unit for row in self.rows if row.parent]
        for number in range(600):
            self._add("speaker", f"loa-{number:04d}", communes[number % len(communes)], "Cụm loa")
        for number in range(20):
            self._add("factory_line", f"line-{number:02d}", communes[number * 7], "Dây chuyền")
        for number in range(60):
            self._add("network_site", f"bts-{number:02d}", communes[number * 2], "Trạm")
        self.views["held-1"] = msgspec.structs.replace(self.views["loa-0000"], id="held-1", approved=False, unit=None, name=None)
        self.poison["0001"] = QuarantineItem(
            id="0001",
            topic="ioc/v1/speaker/loa-0000/telemetry",
            device="loa-0000",
            reason="not_json",
            detail="JSON is cut at byte 14",
            count=3,
            first_seen=NOW - 9000,
            last_seen=NOW - 4000,
            payload=b'{"state": "pl',
        )
        message = OutboxMessage(key="k1", channel="ops", event="raised", at=NOW, body=b'{"key": "k1", "alarms": []}')
        self.sent.append(OutboxEntry(message=message, attempts=1, next_at=NOW + 1000, done_at=None, delivered=False))
        for row in list(self.rows):
            self.recount(row.unit)

    def _add(self, family: str, device: str, unit: str, kind: str) -> None:
        seen = NOW - self._random.randrange(1000, 55_000)
        self.views[device] = DeviceView(
            id=device,
            family=family,
            unit=unit,
            name=f"{kind} {int(device.rpartition('-')[2]) + 1}",
            approved=True,
            state=Liveness.ONLINE,
            last_seen=seen,
            sample_at=seen,
            sample={"state": "idle", "audio_dbfs": -70.5, "door_open": False} if family == "speaker" else {},
            refused={},
            working=True,
        )

    def _act(self, alarm: str, step: Step, by: str, detail: str, **changes: Any) -> Alarm:
        changed = msgspec.structs.replace(self.alarm_rows[alarm], **changes)
        self.alarm_rows[alarm] = changed
        self._journal(changed, step, f"person:{by}", detail)
        return changed

    def _journal(self, alarm: Alarm, step: Step, by: str, detail: str) -> None:
        self._seq += 1
        entry = Transition(
            seq=self._seq,
            alarm=alarm.id,
            rule=alarm.rule,
            severity=alarm.severity,
            device=alarm.device,
            unit=alarm.unit,
            step=step,
            at=self.now,
            recorded=self.now,
            by=by,
            detail=detail,
        )
        self.entries.setdefault(alarm.id, []).append(entry)


class _Silences:
    def __init__(self, kept: dict[str, Silence], alarms: dict[str, Alarm]) -> None:
        self._kept = kept
        self._alarms = alarms

    async def list(self, *, after: str | None, limit: int) -> Sequence[Silence]:
        """By id."""
        return [silence for key, silence in sorted(self._kept.items()) if key > (after or "")][:limit]

    async def get(self, silence: str) -> Silence | None:
        """One."""
        return self._kept.get(silence)

    async def put(self, silence: Silence) -> None:
        """Adds or replaces."""
        self._kept[silence.id] = silence

    async def hidden(self, silence: str) -> Sequence[Hidden]:
        """All that it takes."""
        return [Hidden(alarm=one, at=one.since) for one in self._alarms.values() if matches(self._kept[silence], one)]

    async def remove(self, silence: str) -> bool:
        """Whether it was there."""
        return self._kept.pop(silence, None) is not None


def _unit_view(row: dict[str, str]) -> UnitView:
    return UnitView(
        unit=row["unit"],
        code=row["code"],
        name=row["name"],
        type=row["type"],
        parent=row["parent"] or None,
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        families={},
        data_at=None,
    )


def _matches(view: DeviceView, which: DeviceFilter) -> bool:
    return (
        which.family in (None, view.family)
        and which.unit in (None, view.unit)
        and which.state in (None, view.state)
        and which.approved in (None, view.approved)
        and (which.units is None or view.unit in which.units)
    )


def _wanted(alarm: Alarm, wanted: AlarmFilter) -> bool:
    return (
        (wanted.state is None or alarm.active == (wanted.state == "active"))
        and wanted.rule in (None, alarm.rule)
        and wanted.severity in (None, alarm.severity)
        and wanted.family in (None, alarm.family)
        and wanted.device in (None, alarm.device)
        and wanted.unit in (None, alarm.unit)
        and wanted.acknowledged in (None, alarm.acknowledged)
        and wanted.assigned_to in (None, alarm.assigned_to)
        and (wanted.units is None or alarm.unit in wanted.units)
    )


def _page(rows: list[Row], key: Callable[[Row], str], limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
    """The rows after the one that the cursor names."""
    if cursor is not None:
        keys = [key(row) for row in rows]
        if cursor not in keys:
            msg = f"{cursor[:60]!r} is no cursor of this list"
            raise CursorError(msg)
        rows = rows[keys.index(cursor) + 1 :]
    return rows[:limit], key(rows[limit - 1]) if len(rows) > limit else None
