"""Which site a command speaks to: its configuration, or only its data folder."""

import os
from dataclasses import dataclass
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
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site's data folder, and its configuration where one was named."""

    data_dir: Path
    config: "Config | None"


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
