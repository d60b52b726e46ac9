"""`ioc silence …`: messages held back for a stated time and reason."""

import re
from datetime import datetime
from typing import Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, end_of, instant, place, who
from ioc.domain.weekday import WEEKDAYS

silence = typer.Typer(help="Silences and maintenance: messages held back for a stated time and reason.", no_args_is_help=True)

_COLUMNS = ["id", "kind", "covers", "until", "left", "hours", "by", "reason"]
_HIDDEN = ["alarm", "rule", "severity", "device", "unit", "held_at", "cleared_at"]
_MATCHERS = ("rule", "severity", "family", "device", "unit")
_WEEKLY = re.compile(r"(?P<days>[a-z]{3}(?:,[a-z]{3})*|daily) +(?P<start>\d{1,2}:\d\d)-(?P<end>\d{1,2}:\d\d)")
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc silence list` shows.")]


@silence.command("add")
def add_silence(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; people read it.")],
    lasts: Annotated[str | None, typer.Option("--for", metavar="D", help="So long, for example 2h.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Or until then.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From then on (default: now).")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Alarms of this rule.")] = None,
    severity: Annotated[str | None, typer.Option("--severity", help="Alarms of this severity.")] = None,
    family: Annotated[str | None, typer.Option("--family", help="Alarms of this family.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="Alarms of this device.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Alarms of this unit.")] = None,
    weekly: Annotated[str | None, typer.Option("--weekly", metavar="HOURS", help='Only then: "sat,sun 22:00-05:00", "daily …".')] = None,
    only_on: Annotated[list[str] | None, typer.Option("--only-on", metavar="DAYS", help="Only on these days of the calendar.")] = None,
    except_on: Annotated[list[str] | None, typer.Option("--except-on", metavar="DAYS", help="Not on these days.")] = None,
    maintenance: Annotated[bool, typer.Option("--maintenance", help="It is planned work.")] = False,
    by: Annotated[
        str | None, typer.Option("--by", metavar="PERSON", help="Who asks; its channels hear of the end (default: the user's name).")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Hold back the messages of alarms that have every given value, until a time."""
    from ioc.app.clock import now_ms
    from ioc.cli.action import act
    from ioc.domain.rfc3339 import to_rfc3339

    where = place(config, data_dir)
    start = instant(since, where)
    end = end_of(lasts, until, where, start or now_ms())
    matchers = dict(zip(_MATCHERS, (rule, severity, family, device, unit), strict=True))
    asked: dict[str, Any] = {
        "reason": reason,
        "until": to_rfc3339(end),
        "kind": "maintenance" if maintenance else "silence",
        "weekly": _weekly(weekly, only_on or [], except_on or []),
        **({} if start is None else {"since": to_rfc3339(start)}),
        **{name: value for name, value in matchers.items() if value is not None},
    }
    found = act(where, "silence.add", silence=asked, by=who(by))
    if json:
        print_json(found)
    else:
        print(f"Silence {found['id']} holds back messages until {found['until']}.")


@silence.command("list")
def list_silences(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    ended: Annotated[bool, typer.Option("--all", help="Ended ones, too.")] = False,
    json: JsonOption = False,
) -> None:
    """List silences and maintenance that have not ended, with the time that is left."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "silence.list", all=ended)
    if json:
        print_json(found)
    else:
        print_table([_row(one, found["now"]) for one in found["items"]], _COLUMNS, empty="No silence.")


@silence.command("end")
def end_silence(silence_id: IdArgument, config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """End a silence now; what it hid stays readable."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "silence.end", id=silence_id)
    if json:
        print_json(found)
    else:
        print(f"Silence {found['id']} ended at {found['until']}.")


@silence.command("digest")
def show_digest(silence_id: IdArgument, config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Show what a silence has hidden so far."""
    from ioc.cli.action import act

    found = act(place(config, data_dir), "silence.digest", id=silence_id)
    if json:
        print_json(found)
        return
    print(f"{found['hidden']} technical alarms held back, {found['active']} still active.")
    print_table(found["alarms"], _HIDDEN, empty="")


def _weekly(hours: str | None, only_on: list[str], except_on: list[str]) -> dict[str, Any] | None:
    """The document of `sat,sun 22:00-05:00`; days of the calendar alone mean the whole of them."""
    if hours is None and not only_on and not except_on:
        return None
    match = _WEEKLY.fullmatch((hours or "daily 00:00-00:00").strip().lower())
    days = [] if match is None else [*WEEKDAYS] if match["days"] == "daily" else match["days"].split(",")
    if match is None or not set(days) <= set(WEEKDAYS):
        msg = f'{hours!r} are no hours; write "sat,sun 22:00-05:00" with days of {",".join(WEEKDAYS)}, or "daily 22:00-05:00"'
        raise Failure(msg, Exit.USAGE)
    return {"days": days, "from": match["start"].zfill(5), "to": match["end"].zfill(5), "only_on": only_on, "except_on": except_on}


def _row(one: dict[str, Any], now: int) -> dict[str, Any]:
    from ioc.domain.rfc3339 import to_unix_ms

    covers = ", ".join(f"{name}={one[name]}" for name in _MATCHERS if one[name] is not None)
    return {**one, "covers": covers, "left": _left(to_unix_ms(datetime.fromisoformat(one["until"])) - now), "hours": _hours(one["weekly"])}


def _hours(weekly: dict[str, Any] | None) -> str | None:
    if weekly is None:
        return None
    days = [*(f"only {name}" for name in weekly.get("only_on", ())), *(f"not {name}" for name in weekly.get("except_on", ()))]
    return " ".join([",".join(weekly["days"]), f"{weekly['from']}-{weekly['to']}", *days])


def _left(ms: int) -> str:
    """What is left, in its two largest units."""
    minutes = max(0, -(-ms // 60_000))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"
