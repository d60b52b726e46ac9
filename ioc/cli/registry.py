"""`ioc units …` and `ioc devices …`: the registry."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ioc.cli.failure import Exit, Failure
from ioc.cli.output import print_json, print_table, say
from ioc.cli.place import ConfigOption, DataDirOption, JsonOption, Place, place

units = typer.Typer(help="Administrative units.", no_args_is_help=True)
devices = typer.Typer(help="Devices.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file, or - for standard input.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Import without asking.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="Only this unit.")]


@units.command("list")
def list_units(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="Units valid on this date (default: today).")] = None,
    every: Annotated[bool, typer.Option("--all", help="All rows, ended ones too.")] = False,
    json: JsonOption = False,
) -> None:
    """List units."""
    found = _act(place(config, data_dir), "units.list", on=on, all=every)
    _show(
        found,
        ["unit", "code", "name", "type", "parent", "valid_from", "valid_to"],
        json=json,
        empty="No units; `ioc units import FILE` brings some.",
    )


@units.command("import")
def import_units(
    file: FileArgument,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Import units from a CSV file: unit,code,valid_from,valid_to,name,type,parent,lat,lon."""
    _import("units", file, place(config, data_dir), yes=yes, dry_run=dry_run, json=json)


@devices.command("list")
def list_devices(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    family: Annotated[str | None, typer.Option("--family", help="Only this family.")] = None,
    unit: UnitOption = None,
    held: Annotated[bool, typer.Option("--held", help="Only devices that wait for approval.")] = False,
    json: JsonOption = False,
) -> None:
    """List devices."""
    found = _act(place(config, data_dir), "devices.list", family=family, unit=unit, approved=False if held else None)
    _show(found, ["device", "family", "unit", "name", "approved", "labels", "registered_at"], json=json, empty="No devices.")


@devices.command("import")
def import_devices(
    file: FileArgument,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Import devices from a CSV file: device,family,unit,name,lat,lon,labels,valid_from (the first two are needed)."""
    _import("devices", file, place(config, data_dir), yes=yes, dry_run=dry_run, json=json)


@devices.command("approve")
def approve_devices(
    names: Annotated[list[str] | None, typer.Argument(metavar="DEVICE…", help="Devices that wait for approval.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    unit: Annotated[str | None, typer.Option("--unit", help="The unit they belong to.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="A name for people, for one device.")] = None,
    json: JsonOption = False,
) -> None:
    """Let devices that nobody had declared take part."""
    if bool(names) == every:
        msg = "name the devices to approve, or write --all"
        raise Failure(msg, Exit.USAGE)
    if name is not None and (every or len(names or ()) != 1):
        msg = "--name fits one device; name just that one"
        raise Failure(msg, Exit.USAGE)
    done = _act(place(config, data_dir), "devices.approve", devices=names or [], all=every, unit=unit, name=name)
    if json:
        print_json(done)
        return
    already = f"; {len(done['already'])} had been approved before" if done["already"] else ""
    count = len(done["approved"])
    print(f"Approved {count} {'device' if count == 1 else 'devices'}{already}.")


def _import(kind: str, file: Path, where: Place, *, yes: bool, dry_run: bool, json: bool) -> None:
    """Shows what a file would change; changes it where told to, or where the person at the terminal agrees."""
    from ioc.cli.action import csv_bytes

    raw = csv_bytes(file)
    plan = _act(where, f"{kind}.import", csv=raw, apply=False)
    waiting = not plan["errors"] and not dry_run and bool(plan["added"] or plan["changed"])
    if not json:
        _describe(kind, file, plan)
    if waiting and (yes or (not json and _agreed(stdin_used=str(file) == "-"))):
        plan = _act(where, f"{kind}.import", csv=raw, apply=True)
        waiting = False
    if json:
        print_json(plan)
    elif plan["applied"]:
        print("Imported.")
    elif waiting:
        print("Nothing is imported yet; add --yes to import.")
    if plan["errors"]:
        raise typer.Exit(Exit.WRONG)


def _describe(kind: str, file: Path, plan: dict[str, Any]) -> None:
    for error in plan["errors"]:
        say(f"{file}:{error['line']}: {error['detail']}")
    if plan["errors"]:
        say(f"Wrong rows: {len(plan['errors'])}. Nothing is imported until they are right.")
    print(f"{kind}: {plan['added']} new, {plan['changed']} changed, {plan['unchanged']} unchanged")
    for change in plan["changes"]:
        what = ", ".join(f"{key}: {_word(old)} → {_word(new)}" for key, (old, new) in change["changes"].items())
        print(f"  {change['id']}: {what}")
    if plan["changed"] > len(plan["changes"]):
        print(f"  … and {plan['changed'] - len(plan['changes'])} more")


def _word(value: object) -> str:
    return "-" if value in (None, "", {}) else str(value)


def _agreed(*, stdin_used: bool) -> bool:
    """What the person at the terminal says; without one nobody has agreed."""
    return not stdin_used and sys.stdin.isatty() and typer.confirm("Import them?")


def _show(found: dict[str, Any], columns: list[str], *, json: bool, empty: str) -> None:
    if json:
        print_json(found)
    else:
        print_table(found["items"], columns, empty=empty)


def _act(where: Place, command: str, **args: object) -> Any:  # noqa: ANN401  any JSON
    from ioc.cli.action import act

    return act(where, command, **args)
