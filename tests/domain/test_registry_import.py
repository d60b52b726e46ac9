"""Units and devices from files people write."""

import importlib.resources
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.registry import Device, RowError, Unit
from ioc.domain.registry_import import ImportPlan, parse_devices, parse_units, plan_devices, plan_units

PHU_THO = (importlib.resources.files("ioc.domain") / "data" / "phu-tho-units.csv").read_bytes()
UNITS = plan_units((), parse_units(PHU_THO)).added
TODAY = "2025-08-01"
HEADER = "unit,code,valid_from,valid_to,name,type,parent,lat,lon\n"


def units_plan(rows: str, existing: tuple[Unit, ...] = ()) -> ImportPlan[Unit]:
    """The plan of a units file with these rows."""
    return plan_units(existing, parse_units((HEADER + rows).encode()))


def devices_plan(text: str, existing: tuple[Device, ...] = ()) -> ImportPlan[Device]:
    """The plan of a devices file."""
    parsed = parse_devices(text.encode(), families=("speaker", "factory_line"), units=UNITS, today=TODAY)
    return plan_devices(existing, parsed, now=1000)


def told(errors: tuple[RowError, ...]) -> list[tuple[int, str]]:
    """Errors as pairs."""
    return [(error.line, error.detail) for error in errors]


def test_shipped_units_are_one_province_with_148_communes() -> None:
    """The file that we ship imports without an error."""
    plan = plan_units((), parse_units(PHU_THO))
    assert plan.errors == ()
    assert len(plan.added) == 149
    assert [unit.unit for unit in plan.added if unit.parent is None] == ["p25-2025"]
    assert all(unit.lat is not None and unit.lon is not None for unit in plan.added)


def test_import_changes_nothing_when_the_file_is_imported_again() -> None:
    """The second dry run shows every row as unchanged."""
    plan = plan_units(UNITS, parse_units(PHU_THO))
    assert (len(plan.unchanged), plan.added, plan.changed, plan.to_import) == (149, (), (), ())


def test_plan_tells_added_changed_and_unchanged_rows_apart() -> None:
    """What stands in the file is compared with what is known; what it doesn't name stays."""
    plan = devices_plan(
        "device,family,unit,name,lat,lon,labels,valid_from\n"
        "new,speaker,04792-2025,Loa mới,21.3,105.2,carrier=viettel; vendor=x,2025-07-01\n"
        "moved,speaker,04795-2025,,,,,\n"
        "same,factory_line,,,,,,\n",
        (
            Device(device="moved", family="speaker", unit="04792-2025", registered_at=5),
            Device(device="same", family="factory_line", registered_at=6),
            Device(device="elsewhere", family="speaker"),
        ),
    )
    assert plan.errors == ()
    assert plan.added == (
        Device(
            device="new", family="speaker", unit="04792-2025", name="Loa mới", lat=21.3, lon=105.2,
            labels={"carrier": "viettel", "vendor": "x"}, valid_from="2025-07-01", registered_at=1000,
        ),
    )  # fmt: skip
    assert [(change.before.unit, change.after.unit, change.after.registered_at) for change in plan.changed] == [
        ("04792-2025", "04795-2025", 5)
    ]
    assert [device.device for device in plan.unchanged] == ["same"]
    assert [device.device for device in plan.to_import] == ["new", "moved"]


def test_absent_column_leaves_known_values_and_an_empty_cell_clears_them() -> None:
    """A file of two columns registers devices and takes nothing away from known ones."""
    known = Device(device="a", family="speaker", unit="04792-2025", name="Loa", labels={"k": "v"})
    assert devices_plan("device,family\na,speaker\n", (known,)).unchanged == (known,)
    cleared = devices_plan("device,family,name\na,speaker,\n", (known,)).changed[0].after
    assert (cleared.name, cleared.unit) == (None, "04792-2025")


def test_import_approves_a_held_device_and_keeps_when_it_was_first_heard() -> None:
    """Standing in the file is an approval."""
    plan = devices_plan("device,family\na,speaker\n", (Device(device="a", family="speaker", approved=False, registered_at=7),))
    assert plan.to_import == (Device(device="a", family="speaker", approved=True, registered_at=7),)


