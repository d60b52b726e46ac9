"""Which site a command speaks to: its configuration, or only its data folder."""

import getpass
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from ioc.config.load import Config

DEFAULT_CONFIG = Path("ioc.yaml")
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", envvar="IOC_CONFIG", metavar="F", help="The main configuration file (default: ./ioc.yaml).")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="D", help="The data folder of a site, instead of its configuration (for example ./ioc-demo)."),
]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says or does so (default: the user's name).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site's data folder, and its configuration where one was named."""

    data_dir: Path
    config: "Config | None"


def who(by: str | None) -> str:
    """Whoever was named, else the user who gives the command."""
    return by or getpass.getuser()


def config_file(config: Path | None) -> Path | None:
    """The file to read: the one named, else ./ioc.yaml, else None where the environment alone says enough."""
    if config is not None:
        return config
    if DEFAULT_CONFIG.exists():
        return DEFAULT_CONFIG
    if "IOC_BROKER__URL" in os.environ:
        return None
    msg = "no configuration named; write --config F, set IOC_CONFIG, or start in the folder of an ioc.yaml"
    raise Failure(msg, Exit.USAGE)


def load(config: Path | None) -> "Config":
    """The configuration, checked; ConfigError holds every mistake."""
    from ioc.config.load import load_config

    return load_config(config_file(config), os.environ)


def place(config: Path | None, data_dir: Path | None) -> Place:
    """Where a command acts; a named data folder must exist."""
    if data_dir is not None:
        if not data_dir.is_dir():
            msg = f"there is no data folder {data_dir}; check --data-dir"
            raise Failure(msg)
        return Place(data_dir=data_dir.absolute(), config=None)
    loaded = load(config)
    return Place(data_dir=loaded.settings.data_dir, config=loaded)


def instant(text: str | None, where: Place) -> int | None:
    """Unix ms of a time; without an offset it is meant in the site's zone."""
    from ioc.config.settings import Site
    from ioc.domain.rfc3339 import EPOCH, can_be_told

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is not a time; write 2026-07-01T08:00 or 2026-07-01T01:00:00Z"
        raise Failure(msg, Exit.USAGE) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=(where.config.settings.site if where.config else Site()).zone)
    ms = int((moment - EPOCH).total_seconds() * 1000)
    if not can_be_told(ms):
        msg = f"{text!r} is no time that anything could have been stored at; write one of this century"
        raise Failure(msg, Exit.USAGE)
    return ms


def end_of(lasts: str | None, until: str | None, where: Place, start: int) -> int:
    """Unix ms at which something ends that lasts so long from `start` on, or until a time: exactly one of them is given."""
    from ioc.domain.duration import parse_duration

    if (lasts is None) == (until is None):
        msg = "say how long: `--for 2h` or `--until 2026-07-01T06:00`"
        raise Failure(msg, Exit.USAGE)
    try:
        return instant(until, where) or start + parse_duration(lasts)
    except ValueError as error:
        raise Failure(str(error), Exit.USAGE) from None
