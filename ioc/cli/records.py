"""`ioc quarantine …` and `ioc ledger …`: what became of the messages."""

import base64
import sys
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table, printable, say
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, Place, instant, place

quarantine = typer.Typer(help="Messages that could not be stored.", no_args_is_help=True)
ledger = typer.Typer(help="The ledger: every delivery and how it ended.", invoke_without_command=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc quarantine list` shows.")]
_By = StrEnum("_By", ["device", "reason"])
_TERMS = ("received", "stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight")
_BESIDES = ("partial", "clock_corrected", "overwritten", "recovered", "evicted")


_COLUMNS = ["id", "last_seen", "count", "reason", "device", "topic", "detail"]
_SUMS = ["device", "reason", "entries", "messages", "copies", "replayed", "bytes"]
DeviceOption = Annotated[str | None, typer.Option("--device", help="Only this device.")]
FamilyOption = Annotated[str | None, typer.Option("--family", help="Only this family; unknown = what belongs to none.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only this reason, for example not_json.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Last seen from then on, RFC 3339 or the site's time.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Last seen before then.")]
PartialOption = Annotated[bool | None, typer.Option("--partial/--whole", help="Only copies of partial messages, or only whole ones.")]


@quarantine.command("list")
def list_quarantine(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    by: Annotated[_By | None, typer.Option("--by", help="Sums by device or by reason, the most first, in place of messages.")] = None,
    device: DeviceOption = None,
    family: FamilyOption = None,
    reason: ReasonOption = None,
    start: FromOption = None,
    end: ToOption = None,
    partial: PartialOption = None,
    replayed: Annotated[bool | None, typer.Option("--replayed/--waiting", help="Only what has been stored after all.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on where the last page ended.")] = None,
    json: JsonOption = False,
) -> None:
    """List what is in quarantine, newest first, or who fills it."""
    where = place(config, data_dir)
    filters = {"--device": device, "--family": family, "--reason": reason, "--from": start, "--to": end, "--partial": partial}
    if by is not None and (given := [name for name, value in filters.items() if value is not None]):
        msg = f"--by sums all that waits; leave out {', '.join(given)}, or --by"
        raise Failure(msg, Exit.USAGE)
    if by is not None:
        found = _act(where, "quarantine.summary", by=by.value, limit=limit, cursor=cursor)
    else:
        wanted = _filter(where, device=device, family=family, reason=reason, start=start, end=end, partial=partial)
        found = _act(where, "quarantine.list", **wanted, replayed=replayed, limit=limit, cursor=cursor)
    if json:
        print_json(found)
        return
    columns = _COLUMNS if by is None else [name for name in _SUMS if name == by.value or name not in _By.__members__.values()]
    print_table(
        found["items"], columns, empty="Nothing in quarantine." if not any(filters.values()) else "Nothing in quarantine is like that."
    )
    if found["next"]:
        print(f"More: the same with --cursor {found['next']}")


@quarantine.command("show")
def show_quarantined(item: IdArgument, config: ConfigOption = None, data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Show one message with its payload."""
    found = _act(place(config, data_dir), "quarantine.show", id=item)
    if json:
        print_json(found)
        return
    for key, value in found.items():
        if not key.startswith("payload"):
            print(f"{key + ':':<12} {'-' if value is None else printable(str(value))}")
    print()
    print(printable(_payload(found), keep="\n\t"))


@quarantine.command("replay")
def replay_quarantined(
    items: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Ids that `ioc quarantine list` shows.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    device: DeviceOption = None,
    family: FamilyOption = None,
    reason: ReasonOption = None,
    start: FromOption = None,
    end: ToOption = None,
    partial: PartialOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Store without asking.")] = False,
    json: JsonOption = False,
) -> None:
    """Try to store messages again, with today's families: those named, or all that the filters let through."""
    from ioc.cli.replay import replay_each, replay_filtered

    where = place(config, data_dir)
    wanted = _filter(where, device=device, family=family, reason=reason, start=start, end=end, partial=partial)
    filtered = every or any(value is not None for value in wanted.values())
    if bool(items) == filtered:
        msg = "name the messages to replay, or choose them by --device, --family, --reason, --from, --to, --partial, --whole or --all"
        raise Failure(msg, Exit.USAGE)
    if items and dry_run:
        msg = "--dry-run fits the filters; `ioc quarantine show ID` shows one message"
        raise Failure(msg, Exit.USAGE)
    refused = replay_each(where, items, json=json) if items else replay_filtered(where, wanted, dry_run=dry_run, yes=yes, json=json)
    if refused:
        raise typer.Exit(Exit.WRONG)


@quarantine.command("discard")
def discard_quarantined(
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the log.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    device: DeviceOption = None,
    family: FamilyOption = None,
    reason: ReasonOption = None,
    start: FromOption = None,
    end: ToOption = None,
    partial: PartialOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Discard without asking.")] = False,
    json: JsonOption = False,
) -> None:
    """Forget messages that nobody will ever store, such as a test device's; they count as evicted."""
    where = place(config, data_dir)
    wanted = _filter(where, device=device, family=family, reason=reason, start=start, end=end, partial=partial)
    if not any(value is not None for value in wanted.values()):
        msg = "choose what to discard by --device, --family, --reason, --from, --to, --partial or --whole"
        raise Failure(msg, Exit.USAGE)
    if not yes and not (sys.stdin.isatty() and typer.confirm("These messages can't be had back. Discard them?")):
        say("Nothing is discarded; add --yes to discard, `ioc quarantine list` shows what it would be.")
        return
    done = _act(where, "quarantine.discard", **wanted, why=why)
    if json:
        print_json(done)
    else:
        print(f"{done['discarded']} messages discarded.")


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
    found = _act(where, "ledger", start=instant(start, where), end=instant(end, where))
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
    """Compare an hour of the points' own time with what the ledger says; ends with 1 where they differ, 3 where the store is away."""
    from collectors.accounting import HOUR_MS, hour_of
    from ioc.app.auditor import UNTOLD
    from ioc.app.clock import now_ms
    from ioc.cli.audit import compare
    from ioc.domain.audit import Verdict
    from ioc.domain.point import StoreDeniedError
    from ioc.domain.rfc3339 import to_rfc3339

    where = place(config, data_dir)
    wanted = instant(hour, where)
    start = hour_of(now_ms() - HOUR_MS if wanted is None else wanted)
    try:
        found = compare(where, start)
    except StoreDeniedError as error:
        # 1 would say that they differ.
        raise Failure(str(error), Exit.UNREACHABLE) from error
    agrees = all(one.verdict is Verdict.AGREES for one in found)
    rows = [msgspec.to_builtins(one) for one in found]
    if json:
        print_json({"from": to_rfc3339(start), "to": to_rfc3339(start + HOUR_MS), "agrees": agrees, "measurements": rows})
    else:
        print(f"{to_rfc3339(start)} to {to_rfc3339(start + HOUR_MS)}")
        columns = ["measurement", "certain", "uncertain", "spooled", "counted", "verdict"]
        shown = [{**row, "uncertain": "unknown" if row["uncertain"] >= UNTOLD else row["uncertain"]} for row in rows]
        print_table(shown, columns, empty="Nothing was stored of this hour, and the store holds nothing.")
        for one in found:
            print(one.sentence)
    if not agrees:
        raise typer.Exit(Exit.WRONG)


def _payload(found: dict[str, Any]) -> str:
    payload = found.get("payload")
    if isinstance(payload, str) and found.get("payload_encoding") == "base64":
        raw = base64.b64decode(payload)
        return f"{len(raw)} bytes, not text: {raw[:512]!r}"
    return str(payload)


def _filter(where: Place, *, start: str | None, end: str | None, **equal: object) -> dict[str, object]:
    return {**equal, "start": instant(start, where), "end": instant(end, where)}


def _act(where: Place, command: str, **args: object) -> Any:  # noqa: ANN401  any JSON
    from ioc.cli.action import act

    return act(where, command, **args)
