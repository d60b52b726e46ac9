"""The registry's files at the very first start."""

from collections.abc import Iterable
from importlib.resources import files

from ioc.adapters.state.store import StateDb
from ioc.config.load import Config
from ioc.domain.registry import RowError
from ioc.domain.registry_import import parse_devices, parse_units, plan_devices, plan_units

HOME = "phu-tho"
"""The site whose units are shipped."""


class RegistryFileError(Exception):
    """A registry file has wrong rows; the text lists them with file and line."""


async def import_at_first_start(config: Config, state: StateDb, *, today: str, now: int) -> None:
    """Fills an empty registry from the files that the configuration names (SQL is the truth from then on)."""
    registry = config.settings.registry
    if not await state.units():
        raw, name = _units_file(config)
        if raw is not None:
            units = plan_units((), parse_units(raw))
            _refuse(name, units.errors)
            await state.import_units(units.to_import)
    if registry.devices is not None and not await state.devices():
        known = await state.units()
        parsed = parse_devices(registry.devices.read_bytes(), families=config.families, units=known, today=today)
        devices = plan_devices((), parsed, now=now)
        _refuse(str(registry.devices), devices.errors)
        await state.import_devices(devices.to_import)


def shipped_units() -> bytes:
    """Phú Thọ and its communes since 1 July 2025, as a units file."""
    return files("ioc.domain").joinpath("data", "phu-tho-units.csv").read_bytes()


def _units_file(config: Config) -> tuple[bytes | None, str]:
    path = config.settings.registry.units
    if path is not None:
        return path.read_bytes(), str(path)
    return (shipped_units() if config.settings.site.id == HOME else None), "the shipped units"


def _refuse(name: str, errors: Iterable[RowError]) -> None:
    lines = [f"{name}:{error.line}: {error.detail}" for error in errors]
    if lines:
        raise RegistryFileError("\n".join(lines))
