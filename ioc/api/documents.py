"""JSON documents of devices, units, families, ledger and ourselves, as the API answers them and the stream publishes them."""

import base64
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from ioc.api.ports import Platform, QuarantineItem, Site
from ioc.domain.alarm_document import Instant
from ioc.domain.drift import Drift, DriftKind
from ioc.domain.family import Family
from ioc.domain.json_schema import telemetry_schema
from ioc.domain.ledger import TERMS, LedgerTerms
from ioc.domain.liveness_change import Liveness, LivenessChange
from ioc.domain.rfc3339 import to_rfc3339
from ioc.domain.views import DeviceView, FamilyCounts, UnitView

Item = TypeVar("Item")
_ONLINE = {Liveness.ONLINE: True, Liveness.OFFLINE: False, Liveness.UNKNOWN: None}


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a list; `next` goes into `?cursor=` for the page after it, null = this is the last."""

    items: list[Item]
    next: str | None


class DeviceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it stands now; `online` null = unknown, `working` null = unknown or out of service."""

    id: str
    family: str
    unit: str | None
    name: str | None
    online: bool | None
    state: Liveness
    last_seen: Instant | None
    sample_at: Instant | None
    sample: dict[str, bool | int | float | str]
    refused: dict[str, float]
    """Latest values out of the declared range: shown, not stored."""
    approved: bool
    working: bool | None
    out_of_service: str | None
    """The order by which it is so."""
    labels: dict[str, str]
    lat: float | None
    lon: float | None


class UnitDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An administrative unit with the counts of its own devices; `data_at` = newest arrival from any of them."""

    unit: str
    code: str
    name: str
    type: str
    parent: str | None
    lat: float | None
    lon: float | None
    families: dict[str, FamilyCounts]
    data_at: Instant | None


class UnitsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What the stream says of units: those that changed, as judged at `at`, and the sums over the whole fleet."""

    at: Instant
    items: list[UnitDocument]
    totals: dict[str, FamilyCounts]


class MetricDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A declared metric."""

    name: str
    type: str
    unit: str
    labels: dict[str, str]
    values: dict[str, dict[str, str]]
    """Enum value → its name by language."""
    headline: bool


class FamilyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A declared device family with the counts of all its approved devices."""

    family: str
    labels: dict[str, str]
    cadence_ms: int
    silence_ms: int
    """Listening time without arrival after which a device is offline."""
    metrics: list[MetricDocument]
    counts: FamilyCounts
    schema: dict[str, Any]
    """JSON Schema of what its devices publish as telemetry."""


class LivenessDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A device went online, offline or unknown, and why."""

    device: str
    family: str
    unit: str | None
    online: bool | None
    state: Liveness
    cause: str
    at: Instant
    last_seen: Instant | None


class SampleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A device's latest values."""

    device: str
    family: str
    unit: str | None
    sample_at: Instant
    sample: dict[str, bool | int | float | str]


class LedgerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of the ledger; without a range `from` and `to` are null: since the beginning."""

    start: Annotated[Instant | None, msgspec.Meta(title="from")] = msgspec.field(name="from")
    end: Annotated[Instant | None, msgspec.Meta(title="to")] = msgspec.field(name="to")
    received: int
    stored: int
    spooled: int
    quarantined: int
    duplicate: int
    retained: int
    returned: int
    in_flight: int
    partial: int
    clock_corrected: int
    overwritten: int
    recovered: int
    evicted: int
    families: dict[str, LedgerTerms]


class QuarantineDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be stored, or not wholly; a payload that is not UTF-8 comes in base64."""

    id: str
    topic: str
    family: str
    """As the ledger counts it."""
    device: str | None
    reason: str
    detail: str
    count: int
    partial: bool
    first_seen: Instant
    last_seen: Instant
    replayed_at: Instant | None
    """When it was stored after all."""
    payload: str
    payload_encoding: str
    """utf-8 or base64."""


class DriftDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A field that a group of devices (family, dialect, firmware) tells otherwise than before."""

    id: str
    family: str
    dialect: str
    firmware: str
    """Empty = the devices tell none."""
    before: str | None
    """The firmware with which it is compared; null = the same one, earlier."""
    field: str
    kind: DriftKind
    old_type: str | None
    new_type: str | None
    devices: int
    messages: int
    """Of those that were looked at."""
    first_seen: Instant
    last_seen: Instant
    samples: list[str]
    """Beginnings of payloads."""
    acknowledged: bool
    acknowledged_at: Instant | None
    acknowledged_by: str | None


class PlatformDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How well we hear and store ourselves, at our clock's time `at`."""

    at: Instant
    site: Site
    hearing: bool
    heard_until: Instant | None
    blind_since: Instant | None
    store_ok: bool
    store_detail: str
    spooled: int
    spool_bytes: int
    spool_limit: int
    drain_rate: float
    """Points a second that the store takes from the spool."""
    spool_oldest: Instant | None
    quarantine_evicted: int


