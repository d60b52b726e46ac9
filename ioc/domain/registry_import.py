"""Units and devices from CSV files: what an import would change, and every row that is wrong. Nothing is imported while one is."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

from ioc.domain import registry_cells as cell
from ioc.domain.csv_table import TableRow, read_table
from ioc.domain.nearest import Nearest
from ioc.domain.registry import Device, RowError, Unit
from ioc.domain.unit_checks import check_units
from ioc.domain.units import UnitTree, valid_on

T = TypeVar("T")

UNIT_COLUMNS = ("unit", "code", "valid_from", "valid_to", "name", "type", "parent", "lat", "lon")
DEVICE_COLUMNS = ("device", "family", "unit", "name", "lat", "lon", "labels", "valid_from")


class ImportRow(msgspec.Struct, Generic[T], frozen=True):
    """A readable row of a file."""

    line: int
    value: T


class Parsed(msgspec.Struct, Generic[T], frozen=True):
    """A file's readable rows and the errors of the others."""

    rows: tuple[ImportRow[T], ...]
    errors: tuple[RowError, ...]
    columns: frozenset[str]
    """Columns that the file has: the others leave what is known as it is."""
    broken: frozenset[str]
    """Ids of rows that can't be read, so that nobody is told they don't exist."""


class Change(msgspec.Struct, Generic[T], frozen=True):
    """A known unit or device as it is and as the file wants it."""

    before: T
    after: T


class ImportPlan(msgspec.Struct, Generic[T], frozen=True):
    """What an import would do; what the file doesn't name stays as it is."""

    added: tuple[T, ...]
    changed: tuple[Change[T], ...]
    unchanged: tuple[T, ...]
    errors: tuple[RowError, ...]
    """By line."""

    @property
    def to_import(self) -> tuple[T, ...]:
        """The rows to write: added and changed ones, none while there are errors."""
        return () if self.errors else self.added + tuple(change.after for change in self.changed)


def parse_units(raw: bytes) -> Parsed[Unit]:
    """The rows of a units file, UTF-8 with or without BOM; each is read for itself, `plan_units` checks them together."""
    table = read_table(raw, columns=UNIT_COLUMNS, required=("unit", "valid_from", "name"))
    rows: list[ImportRow[Unit]] = []
    errors = list(table.errors)
    for row in table.rows:
        unit, wrong = _unit(row)
        errors += [RowError(row.line, detail) for detail in wrong]
        if not wrong:
            rows.append(ImportRow(row.line, unit))
    first: dict[tuple[str, str], int] = {}
    for parsed in rows:
        key = (parsed.value.unit, parsed.value.valid_from)
        if first.setdefault(key, parsed.line) != parsed.line:
            errors.append(RowError(parsed.line, f"unit {key[0]!r} from {key[1]} stands already on line {first[key]}; keep one of the two"))
    return Parsed(tuple(rows), tuple(errors), table.columns, _broken(table.rows, rows, "unit"))


def parse_devices(raw: bytes, *, families: Iterable[str], units: Iterable[Unit], today: str) -> Parsed[Device]:
    """The rows of a devices file; family and unit must be known, the unit valid today (ISO date in the site's zone)."""
    table = read_table(raw, columns=DEVICE_COLUMNS, required=("device", "family"))
    known = _Known(families, units, today)
    rows: list[ImportRow[Device]] = []
    errors = list(table.errors)
    first: dict[str, int] = {}
    for row in table.rows:
        device, wrong = _device(row, known)
        if device.device and first.setdefault(device.device, row.line) != row.line:
            wrong.append(f"device {device.device!r} stands already on line {first[device.device]}; keep one of the two")
        errors += [RowError(row.line, detail) for detail in wrong]
        if not wrong:
            rows.append(ImportRow(row.line, device))
    return Parsed(tuple(rows), tuple(errors), table.columns, _broken(table.rows, rows, "device"))


def plan_units(existing: Iterable[Unit], parsed: Parsed[Unit]) -> ImportPlan[Unit]:
    """What the file would change, and what would be wrong with the tree afterwards."""
    known = {(unit.unit, unit.valid_from): unit for unit in existing}
    wanted = [
        ImportRow(row.line, _merged(known.get((row.value.unit, row.value.valid_from)), row.value, parsed.columns)) for row in parsed.rows
    ]
    lines = {(row.value.unit, row.value.valid_from): row.line for row in wanted}
    after = {**known, **{(row.value.unit, row.value.valid_from): row.value for row in wanted}}
    errors = [*parsed.errors, *check_units(after.values(), lines, parsed.broken)]
    return _plan([(known.get((row.value.unit, row.value.valid_from)), row.value) for row in wanted], errors)


