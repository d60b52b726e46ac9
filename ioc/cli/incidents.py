"""`ioc incidents …`: devices that fell together."""

from typing import Annotated

import typer

from ioc.cli.output import print_json, print_table, printable
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, place

incidents = typer.Typer(help="Mass outages: devices that fell together.", no_args_is_help=True)

_COLUMNS = ["id", "state", "attribute", "value", "since", "until", "members", "recovered", "exposed"]
_HELD = ["alarm", "rule", "device", "unit", "since", "hold", "by", "until"]
_MEMBERS = ["device", "unit", "rule", "joined", "recovered", "released", "alarm"]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
CursorOption = Annotated[str | None, typer.Option("--cursor", help="Go on where the last page ended.")]


@incidents.command("list")
def list_incidents(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    active: Annotated[bool | None, typer.Option("--active/--over", help="Only those that go on, or only those that are over.")] = None,
    limit: LimitOption = 100,
    cursor: CursorOption = None,
    json: JsonOption = False,
) -> None:
    """List incidents, newest first: what their members share, how many there are and how many came back."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "incidents.list", active=active, limit=limit, cursor=cursor)
    if json:
        print_json(found)
        return
    print_table(found["items"], _COLUMNS, empty="No incident.")
    _more(found["next"])


@incidents.command("show")
def show_incident(
    incident: Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc incidents list` shows.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    limit: LimitOption = 1000,
    cursor: CursorOption = None,
    json: JsonOption = False,
) -> None:
    """Show one incident and its members: when each joined, and when it came back."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "incidents.show", id=incident, limit=limit, cursor=cursor)
    if json:
        print_json(found)
        return
    for key, value in found["incident"].items():
        print(f"{key + ':':<11} {printable(str(value)) if value not in (None, {}) else '-'}")
    print()
    print_table(found["members"], _MEMBERS, empty="No members.")
    _more(found["next"])


@incidents.command("held")
def list_held(config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """List alarms that cause no message of their own now, and what holds each back: an incident, a silence, working hours."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "incidents.held")
    if json:
        print_json(found)
        return
    print_table(found["items"], _HELD, empty="Nothing is held back.")


def _more(following: str | None) -> None:
    if following:
        print(f"More: the same with --cursor {following}")
