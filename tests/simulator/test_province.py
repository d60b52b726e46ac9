"""The laid-out province: counts, names, places."""

from collections import Counter

from ioc.domain.registry import Device, Unit
from ioc.domain.topic import is_device_id
from ioc.simulator.province import lay_out


def test_province_has_its_devices(province: list[Device], units: list[Unit]) -> None:
    """600 clusters over all 148 communes, 20 lines, 60 sites; ids are valid, unique, and no place names."""
    assert Counter(device.family for device in province) == {"speaker": 600, "factory_line": 20, "network_site": 60}
    communes = {unit.unit for unit in units if unit.parent is not None}
    assert len(communes) == 148
    assert {device.unit for device in province if device.family == "speaker"} == communes
    assert len({device.device for device in province}) == 680
    assert all(is_device_id(device.device) for device in province)
    codes = {unit.code for unit in units}
    assert not [device for device in province if any(part in codes for part in device.device.split("-"))]


def test_devices_stand_in_their_commune(province: list[Device], units: list[Unit]) -> None:
    """Near its centre; their names leave the place to the registry."""
    by_unit = {unit.unit: unit for unit in units}
    for device in province:
        assert device.unit is not None
        unit = by_unit[device.unit]
        assert device.lat is not None
        assert unit.lat is not None
        assert abs(device.lat - unit.lat) < 0.02
    assert province[0].name == "Cụm loa 1"


def test_layout_repeats(units: list[Unit]) -> None:
    """The same units in any order give the same rows; more speakers are possible; no units, no devices."""
    assert lay_out(list(reversed(units))) == lay_out(units)
    assert len(lay_out(units, speakers=6_025)) == 6_105
    assert lay_out([]) == []
