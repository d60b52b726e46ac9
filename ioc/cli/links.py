"""`ioc links …`: the links in messages by which people acknowledge."""

import typer

from ioc.cli.output import print_json
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, place

links = typer.Typer(help="Links in messages that acknowledge.", no_args_is_help=True)


@links.callback()
def main() -> None:
    """Links in messages that acknowledge."""


@links.command("revoke")
def revoke(config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Make every link sent so far void, by a new key; messages from now on carry new ones."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "links.revoke")
    if json:
        print_json(done)
    else:
        print("All links sent so far are void.")
