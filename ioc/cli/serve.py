"""`ioc run`, `ioc demo`, `ioc simulate`: what goes on until it is stopped."""

import asyncio
from pathlib import Path
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


def simulate(
    broker: Annotated[str, typer.Option("--broker", metavar="URL", help="Where they connect: mqtt://host:port or mqtts://host:port.")],
    devices: Annotated[int, typer.Option("--devices", min=1, max=100_000, help="How many devices.")] = 680,
    interval: Annotated[
        float | None, typer.Option("--interval", metavar="S", min=0.01, help="Seconds between a device's messages.")
    ] = None,
    scenario: Annotated[str, typer.Option("--scenario", metavar="NAME", help="story, calm or plain.")] = "story",
    speed: Annotated[float, typer.Option("--speed", metavar="X", min=0.01, help="How much faster the story runs.")] = 1.0,
    username: Annotated[str | None, typer.Option("--username", help="One user for all devices.")] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file", help="Its password.")] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", help="Authority of the broker's certificate (PEM).")] = None,
    topic_root: Annotated[str, typer.Option("--topic-root", help="As the site's broker.topic_root.")] = "ioc/v1",
    registry_file: Annotated[
        Path | None, typer.Option("--write-devices", metavar="FILE", help="Write them for `ioc devices import`.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="F", help="Take the families of this site.")] = None,
    family: Annotated[str | None, typer.Option("--family", metavar="NAME", help="Only devices of this family.")] = None,
    log_format: LogFormatOption = "auto",
) -> None:
    """Simulate devices at a broker: one connection, client id and Will each; without --interval at their families' cadence."""
    from ioc.cli.simulation import Simulation

    simulation = Simulation(
        broker=broker,
        devices=devices,
        interval=interval,
        scenario=scenario,
        speed=speed,
        username=username,
        password_file=password_file,
        ca_file=ca_file,
        topic_root=topic_root,
        registry_file=registry_file,
        config=config,
        family=family,
    )
    simulation.run(log_format)


def demo(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the wall listens on this machine.")] = 8080,
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=100.0, help="Shortens the waits between the story's events.")] = 1.0,
    data_dir: Annotated[Path, typer.Option("--data-dir", metavar="D", help="Where the demo keeps its history.")] = Path("ioc-demo"),
    devices: Annotated[int, typer.Option("--devices", min=1, max=20_000, help="Loudspeaker clusters.")] = 600,
    log_level: LogLevelOption = "warning",
) -> None:
    """Start a simulated province on this machine, with everything it needs; prints one URL."""
    say("Starting ioc-monitor …")
    from ioc.app.demo import DemoOptions
    from ioc.app.demo import demo as run_demo
    from ioc.logs import set_up_logs

    set_up_logs(log_format="auto", secrets=(), level=log_level)
    asyncio.run(run_demo(DemoOptions(port=port, speed=speed, data_dir=data_dir, devices=devices), say=say))
