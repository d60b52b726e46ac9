"""Devices, their series, units and families."""

import difflib
from typing import Annotated, Literal

import msgspec

from ioc.api.documents import (
    DeviceDocument,
    FamilyDocument,
    Page,
    UnitDocument,
    device_document,
    family_document,
    instant,
    unit_document,
)
from ioc.api.handlers.common import Name, Paged, YesNo, given, page, parse_instant, yes
from ioc.api.ports import DeviceFilter
from ioc.api.problem import ProblemError, existing
from ioc.api.route import Call, NoQuery
from ioc.domain.alarm_document import Instant
from ioc.domain.duration import parse_duration
from ioc.domain.family import Family
from ioc.domain.point import FieldValue, SeriesRow
from ioc.domain.views import DeviceView, FamilyCounts, UnitView

MAX_BUCKETS = 10_000
DAY_MS = 86_400_000
DurationText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(ms|s|m|h|d)$")]


class DeviceQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which devices."""

    family: Name | msgspec.UnsetType = msgspec.UNSET
    unit: Name | msgspec.UnsetType = msgspec.UNSET
    online: Literal["true", "false", "unknown"] | msgspec.UnsetType = msgspec.UNSET
    approved: YesNo | msgspec.UnsetType = msgspec.UNSET


class SeriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which metric, from (inclusive) to (exclusive), in buckets of `every`; by default the last 24 hours in about 300 buckets.

    More than 10,000 buckets are made fewer and longer: the answer's `every_ms` says how long they are.
    """

    metric: Name
    start: Instant | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)
    end: Instant | msgspec.UnsetType = msgspec.field(name="to", default=msgspec.UNSET)
    every: DurationText | msgspec.UnsetType = msgspec.UNSET


class SeriesPoint(msgspec.Struct, frozen=True):
    """One bucket: its start, its value (mean; last for texts), lowest and highest."""

    at: Instant
    value: FieldValue | None
    low: float | None
    high: float | None


class SeriesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A device's metric over time."""

    device: str
    metric: str
    unit: str
    """Unit of measure."""
    start: Instant = msgspec.field(name="from")
    end: Instant = msgspec.field(name="to")
    every_ms: int
    items: list[SeriesPoint]
    next: None = None


class ApproveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where an approved device belongs, if that is not known yet."""

    unit: Name | None = None
    name: Name | None = None


async def list_devices(call: Call[DeviceQuery, None]) -> Page[DeviceDocument]:
    """The fleet, by id."""
    query = call.query
    state = {"true": "online", "false": "offline", "unknown": "unknown", None: None}[given(query.online)]
    which = DeviceFilter(
        family=given(query.family),
        unit=given(query.unit),
        state=state,  # type: ignore[arg-type]
        approved=yes(query.approved),
        units=call.units,
    )
    found = await call.backend.devices.devices(which, after=given(query.cursor), limit=query.limit + 1)
    return page(found, query.limit, device_document, lambda view: view.id)


async def get_device(call: Call[NoQuery, None]) -> DeviceDocument:
    """One device."""
    return device_document(await _device(call))


async def approve_device(call: Call[NoQuery, ApproveBody | None]) -> DeviceDocument:
    """Lets a held device take part."""
    body = call.body or ApproveBody()
    device = call.path["id"]
    view = await call.backend.devices.approve(device, unit=body.unit, name=body.name, by=call.principal.name)
    return device_document(existing(view, "device", device))


async def get_series(call: Call[SeriesQuery, None]) -> SeriesDocument:
    """A metric of a device over time."""
    query = call.query
    view = await _device(call)
    family = next((family for family in call.backend.families if family.family == view.family), None)
    unit = _unit_of_measure(family, query.metric)
    end = _or(parse_instant(query.end, "to"), call.now)
    start = _or(parse_instant(query.start, "from"), end - DAY_MS)
    every = _every(given(query.every), end - start)
    rows = await call.backend.series.series(view.family, view.id, query.metric, start=start, end=end, every=every)
    return SeriesDocument(
        device=view.id,
        metric=query.metric,
        unit=unit,
        start=instant(start) or "",
        end=instant(end) or "",
        every_ms=every,
        items=[_point(row) for row in rows[:MAX_BUCKETS]],
    )


async def list_units(call: Call[Paged, None]) -> Page[UnitDocument]:
    """Units valid today with their counts, by id."""
    after = given(call.query.cursor) or ""
    views = sorted(await call.backend.units.units(), key=_unit_id)
    found = [view for view in views if view.unit > after and call.may_see(view.unit)]
    return page(found, call.query.limit, unit_document, _unit_id)


async def list_families(call: Call[NoQuery, None]) -> Page[FamilyDocument]:
    """Declared families with their labels, metrics and counts."""
    totals = await call.backend.units.totals() if call.units is None else await _own_totals(call)
    items = [family_document(family, totals.get(family.family, FamilyCounts())) for family in call.backend.families]
    return Page(items=items, next=None)


async def _own_totals(call: Call[NoQuery, None]) -> dict[str, FamilyCounts]:
    totals: dict[str, FamilyCounts] = {}
    for view in await call.backend.units.units():
        if call.may_see(view.unit):
            for family, counts in view.families.items():
                totals[family] = _sum(totals.get(family, FamilyCounts()), counts)
    return totals


def _sum(left: FamilyCounts, right: FamilyCounts) -> FamilyCounts:
    names = FamilyCounts.__struct_fields__
    return FamilyCounts(**{name: getattr(left, name) + getattr(right, name) for name in names})


async def _device(call: Call[NoQuery, None] | Call[SeriesQuery, None]) -> DeviceView:
    device = call.path["id"]
    view = await call.backend.devices.device(device)
    visible = view if view is not None and call.may_see(view.unit) else None
    return existing(visible, "device", device)


def _unit_of_measure(family: Family | None, name: str) -> str:
    names = [metric.name for metric in family.metrics] if family else []
    for metric in family.metrics if family else ():
        if metric.name == name:
            return metric.unit
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ProblemError(404, f"This device's family has no metric {name!r}{hint}")


def _every(text: str | None, length: int) -> int:
    """The buckets asked for, or about 300; never more than MAX_BUCKETS."""
    if text is None:
        return max(1000, -(-length // 300_000) * 1000)
    return max(1, parse_duration(text), -(-length // MAX_BUCKETS))


def _point(row: SeriesRow) -> SeriesPoint:
    return SeriesPoint(at=instant(row.ts) or "", value=row.value, low=row.low, high=row.high)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _unit_id(view: UnitView) -> str:
    return view.unit
