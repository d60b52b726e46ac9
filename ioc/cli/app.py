"""The command line, put together. Commands load what they need themselves: `ioc --help` must answer at once."""

from typing import Annotated

import typer

from ioc.cli.alarms import alarms
from ioc.cli.check import check
from ioc.cli.dashboards import dashboards
from ioc.cli.doctor import doctor
from ioc.cli.drift import drift
from ioc.cli.duty import duty
from ioc.cli.families import families
from ioc.cli.incidents import incidents
from ioc.cli.links import links
from ioc.cli.load import load
from ioc.cli.recordings import record, replay
from ioc.cli.records import ledger, quarantine
from ioc.cli.registry import devices, units
from ioc.cli.rules import rules
from ioc.cli.serve import demo, run, simulate
from ioc.cli.service import service
from ioc.cli.show import config_app
from ioc.cli.silence import silence
from ioc.cli.tokens import token
from ioc.cli.why import why

app = typer.Typer(
    name="ioc",
    help="Monitoring for a provincial operations centre: MQTT in, time series, alarms that reach a person.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("ioc-monitor"))
        raise typer.Exit


@app.callback()
def main(
    _version_wanted: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Monitoring for a provincial operations centre: MQTT in, time series, alarms that reach a person."""


app.command()(demo)
app.command()(run)
app.command()(simulate)
app.command()(check)
app.command()(doctor)
app.command()(record)
app.command()(replay)
app.add_typer(config_app, name="config")
app.add_typer(units, name="units")
app.add_typer(devices, name="devices")
app.add_typer(token, name="token")
app.add_typer(links, name="links")
app.add_typer(quarantine, name="quarantine")
app.add_typer(ledger, name="ledger")
families.command()(drift)
app.add_typer(families, name="families")
app.add_typer(rules, name="rules")
app.add_typer(alarms, name="alarms")
app.add_typer(incidents, name="incidents")
app.add_typer(silence, name="silence")
app.add_typer(service, name="service")
app.command()(why)
app.command()(load)
app.command()(duty)
app.add_typer(dashboards, name="dashboards")
