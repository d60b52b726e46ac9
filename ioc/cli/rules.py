"""`ioc rules …`: trying rules out before they are put to work."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ioc.cli.failure import Exit
from ioc.cli.output import errors_only, print_json, say
from ioc.cli.place import DEFAULT_CONFIG, ConfigOption, JsonOption

rules = typer.Typer(help="Rules.", no_args_is_help=True)


@rules.command("test")
def test(
    files: Annotated[list[Path] | None, typer.Argument(metavar="F…", help="Files of rule tests, or of rules; or folders of them.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Play rule tests, and check rule files against the families: those of the configuration where there is one, else the shipped ones.

    Without files the shipped tests of the shipped rules are played.
    """
    from dataclasses import asdict

    from ioc.cli.rule_tests import lines, play
    from ioc.config.families import load_families, own_documents, shipped_documents
    from ioc.config.load import load_config
    from ioc.config.problem import ConfigError, Problem
    from ioc.config.rule_tests import is_test_file
    from ioc.config.rules import load_rules

    problems: list[Problem] = []
    main = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    site = load_config(main, os.environ) if main else None
    families = site.families if site else load_families((), cadence={}, retention=2**62, problems=problems)
    documents = own_documents(files, problems) if files else shipped_documents("alerts", "pack/tests")
    found = load_rules([Path(one.file) for one in documents if not is_test_file(one)], shipped=False, families=families, problems=problems)
    outcomes = []
    with errors_only():
        for document in filter(is_test_file, documents):
            try:
                outcomes += play(document, site.notify.routes if site else ())
            except ConfigError as error:
                problems += error.problems
    failed = sum(not one["passed"] for one in outcomes)
    if json:
        print_json({"rules": [rule.id for rule in found], "problems": [asdict(problem) for problem in problems], "tests": outcomes})
    else:
        for problem in problems:
            say(str(problem))
        for line in lines(outcomes):
            print(line)
        mistakes = f"{len(problems)} mistake{'' if len(problems) == 1 else 's'}" if problems else "no mistakes"
        tests = f"{len(outcomes)} tests, {failed} failed; " if outcomes else ""
        print(f"{tests}{len(found)} rules, {mistakes}.")
    raise typer.Exit(Exit.WRONG if problems or failed else Exit.FINE)