def test_nothing_is_imported_while_one_row_is_wrong() -> None:
    """Half a file never enters."""
    plan = devices_plan("device,family\ngood,speaker\nbad id,speaker\n")
    assert len(plan.added) == 1
    assert plan.to_import == ()
    assert told(plan.errors) == [
        (3, "device 'bad id': an id has 1 to 64 of the letters A–Z a–z, digits, dot, hyphen and underscore"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("\n\n", 1, "the file is empty"),
        ("device;family\n", 1, "separated by semicolons"),
        ("device,familly\n", 1, "did you mean 'family'?"),
        ("device,device,family\n", 1, "column 'device' stands twice"),
        ("device\nx\n", 1, "column 'family' is missing"),
        ("\ndevice,family\nx,speker\n", 3, "no such family; did you mean 'speaker'?"),
        ("device,family\nx,bts\n", 2, "known are factory_line, speaker"),
        ("device,family,unit\nx,speaker,04792-2052\n", 2, "did you mean '04792-2025'?"),
        ("device,family,unit\nx,speaker,04792\n", 2, "it is the code of '04792-2025' (Phường Tân Hòa); write that id"),
        ("device,family\n,speaker\n", 2, "device is empty"),
        ("device,family\nx,speaker\nx,speaker\n", 3, "device 'x' stands already on line 2"),
        ("device,family\nx,speaker,y\n", 2, "3 cells, but the header has 2"),
        ('device,family\nx,"speaker\n', 2, "check the quotation marks"),
        ("device,family,labels\nx,speaker,carrier\n", 2, "key=value"),
        ("device,family,labels\nx,speaker,a=1;a=2\n", 2, "label 'a' stands twice"),
        ("device,family,lat,lon\nx,speaker,21.3,\n", 2, "lat and lon belong together"),
        ("device,family,lat,lon\nx,speaker,nan,105\n", 2, "write degrees from -90 to 90"),
        ("device,family,lat,lon\nx,speaker,91,105\n", 2, "write degrees from -90 to 90"),
        ("device,family,valid_from\nx,speaker,20250701\n", 2, "write a day as year-month-day"),
        ("device,family,valid_from\nx,speaker,2025-02-30\n", 2, "write a day as year-month-day"),
        ('device,family,name\nx,speaker,"a\nb"\n', 2, "line break"),
        ('device,family,name\na,speaker,"x\ny"\nz/,speaker,\n', 4, "an id has"),
    ],
)  # fmt: skip
def test_wrong_row_is_named_by_its_line_with_what_to_do(text: str, line: int, words: str) -> None:
    """Every error says where, what, and the next step."""
    assert any(at == line and words in detail for at, detail in told(devices_plan(text).errors)), devices_plan(text).errors


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff\xfed\0e\0", "UTF-16"),
        ("device,family\nđ".encode("utf-16-le"), "CSV UTF-8"),
        (b"device,family\nx,\xe1\n", "byte 0xe1 is not UTF-8"),
    ],
)  # fmt: skip
def test_file_in_another_encoding_is_refused_with_advice(raw: bytes, words: str) -> None:
    """What Excel saves by default gets an answer that helps."""
    (error,) = parse_devices(raw, families=("speaker",), units=(), today=TODAY).errors
    assert words in error.detail


def test_texts_are_nfc_and_a_byte_order_mark_is_ignored() -> None:
    """Names typed on different machines compare equal."""
    decomposed = unicodedata.normalize("NFD", "\ufeffunit,valid_from,name\nu,2025-07-01,Xã Phú Thọ\n")
    (row,) = parse_units(decomposed.encode()).rows
    assert row.value.name == "Xã Phú Thọ"


def test_unit_that_has_ended_takes_no_device() -> None:
    """After a merge the file must name the unit that holds today."""
    ended = Unit(unit="old", code="1", valid_from="1997-01-01", valid_to="2025-07-01", name="Xã cũ")
    parsed = parse_devices(b"device,family,unit\nx,speaker,old\n", families=("speaker",), units=(ended,), today=TODAY)
    assert "not valid on 2025-08-01 (only 1997-01-01 to 2025-07-01)" in parsed.errors[0].detail


