"""Units and devices as the registry holds them."""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from ioc.adapters.state.codec import from_row, to_row
from ioc.adapters.state.schema import devices, units
from ioc.adapters.state.upsert import insert_missing, replace
from ioc.domain.registry import Device, Unit

_JSON = frozenset({"labels"})
_CHUNK = 500


def put_units(conn: Connection, rows: Iterable[Unit]) -> None:
    """Inserts or replaces units by (unit, valid_from)."""
    replace(conn, units, [to_row(unit) for unit in rows])


def put_devices(conn: Connection, rows: Iterable[Device]) -> None:
    """Inserts or replaces devices by id; a known device keeps its `registered_at`."""
    replace(conn, devices, [to_row(device, json=_JSON) for device in rows], keep=frozenset({"registered_at"}))


def add_new_devices(conn: Connection, rows: Iterable[Device]) -> None:
    """Inserts devices just heard for the first time; one that is known already stays as it is."""
    insert_missing(conn, devices, [to_row(device, json=_JSON) for device in rows])


def approve_devices(conn: Connection, ids: Iterable[str], *, unit: str | None, name: str | None) -> int:
    """Approves devices, and gives them the unit and the name that are not None; the number of those that are known."""
    given = {column: value for column, value in (("unit", unit), ("name", name)) if value is not None}
    wanted = sorted(set(ids))
    approved = 0
    for start in range(0, len(wanted), _CHUNK):
        known = devices.c.device.in_(wanted[start : start + _CHUNK])
        approved += conn.execute(update(devices).where(known).values(approved=True, **given)).rowcount
    return approved


def all_units(conn: Connection) -> tuple[Unit, ...]:
    """Every row of every unit, by id and date."""
    rows = conn.execute(select(units).order_by(units.c.unit, units.c.valid_from))
    return tuple(from_row(Unit, row) for row in rows.mappings())


def all_devices(conn: Connection) -> tuple[Device, ...]:
    """Every device, by id."""
    rows = conn.execute(select(devices).order_by(devices.c.device))
    return tuple(from_row(Device, row, json=_JSON) for row in rows.mappings())
