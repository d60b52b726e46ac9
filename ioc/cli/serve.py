"""`ioc run`, `ioc demo`, `ioc simulate`: what goes on until it is stopped."""

import asyncio
from typing import Annotated, Literal

import typer

from ioc.cli.output import say
from ioc.cli.place import ConfigOption, load

LogFormatOption = Annotated[
    Literal["auto", "json", "console"],
    typer.Option("--log-format", envvar="IOC_LOG_FORMAT", help="json, console, or auto: console on a terminal, json elsewhere."),
]
LogLevelOption = Annotated[Literal["debug", "info", "warning", "error"], typer.Option("--log-level", help="How much is logged.")]


def run(config: ConfigOption = None, log_format: LogFormatOption = "auto", log_level: LogLevelOption = "info") -> None:
    """Run the server until it is stopped."""
    from ioc.logs import set_up_logs

    loaded = load(config)
    set_up_logs(log_format=log_format, secrets=loaded.secrets, level=log_level)
    from ioc.app.run import run as serve

    asyncio.run(serve(loaded, listening=lambda url: say(f"Listening on {url}")))