def test_three_tiers_are_valid() -> None:
    """Province, district and commune, with the district's end and the commune's new parent."""
    plan = units_plan(
        "p,25,1997-01-01,,Tỉnh,tỉnh,,,\n"
        "d,227,1997-01-01,2025-07-01,Huyện,huyện,p,,\n"
        "c,07888,1997-01-01,2025-07-01,Xã,xã,d,,\n"
        "c,07888,2025-07-01,,Xã,xã,p,,\n"
    )  # fmt: skip
    assert plan.errors == ()
    assert len(plan.added) == 4


def test_code_may_be_used_again_once_its_unit_has_ended() -> None:
    """As all 148 codes of today's Phú Thọ were."""
    assert units_plan("old,04792,1997-01-01,2025-07-01,Cũ,phường,,,\n", UNITS).errors == ()
    assert "code '04792' belongs to" in units_plan("old,04792,1997-01-01,,Cũ,phường,,,\n", UNITS).errors[0].detail


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ("a,1,2025-01-01,2025-01-01,A,,,,\n", 2, "valid_to 2025-01-01 is not after valid_from"),
        ("a,1,2025-01-01,,A,,,,\na,1,2025-01-01,,A,,,,\n", 3, "stands already on line 2"),
        ("a,1,2025-01-01,,A,,,,\na,1,2026-01-01,,A,,,,\n", 3, "write valid_to 2026-01-01 in the earlier row"),
        ("a,1,2025-01-01,,A,,nowhere,,\n", 2, "parent 'nowhere' of 'a' is no unit; known are a"),
        ("p,0,2025-01-01,,P,,,,\na,1,2024-01-01,,A,,p,,\n", 3, "parent 'p' is not valid on 2024-01-01, but 'a' is; correct valid_from"),
        ("p,0,2024-01-01,2025-01-01,P,,,,\na,1,2024-01-01,,A,,p,,\n", 3, "end 'a' by valid_to 2025-01-01"),
        ("a,1,2025-01-01,,A,,b,,\nb,2,2025-01-01,,B,,a,,\n", 2, "units stand below themselves: a < b < a"),
        ("a,1,2025-01-01,,A,,a,,\n", 2, "units stand below themselves: a < a"),
    ],
)  # fmt: skip
def test_units_that_contradict_each_other_are_named_by_line(rows: str, line: int, words: str) -> None:
    """Validity, parents and circles are checked over the registry as it would be."""
    errors = told(units_plan(rows).errors)
    assert any(at == line and words in detail for at, detail in errors), errors


def test_ending_a_parent_names_the_units_left_behind() -> None:
    """One line for the province, not one for each of its communes."""
    plan = units_plan("p25-2025,25,2025-07-01,2026-01-01,Tỉnh Phú Thọ,tỉnh,,,\n", UNITS)
    assert len(plan.errors) == 1
    assert "and 147 others still stand below 'p25-2025', which is not valid on 2026-01-01" in plan.errors[0].detail


def test_reference_to_an_unreadable_row_is_not_complained_about() -> None:
    """One mistake, one error."""
    plan = units_plan("p,0,2025-99-01,,P,,,,\na,1,2025-01-01,,A,,p,,\n")
    assert [error.line for error in plan.errors] == [2]


@given(st.binary(max_size=400))
def test_parsers_answer_any_bytes_with_rows_or_errors(raw: bytes) -> None:
    """No file makes an import fail otherwise than by named rows."""
    for text in (raw, HEADER.encode() + raw, b"device,family,labels\n" + raw):
        units = plan_units((), parse_units(text))
        devices = plan_devices((), parse_devices(text, families=("speaker",), units=UNITS[:3], today=TODAY), now=1)
        assert units.errors or units.added or text.strip()
        assert all(error.line >= 1 and error.detail for error in units.errors + devices.errors)
