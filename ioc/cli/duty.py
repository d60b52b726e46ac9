"""`ioc duty`: who is on duty, and what nobody answers for."""

from datetime import datetime
from typing import Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, printable
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, Place, instant, place


def duty(
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="At this time (default: now).")] = None,
    team: Annotated[str | None, typer.Option("--team", metavar="T", help="Of this team only.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Tell who is on duty, and what nobody answers for in the week after: 1 = there is such."""
    from ioc.cli.action import act

    where = place(config, data_dir)
    if team is not None and where.config is not None:
        _check_team(team, where)
    found = act(where, "duty", at=instant(at, where), team=team)
    if json:
        print_json(found)
    else:
        _tell(found, where)
    raise typer.Exit(Exit.FINE if found["complete"] else Exit.WRONG)


def _check_team(team: str, where: Place) -> None:
    from ioc.config.known_keys import suggestion

    teams = where.config.notify.teams if where.config else {}
    if team not in teams:
        msg = f"there is no team `{team}`; {suggestion(team, teams, noun='teams')}"
        raise Failure(msg, Exit.USAGE)


def _tell(found: dict[str, Any], where: Place) -> None:
    for watch in found["teams"]:
        people = ", ".join(f"{one['name']} ({one['person']})" for one in watch["people"]) or "nobody"
        until = f" until {_local(watch['until'], where)}" if watch["until"] else ""
        print(printable(f"{watch['name']} ({watch['team']}): {people}{until}{', by an override' if watch['override'] else ''}"))
    if not found["teams"]:
        print("No teams are declared in the notify file.")
    for one in found["uncovered"]:
        print(printable(f"Nobody answers for {one['unit'] or 'devices without a unit'}: {one['devices']} devices."))
    for gap in found["gaps"]:
        units = f"; it answers for {', '.join(gap['units'])}" if gap["units"] else ""
        print(printable(f"Nobody of {gap['team']} is on duty from {_local(gap['start'], where)} to {_local(gap['end'], where)}{units}."))


def _local(text: str, where: Place) -> str:
    from ioc.config.settings import Site

    zone = (where.config.settings.site if where.config else Site()).zone
    return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M}"
