"""`ioc families drift`: what devices tell otherwise than before."""

from typing import Annotated, Any

import typer

from ioc.cli.output import print_json, print_table
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, place

_GROUP = ["family", "dialect", "firmware", "before"]
_COLUMNS = ["id", *_GROUP, "kind", "field", "old_type", "new_type", "devices", "first_seen", "acknowledged"]


def drift(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    ack: Annotated[list[str] | None, typer.Option("--ack", metavar="ID", help="Acknowledge this one; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those acknowledged already.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on where the last page ended.")] = None,
    json: JsonOption = False,
) -> None:
    """List fields that a group of devices tells otherwise than before, newest first, or acknowledge them."""
    from ioc.cli.action import act

    where = place(config, data_dir)
    found: dict[str, Any]
    if ack:
        found = {"items": [act(where, "drift.ack", id=one) for one in ack], "next": None}
    else:
        found = act(where, "drift.list", acknowledged=None if every else False, limit=limit, cursor=cursor)
    if json:
        print_json(found)
        return
    print_table(found["items"], _COLUMNS, empty="No drift waits to be acknowledged." if not every else "No drift.")
    if found["next"]:
        print(f"More: the same with --cursor {found['next']}")
