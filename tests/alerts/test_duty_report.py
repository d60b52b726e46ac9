"""What nobody answers for."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.duty_report import Duty, Gap, Uncovered
from ioc.domain.registry import Device, Unit
from notifying.stage import notify_file

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
UNITS = {
    "p": Unit(unit="p", code="25", valid_from="2025-07-01", name="Phú Thọ"),
    "u1": Unit(unit="u1", code="1", valid_from="2025-07-01", name="Phường Việt Trì", parent="p"),
    "u2": Unit(unit="u2", code="2", valid_from="2025-07-01", name="Xã Hạ Hòa", parent="p"),
    "q": Unit(unit="q", code="3", valid_from="2025-07-01", name="Elsewhere"),
}


def at(text: str) -> int:
    """Unix ms of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def duty(units: dict[str, Any], *devices: str | None, **team: Any) -> Duty:
    """One team of two; a device in each of the units."""
    people = {"an": {"name": "Nguyễn Văn An", "channels": "ops"}, "binh": {"channels": "ops"}}
    notify = notify_file({"on_duty_of_unit": "true"}, people=people, teams={"t": {"members": ["an", "binh"], **team}}, units=units)
    known = [Device(device=f"d{n}", family="speaker", unit=unit) for n, unit in enumerate(devices)]
    return Duty(notify.plan, zone=ZONE, unit=UNITS.get, devices=lambda: known)


def test_unit_is_covered_by_the_nearest_one_above_that_names_somebody() -> None:
    """Without any there, and for devices without a unit, nobody answers."""
    report = duty({"p": {"teams": "t"}, "u2": {"people": "an"}}, "u1", "u2", "q", "q", None).report(at("2026-03-05 12:00"))
    assert report.uncovered == (Uncovered(unit=None, devices=1), Uncovered(unit="q", devices=2))
    assert report.gaps == ()
    assert not report.complete


def test_hours_without_anybody_on_duty_in_the_coming_week_are_named_with_the_units_that_they_concern() -> None:
    """A rotation that begins tomorrow, and an override that sends everybody home."""
    tet = {"from": "2026-03-08 00:00", "to": "2026-03-09 00:00", "people": []}
    rota = {"start": "2026-03-06", "hand_over": "07:30"}
    found = duty({"p": {"teams": "t"}, "u2": {"people": "an"}}, "u1", "u2", rotation=rota, overrides=[tet]).report(at("2026-03-05 12:00"))
    assert found.gaps == (
        Gap(team="t", start=at("2026-03-05 12:00"), end=at("2026-03-06 07:30"), units=("u1",)),
        Gap(team="t", start=at("2026-03-08 00:00"), end=at("2026-03-09 00:00"), units=("u1",)),
    )
    [watch] = found.teams
    assert (watch.people, watch.until) == ({}, at("2026-03-06 07:30"))
    [watch] = duty({"p": {"teams": "t"}}, rotation=rota).report(at("2026-03-06 08:00"), team="t").teams
    assert (watch.people, watch.since) == ({"an": "Nguyễn Văn An"}, at("2026-03-06 07:30"))


def test_site_that_declares_nobody_is_at_no_risk() -> None:
    """It goes on as before: its channels are told."""
    notify = notify_file({})
    plain = Duty(notify.plan, zone=ZONE, unit=UNITS.get, devices=lambda: [Device(device="d", family="speaker", unit="u1")])
    assert not plain.declared
    assert plain.report(0).complete
