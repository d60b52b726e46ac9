"""`ioc alarms …`: what stands, and what people do to it."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table, printable
from ioc.cli.place import ByOption, ConfigOption, DataDirOption, JsonOption, end_of, place, who

alarms = typer.Typer(help="Alarms: what stands, and what people do to it.", no_args_is_help=True)

_COLUMNS = ["id", "severity", "state", "rule", "device", "unit", "since", "acknowledged_by", "assigned_to", "shelved_until"]
_JOURNAL = ["at", "step", "by", "detail"]
_Severity = StrEnum("_Severity", ["critical", "major", "minor", "info"])
AlarmArgument = Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc alarms list` shows.")]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="A remark for the journal.")]


@alarms.command("list")
def list_alarms(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    ended: Annotated[bool, typer.Option("--all", help="Cleared ones, too.")] = False,
    acknowledged: Annotated[bool | None, typer.Option("--acknowledged/--unacknowledged", help="Seen by somebody, or by nobody.")] = None,
    severity: Annotated[_Severity | None, typer.Option("--severity", help="Of this severity.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="R", help="Of this rule.")] = None,
    family: Annotated[str | None, typer.Option("--family", metavar="F", help="Of this family.")] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="D", help="Of this device.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="U", help="Of this unit.")] = None,
    assigned_to: Annotated[str | None, typer.Option("--assigned-to", metavar="NAME", help="Which this person takes care of.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on where the last page ended.")] = None,
    json: JsonOption = False,
) -> None:
    """List the alarms that stand, newest first."""
    from ioc.cli.action import act

    wanted = {
        "state": None if ended else "active",
        "acknowledged": acknowledged,
        "severity": severity and severity.value,
        "rule": rule,
        "family": family,
        "device": device,
        "unit": unit,
        "assigned_to": assigned_to,
    }
    found = act(place(config, data_dir), "alarms.list", filter=wanted, limit=limit, cursor=cursor)
    if json:
        print_json(found)
        return
    print_table([_row(one) for one in found["items"]], _COLUMNS, empty="No alarm.")
    if found["next"]:
        print(f"More: the same with --cursor {found['next']}")


@alarms.command("show")
def show_alarm(alarm: AlarmArgument, config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Show one alarm, what to do, and its journal."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "alarms.show", id=alarm)
    if json:
        print_json(found)
        return
    for key, value in _row(found["alarm"]).items():
        if value not in (None, {}, False) and key != "texts":
            print(f"{key + ':':<16} {printable(str(value))}")
    print()
    print_table(found["journal"], _JOURNAL, empty="No journal.")


@alarms.command("ack")
def acknowledge(
    alarm: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids that `ioc alarms list` shows.")],
    comment: CommentOption = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Acknowledge alarms: somebody has seen them and takes care."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "alarms.ack", ids=alarm, by=who(by), comment=comment)
    if json:
        print_json(done)
        return
    for one in done["items"]:
        print(f"{_name(one)} is acknowledged by {one['acknowledged_by']}.")


@alarms.command("assign")
def assign(
    alarm: AlarmArgument,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who takes care of it.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Give an alarm to somebody."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "alarms.assign", id=alarm, by=who(by), to=_said(to, "--to NAME"))
    _tell(done, f"is assigned to {to}", json=json)


@alarms.command("comment")
def comment_on(
    alarm: AlarmArgument,
    comment: Annotated[str, typer.Argument(metavar="TEXT", help="The remark.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Add a remark to an alarm's journal."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "alarms.comment", id=alarm, by=who(by), comment=_said(comment, "TEXT"))
    _tell(done, "has the comment", json=json)


@alarms.command("shelve")
def shelve(
    alarm: AlarmArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; people read it.")],
    lasts: Annotated[str | None, typer.Option("--for", metavar="D", help="So long, for example 2h; at most 7d.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Or until then.")] = None,
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Take an alarm off the list for a while."""
    from ioc.app.clock import now_ms
    from ioc.cli.action import act

    where = place(config, data_dir)
    end = end_of(lasts, until, where, now_ms())
    done = act(where, "alarms.shelve", id=alarm, by=who(by), until=end, reason=_said(reason, "--reason TEXT"))
    _tell(done, f"is shelved until {done['shelved_until']}", json=json)


@alarms.command("unshelve")
def unshelve(
    alarm: AlarmArgument,
    comment: CommentOption = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Put a shelved alarm back on the list before its time."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "alarms.unshelve", id=alarm, by=who(by), comment=comment)
    _tell(done, "is not shelved", json=json)


@alarms.command("reset")
def reset(
    alarm: AlarmArgument,
    comment: CommentOption = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Take a latched alarm off the list, once its condition is over."""
    from ioc.cli.action import act

    done = act(place(config, data_dir), "alarms.reset", id=alarm, by=who(by), comment=comment)
    _tell(done, "is cleared", json=json)


def _tell(done: dict[str, Any], what: str, *, json: bool) -> None:
    if json:
        print_json(done)
    else:
        print(f"{_name(done)} {printable(what)}.")


def _name(alarm: dict[str, Any]) -> str:
    return f"{alarm['rule']} of {alarm['device'] or alarm['unit'] or 'the system itself'} ({alarm['id']})"


def _row(alarm: dict[str, Any]) -> dict[str, Any]:
    return {**alarm, "state": "latched" if alarm["latched"] else alarm["state"]}


def _said(text: str, name: str) -> str:
    if not text.strip():
        msg = f"{name} is empty; write what people are to read"
        raise Failure(msg, Exit.USAGE)
    return text