def plan_devices(existing: Iterable[Device], parsed: Parsed[Device], *, now: int) -> ImportPlan[Device]:
    """What the file would change; its devices are approved, new ones registered at `now` (Unix ms)."""
    known = {device.device: device for device in existing}
    pairs: list[tuple[Device | None, Device]] = []
    for row in parsed.rows:
        before = known.get(row.value.device)
        wanted = _merged(before, row.value, parsed.columns)
        registered = now if before is None else before.registered_at
        pairs.append((before, msgspec.structs.replace(wanted, approved=True, registered_at=registered)))
    return _plan(pairs, parsed.errors)


class _Known:
    """What a device's row may refer to."""

    def __init__(self, families: Iterable[str], units: Iterable[Unit], today: str) -> None:
        self._families = frozenset(families)
        self._tree = UnitTree(units)
        self._today = today
        self._near_families = Nearest(self._families)
        self._near_units = Nearest(self._tree.ids())
        self._by_code = {unit.code: unit for unit in self._tree.on(today) if unit.code}

    def family(self, text: str) -> str:
        if text not in self._families:
            raise ValueError(_sentence("no such family", self._near_families.advice(text), "declare it in a family file"))
        return text

    def unit(self, text: str) -> str | None:
        rows = self._tree.rows(text)
        if not rows:
            coded = self._by_code.get(text)
            advice = self._near_units.advice(text) if coded is None else f"it is the code of {coded.unit!r} ({coded.name}); write that id"
            raise ValueError(_sentence("no such unit", advice, "import the units first"))
        if not any(valid_on(row, self._today) for row in rows):
            times = ", ".join(f"{row.valid_from} to {row.valid_to or 'now'}" for row in rows)
            msg = f"this unit is not valid on {self._today} (only {times}); name the unit that holds today"
            raise ValueError(msg)
        return text


def _unit(row: TableRow) -> tuple[Unit, list[str]]:
    cells = cell.Cells(row.cells)
    unit = Unit(
        unit=cells.need("unit", cell.identifier),
        code=cells.read("code", cell.name, ""),
        valid_from=cells.need("valid_from", cell.iso_date),
        valid_to=cells.read("valid_to", cell.iso_date, None),
        name=cells.need("name", cell.name),
        type=cells.read("type", cell.name, ""),
        parent=cells.read("parent", cell.identifier, None),
        lat=cells.read("lat", cell.latitude, None),
        lon=cells.read("lon", cell.longitude, None),
    )
    if unit.valid_to is not None and unit.valid_to <= unit.valid_from:
        cells.wrong.append(
            f"valid_to {unit.valid_to} is not after valid_from {unit.valid_from}; valid_to is the first day it no longer holds"
        )
    _check_place(row, cells)
    return unit, cells.wrong


def _device(row: TableRow, known: _Known) -> tuple[Device, list[str]]:
    cells = cell.Cells(row.cells)
    no_labels: dict[str, str] = {}
    device = Device(
        device=cells.need("device", cell.identifier),
        family=cells.need("family", known.family),
        unit=cells.read("unit", known.unit, None),
        name=cells.read("name", cell.name, None),
        lat=cells.read("lat", cell.latitude, None),
        lon=cells.read("lon", cell.longitude, None),
        labels=cells.read("labels", cell.labels, no_labels),
        valid_from=cells.read("valid_from", cell.iso_date, None),
    )
    _check_place(row, cells)
    return device, cells.wrong


def _check_place(row: TableRow, cells: cell.Cells) -> None:
    if bool(row.cells.get("lat")) != bool(row.cells.get("lon")):
        cells.wrong.append("lat and lon belong together; write both or none")


def _broken(all_rows: Sequence[TableRow], readable: Sequence[ImportRow[T]], column: str) -> frozenset[str]:
    lines = {row.line for row in readable}
    return frozenset(row.cells[column] for row in all_rows if row.line not in lines and row.cells[column])


V = TypeVar("V", bound=msgspec.Struct)


def _merged(before: V | None, wanted: V, columns: frozenset[str]) -> V:
    if before is None:
        return wanted
    return msgspec.structs.replace(before, **{column: getattr(wanted, column) for column in columns})


def _plan(pairs: Sequence[tuple[T | None, T]], errors: Iterable[RowError]) -> ImportPlan[T]:
    return ImportPlan(
        added=tuple(after for before, after in pairs if before is None),
        changed=tuple(Change(before, after) for before, after in pairs if before is not None and before != after),
        unchanged=tuple(after for before, after in pairs if before == after),
        errors=tuple(sorted(errors, key=lambda error: error.line)),
    )


def _sentence(what: str, *advice: str) -> str:
    return "; ".join([what, next(text for text in advice if text)])
