"""What `ioc simulate` does."""

import asyncio
import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ioc.app.clock import now_ms
from ioc.app.registry import shipped_units
from ioc.cli.failure import Exit, Failure
from ioc.cli.output import say
from ioc.config.families import load_families
from ioc.config.known_keys import suggestion
from ioc.config.load import load_config
from ioc.config.problem import ConfigError, Problem
from ioc.domain.family import Family
from ioc.domain.registry import Device
from ioc.domain.registry_import import DEVICE_COLUMNS, parse_units
from ioc.logs import LogFormat, set_up_logs
from ioc.simulator.province import lay_out, spread
from ioc.simulator.simulate import simulate

_DEMO = 680
_DEMO_LINES = 20
_DEMO_SITES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Which devices connect where, and what they do."""

    broker: str
    devices: int
    interval: float | None
    """Seconds; None = each family's cadence."""
    scenario: str
    speed: float
    username: str | None
    password_file: Path | None
    ca_file: Path | None
    topic_root: str
    registry_file: Path | None
    """Where their rows are written for the registry."""
    config: Path | None
    family: str | None
    """All devices belong to it; None = mixed as in the demo."""

    def run(self, log_format: LogFormat) -> None:
        """Runs until interrupted."""
        password = self._password()
        families = _families(self.config)
        rows = devices_of(self.devices) if self.family is None else devices_of_family(self.devices, self.family, families)
        if self.registry_file is not None:
            write_csv(rows, self.registry_file)
        set_up_logs(log_format=log_format, secrets=() if password is None else (password,))
        say(f"{len(rows)} devices connect to {self.broker}; Ctrl-C ends them.")
        try:
            asyncio.run(self._simulate(rows, families, password))
        except ValueError as error:
            raise Failure(str(error)) from None

    async def _simulate(self, rows: Sequence[Device], families: Mapping[str, Family], password: str | None) -> None:
        await simulate(
            self.broker,
            families=families.values(),
            devices=rows,
            clock=now_ms,
            interval_s=self.interval,
            scenario=self.scenario,
            speed=self.speed,
            username=self.username,
            password=password,
            ca_file=None if self.ca_file is None else str(self.ca_file),
            topic_root=self.topic_root,
        )

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            msg = f"{self.password_file}: can't be read: {error.strerror}; check --password-file"
            raise Failure(msg) from None


def devices_of(count: int) -> list[Device]:
    """So many devices in the communes of Phú Thọ, mixed as in the demo."""
    lines, sites = count * _DEMO_LINES // _DEMO, count * _DEMO_SITES // _DEMO
    units = [row.value for row in parse_units(shipped_units()).rows]
    return lay_out(units, speakers=count - lines - sites, lines=lines, sites=sites)


def devices_of_family(count: int, name: str, families: Mapping[str, Family]) -> list[Device]:
    """So many devices of one family in the communes of Phú Thọ; Failure for a family that nobody declares."""
    family = families.get(name)
    if family is None:
        msg = f"there is no family {name!r} (a site's own are known with --config F); {suggestion(name, families, noun='families')}"
        raise Failure(msg, Exit.USAGE)
    units = [row.value for row in parse_units(shipped_units()).rows]
    return spread(units, name, count, label=family.labels.vi)


def write_csv(devices: Sequence[Device], path: Path) -> None:
    """A devices file as `ioc devices import` takes it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(DEVICE_COLUMNS)
        for device in devices:
            cells = (getattr(device, column) for column in DEVICE_COLUMNS)
            writer.writerow(";".join(f"{key}={value}" for key, value in cell.items()) if isinstance(cell, dict) else cell for cell in cells)


def _families(config: Path | None) -> Mapping[str, Family]:
    if config is not None:
        return load_config(config, os.environ).families
    problems: list[Problem] = []
    families = load_families((), cadence={}, retention=2**62, problems=problems)
    if problems:
        raise ConfigError(problems)
    return families
