"""`ioc quarantine …` and `ioc ledger …`: what became of the messages."""

import base64
from datetime import datetime
from typing import Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, Place, place

quarantine = typer.Typer(help="Messages that could not be stored.", no_args_is_help=True)
ledger = typer.Typer(help="The ledger: every delivery and how it ended.", invoke_without_command=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc quarantine list` shows.")]
_TERMS = ("received", "stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight")
_BESIDES = ("partial", "clock_corrected", "overwritten", "recovered", "evicted")


@quarantine.command("list")
def list_quarantine(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    device: Annotated[str | None, typer.Option("--device", help="Only this device.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only this reason, for example not_json.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on where the last page ended.")] = None,
    json: JsonOption = False,
) -> None:
    """List what is in quarantine, newest first."""
    found = _act(place(config, data_dir), "quarantine.list", device=device, reason=reason, limit=limit, cursor=cursor)
    if json:
        print_json(found)
        return
    columns = ["id", "last_seen", "count", "reason", "device", "topic", "detail"]
    print_table(found["items"], columns, empty="The quarantine is empty.")
    if found["next"]:
        print(f"More: ioc quarantine list --cursor {found['next']}")


@quarantine.command("show")
def show_quarantined(item: IdArgument, config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Show one message with its payload."""
    found = _act(place(config, data_dir), "quarantine.show", id=item)
    if json:
        print_json(found)
        return
    for key, value in found.items():
        if not key.startswith("payload"):
            print(f"{key + ':':<12} {'-' if value is None else value}")
    print(f"\n{_payload(found)}")


@quarantine.command("replay")
def replay_quarantined(item: IdArgument, config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Try to store a message again, with today's families."""
    done = _act(place(config, data_dir), "quarantine.replay", id=item)
    if json:
        print_json(done)
    else:
        print(("Recovered: " if done["recovered"] else "Still not stored: ") + done["detail"])
    if not done["recovered"]:
        raise typer.Exit(Exit.WRONG)


@ledger.callback()
def show_ledger(
    context: typer.Context,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From this minute on, RFC 3339 or the site's time.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this minute, without it.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the ledger; without times since the beginning."""
    if context.invoked_subcommand is not None:
        return
    where = place(config, data_dir)
    found = _act(where, "ledger", start=_instant(start, where), end=_instant(end, where))
    if json:
        print_json(found)
        return
    rows = [{"family": "all", **found}, *({"family": name, **terms} for name, terms in sorted(found["families"].items()))]
    print_table(rows, ["family", *_TERMS], empty="")
    print()
    print_table(rows, ["family", *_BESIDES], empty="")


@ledger.command("audit")
def audit(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    hour: Annotated[str | None, typer.Option("--hour", metavar="TIME", help="Any time in the hour (default: the last whole one).")] = None,
    json: JsonOption = False,
) -> None:
    """Compare an hour of the ledger with the points in the store."""
    from ioc.app.clock import now_ms
    from ioc.cli.audit import HOUR_MS, compare
    from ioc.domain.rfc3339 import to_rfc3339

    where = place(config, data_dir)
    wanted = _instant(hour, where)
    start = (now_ms() - HOUR_MS if wanted is None else wanted) // HOUR_MS * HOUR_MS
    found = compare(where, start)
    rows = [{"family": name, "stored": stored, "points": points} for name, (stored, points) in found.families.items()]
    if json:
        sums = {"stored": found.stored, "points": found.points, "events": found.events, "spooled": found.spooled}
        print_json({"from": to_rfc3339(start), "to": to_rfc3339(start + HOUR_MS), "families": rows, **sums})
        return
    print(f"{to_rfc3339(start)} to {to_rfc3339(start + HOUR_MS)}")
    total = {"family": "all", "stored": found.stored, "points": found.points}
    print_table([*rows, {"family": "events", "stored": None, "points": found.events}, total], ["family", "stored", "points"], empty="")
    print(_difference(found.stored - found.points, found.spooled))


def _difference(missing: int, spooled: int) -> str:
    """What a difference means. The ledger goes by arrival, points by their own time."""
    waiting = f" {spooled} more wait in the spool." if spooled else ""
    if missing == 0:
        return "Ledger and store agree." + waiting
    if missing > 0:
        return (
            f"{missing} stored deliveries have no point of their own here: births and Wills, repeats of one time, other hours' data."
            + waiting
        )
    return f"{-missing} points more than deliveries: data that arrived in another hour, or somebody else writes to the store." + waiting


def _payload(found: dict[str, Any]) -> str:
    payload = found.get("payload")
    if isinstance(payload, str) and found.get("payload_encoding") == "base64":
        raw = base64.b64decode(payload)
        return f"{len(raw)} bytes, not text: {raw[:512]!r}"
    return str(payload)


def _instant(text: str | None, where: Place) -> int | None:
    """Unix ms of a time; without an offset it is meant in the site's zone."""
    from ioc.config.settings import Site

    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is not a time; write 2026-07-01T08:00 or 2026-07-01T01:00:00Z"
        raise Failure(msg, Exit.USAGE) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=(where.config.settings.site if where.config else Site()).zone)
    return int(instant.timestamp() * 1000)


def _act(where: Place, command: str, **args: object) -> Any:  # noqa: ANN401  any JSON
    from ioc.cli.action import act

    return act(where, command, **args)
