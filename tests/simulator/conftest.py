"""The shipped families and units, and a simulated province of them."""

from pathlib import Path

import pytest

import ioc.domain
from ioc.config.families import load_families
from ioc.domain.family import Family
from ioc.domain.registry import Device, Unit
from ioc.domain.registry_import import parse_units
from ioc.simulator.province import lay_out


@pytest.fixture(scope="session")
def families() -> dict[str, Family]:
    """Shipped families by name."""
    return load_families([], cadence={}, retention=90 * 86_400_000, problems=[])


@pytest.fixture(scope="session")
def units() -> list[Unit]:
    """Phú Thọ and its 148 communes."""
    raw = (Path(ioc.domain.__file__).parent / "data" / "phu-tho-units.csv").read_bytes()
    return [row.value for row in parse_units(raw).rows]


@pytest.fixture(scope="session")
def province(units: list[Unit]) -> list[Device]:
    """600 clusters, 20 lines, 60 sites."""
    return lay_out(units)
