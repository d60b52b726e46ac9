"""`ioc check`: whether a server could start from these files, and reach what they name."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ioc.cli.failure import Exit
from ioc.cli.finding import Finding, exit_code
from ioc.cli.output import print_json, say
from ioc.cli.place import ConfigOption, JsonOption, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioc.config.load import Config
    from ioc.config.problem import Problem


def check(
    config: ConfigOption = None,
    connect: Annotated[bool, typer.Option("--connect/--no-connect", help="Also try to reach broker and store.")] = True,
    json: JsonOption = False,
) -> None:
    """Check the configuration, and reach broker and store: 1 = something is wrong, 3 = a server can't be reached."""
    from ioc.config.problem import ConfigError

    try:
        loaded = load(config)
        problems = _registry_problems(loaded)
    except ConfigError as error:
        loaded, problems = None, list(error.problems)
    findings = _reach(loaded) if connect and loaded is not None and not problems else []
    if json:
        print_json(_document(loaded, problems, findings))
    else:
        _tell(loaded, problems, findings)
    raise typer.Exit(Exit.WRONG if problems else exit_code(findings))


def _tell(loaded: "Config | None", problems: "Sequence[Problem]", findings: "Sequence[Finding]") -> None:
    for problem in problems:
        say(str(problem))
    if problems or loaded is None:
        say(f"{len(problems)} mistake{'' if len(problems) == 1 else 's'}.")
        return
    for doubt in _doubts(loaded):
        print(f"Look at {doubt}")
    print("The files are fine: " + ", ".join(f"{count} {name}" for name, count in _counts(loaded).items()) + ".")
    for finding in findings:
        print(finding)


def _document(loaded: "Config | None", problems: "Sequence[Problem]", findings: "Sequence[Finding]") -> dict[str, Any]:
    return {
        "ok": not problems and exit_code(findings) is Exit.FINE,
        "problems": [asdict(problem) for problem in problems],
        "doubts": [] if loaded is None or problems else [asdict(doubt) for doubt in _doubts(loaded)],
        "counts": None if loaded is None else _counts(loaded),
        "findings": [asdict(finding) for finding in findings],
    }


def _doubts(loaded: "Config") -> "list[Problem]":
    from ioc.cli.duty_doubts import duty_doubts

    return [*loaded.doubts, *duty_doubts(loaded)]


def _counts(loaded: "Config") -> dict[str, int]:
    return {
        "families": len(loaded.families),
        "rules": len(loaded.rules),
        "channels": len(loaded.notify.channels),
        "routes": len(loaded.notify.routes),
    }


def _reach(loaded: "Config") -> list[Finding]:
    from ioc.cli.reach import look_around

    return asyncio.run(look_around(loaded))


def _registry_problems(loaded: "Config") -> "list[Problem]":
    """Wrong rows of the files that fill an empty registry at the first start."""
    from datetime import datetime

    from ioc.app.registry import shipped_units
    from ioc.domain.registry_import import parse_devices, parse_units, plan_units

    registry, zone = loaded.settings.registry, loaded.settings.site.zone
    plan = plan_units((), parse_units(shipped_units() if registry.units is None else registry.units.read_bytes()))
    problems = _row_problems(registry.units, plan.errors)
    if registry.devices is not None and registry.units is not None and not problems:
        today = datetime.now(zone).date().isoformat()
        parsed = parse_devices(registry.devices.read_bytes(), families=loaded.families, units=plan.added, today=today)
        problems = _row_problems(registry.devices, parsed.errors)
    return problems


def _row_problems(path: Path | None, errors: "Sequence[Any]") -> "list[Problem]":
    from ioc.config.problem import Problem

    what_and_do = [(error.line, *error.detail.partition("; ")[::2]) for error in errors]
    return [Problem(file=str(path), line=line, what=what, do=do) for line, what, do in what_and_do]