def device_document(view: DeviceView) -> DeviceDocument:
    """The document of a device."""
    return DeviceDocument(
        id=view.id,
        family=view.family,
        unit=view.unit,
        name=view.name,
        online=_ONLINE[view.state],
        state=view.state,
        last_seen=instant(view.last_seen),
        sample_at=instant(view.sample_at),
        sample=view.sample,
        refused=view.refused,
        approved=view.approved,
        working=view.working,
        out_of_service=view.out_of_service,
        labels=view.labels,
        lat=view.lat,
        lon=view.lon,
    )


def sample_document(view: DeviceView) -> SampleDocument:
    """What the stream says when a device's sample is news."""
    return SampleDocument(device=view.id, family=view.family, unit=view.unit, sample_at=to_rfc3339(view.sample_at or 0), sample=view.sample)


def liveness_document(change: LivenessChange, unit: str | None) -> LivenessDocument:
    """What the stream says when a device changes between online, offline and unknown."""
    return LivenessDocument(
        device=change.device,
        family=change.family,
        unit=unit,
        online=_ONLINE[change.state],
        state=change.state,
        cause=change.cause,
        at=to_rfc3339(change.at),
        last_seen=instant(change.last_arrival),
    )


def unit_document(view: UnitView) -> UnitDocument:
    """The document of a unit."""
    return UnitDocument(
        unit=view.unit,
        code=view.code,
        name=view.name,
        type=view.type,
        parent=view.parent,
        lat=view.lat,
        lon=view.lon,
        families=view.families,
        data_at=instant(view.data_at),
    )


def units_event(views: Iterable[UnitView], totals: Mapping[str, FamilyCounts], at: int) -> UnitsEvent:
    """What the stream says of units that changed."""
    return UnitsEvent(at=to_rfc3339(at), items=[unit_document(view) for view in views], totals=dict(totals))


def family_document(family: Family, counts: FamilyCounts) -> FamilyDocument:
    """The document of a declared family."""
    metrics = [
        MetricDocument(
            name=metric.name,
            type=metric.type,
            unit=metric.unit,
            labels=metric.labels.model_dump(),
            values={value: label.model_dump() for value, label in metric.value_labels.items()},
            headline=metric.headline,
        )
        for metric in family.metrics
    ]
    return FamilyDocument(
        family=family.family,
        labels=family.labels.model_dump(),
        cadence_ms=family.cadence,
        silence_ms=family.silence_ms,
        metrics=metrics,
        counts=counts,
        schema=telemetry_schema(family),
    )


def ledger_document(families: Mapping[str, LedgerTerms], start: int | None = None, end: int | None = None) -> LedgerDocument:
    """The sums over families, and each family's own terms."""
    total = LedgerTerms()
    for terms in families.values():
        total.add(terms)
    sums = {name: getattr(total, name) for name in TERMS}
    return LedgerDocument(start=instant(start), end=instant(end), families=dict(families), **sums)


def quarantine_document(item: QuarantineItem) -> QuarantineDocument:
    """The document of a quarantined message."""
    try:
        payload, encoding = item.payload.decode(), "utf-8"
    except UnicodeDecodeError:
        payload, encoding = base64.b64encode(item.payload).decode(), "base64"
    return QuarantineDocument(
        id=item.id,
        topic=item.topic,
        family=item.family,
        device=item.device,
        reason=item.reason,
        detail=item.detail,
        count=item.count,
        partial=item.partial,
        first_seen=to_rfc3339(item.first_seen),
        last_seen=to_rfc3339(item.last_seen),
        replayed_at=instant(item.replayed_at),
        payload=payload,
        payload_encoding=encoding,
    )


def drift_document(drift: Drift) -> DriftDocument:
    """The document of a drift."""
    same = ("id", "family", "dialect", "firmware", "before", "field", "kind", "old_type", "new_type", "devices", "messages")
    return DriftDocument(
        **{name: getattr(drift, name) for name in same},
        first_seen=to_rfc3339(drift.first_seen),
        last_seen=to_rfc3339(drift.last_seen),
        samples=list(drift.samples),
        acknowledged=drift.acknowledged_at is not None,
        acknowledged_at=instant(drift.acknowledged_at),
        acknowledged_by=drift.acknowledged_by,
    )


def platform_document(platform: Platform, site: Site, *, store_ok: bool, store_detail: str, at: int) -> PlatformDocument:
    """How we are, for the wall; the stream publishes it as `own`."""
    return PlatformDocument(
        at=to_rfc3339(at),
        site=site,
        hearing=platform.hearing,
        heard_until=instant(platform.heard_until),
        blind_since=instant(platform.blind_since),
        store_ok=store_ok,
        store_detail=store_detail,
        spooled=platform.spooled,
        spool_bytes=platform.spool_bytes,
        spool_limit=platform.spool_limit,
        drain_rate=round(platform.drain_rate),
        spool_oldest=instant(platform.spool_oldest),
        quarantine_evicted=platform.quarantine_evicted,
    )


def instant(ms: int | None) -> str | None:
    """RFC 3339, or None for never."""
    return None if ms is None else to_rfc3339(ms)
