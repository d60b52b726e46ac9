"""`ioc rules …`: trying rules out before they are put to work."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ioc.cli.failure import Exit
from ioc.cli.output import print_json, say
from ioc.cli.place import DEFAULT_CONFIG, ConfigOption, JsonOption

rules = typer.Typer(help="Rules.", no_args_is_help=True)


@rules.command("test")
def test(
    files: Annotated[list[Path], typer.Argument(metavar="F…", help="Rule files or folders of them.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Check rule files against the families: those of the configuration where there is one, else the shipped ones."""
    from dataclasses import asdict

    from ioc.config.families import load_families
    from ioc.config.load import load_config
    from ioc.config.problem import Problem
    from ioc.config.rules import load_rules

    problems: list[Problem] = []
    main = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    families = load_config(main, os.environ).families if main else load_families((), cadence={}, retention=2**62, problems=problems)
    found = load_rules(files, shipped=False, families=families, problems=problems)
    if json:
        print_json({"rules": [rule.id for rule in found], "problems": [asdict(problem) for problem in problems]})
    else:
        for problem in problems:
            say(str(problem))
        mistakes = f"{len(problems)} mistake{'' if len(problems) == 1 else 's'}" if problems else "no mistakes"
        print(f"{len(found)} rules, {mistakes}.")
    raise typer.Exit(Exit.WRONG if problems else Exit.FINE)
