"""`ioc token …`: who may use the API."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table, say
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, Place, place

token = typer.Typer(help="Tokens for the API and the wall.", no_args_is_help=True)

ROLES = ("viewer", "operator", "technician", "admin")


@token.command("create")
def create_token(
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", help="A unit that a technician works in; may be repeated.")] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="D", help="When it ends: 30d, 12h, or the last day as 2027-12-31.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Whose it is: shown in journals.")] = "",
    json: JsonOption = False,
) -> None:
    """Create a token; it is shown this once."""
    from ioc.cli.action import act

    if role not in ROLES:
        msg = f"there is no role {role!r}; write one of {', '.join(ROLES)}"
        raise Failure(msg, Exit.USAGE)
    where = place(config, data_dir)
    done = act(where, "token.create", role=role, units=unit or [], expires_at=_end(expires, where), name=name)
    if json:
        print_json(done)
        return
    say("The token is shown this once; keep it like a password." + (f" It ends {done['expires_at']}." if done["expires_at"] else ""))
    print(done["token"])


@token.command("list")
def list_tokens(config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """List tokens, without their secrets."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "token.list")
    if json:
        print_json(found)
    else:
        columns = ["id", "name", "role", "units", "in_force", "created_at", "expires_at", "revoked_at"]
        print_table(found["items"], columns, empty="No tokens; `ioc token create --role admin` makes one.")


@token.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc token list` shows.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """End a token at once."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "token.revoke", id=token_id)
    if json:
        print_json(done)
    else:
        print(f"Revoked {token_id}.")


def _end(text: str | None, where: Place) -> int | None:
    """Unix ms of a duration from now, or of the end of a day in the site's zone."""
    from ioc.app.clock import now_ms
    from ioc.config.settings import Site
    from ioc.domain.duration import parse_duration

    if text is None:
        return None
    now = now_ms()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            end = now + parse_duration(text)
        except ValueError:
            msg = f"--expires {text!r} is neither a duration such as 30d nor a date such as 2027-12-31"
            raise Failure(msg, Exit.USAGE) from None
    else:
        zone = (where.config.settings.site if where.config else Site()).zone
        end = int(datetime.combine(day + timedelta(days=1), time(), zone).timestamp() * 1000)
    if end <= now:
        msg = f"--expires {text!r} lies in the past"
        raise Failure(msg, Exit.USAGE)
    return end
